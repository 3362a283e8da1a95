"""The real Kubernetes control plane of a sandbox: etcd, API server, controllers, scheduler; KWOK as its kubelets.

Everything listens on loopback only and outlives the command that started it. Starting is idempotent: running processes
stay, dead ones start again on the same data. etcd does not fsync: a killed process loses nothing, a power cut may.
"""

import json
import ssl
import time
import urllib.error
import urllib.request
from contextlib import closing
from dataclasses import asdict, replace
from shutil import rmtree

from llmplatform_sandbox import controlplane_commands as commands
from llmplatform_sandbox.called import called
from llmplatform_sandbox.controlplane_commands import DEFAULT_SERVICE_CIDR, Settings
from llmplatform_sandbox.errors import SandboxError, damaged
from llmplatform_sandbox.interfaces import KubeAccess
from llmplatform_sandbox.kube.client import Kube
from llmplatform_sandbox.kube.machines import Machines
from llmplatform_sandbox.kube.unfinished_definitions import resume_definitions
from llmplatform_sandbox.paths import SandboxPaths, write_private
from llmplatform_sandbox.pki import Pki
from llmplatform_sandbox.processes import Processes, free_ports
from llmplatform_sandbox.toolchain import Toolchain
from llmplatform_sandbox.toolchain.tools import KUBERNETES_MINOR, KUBERNETES_MINORS

__all__ = ["DEFAULT_SERVICE_CIDR", "KUBERNETES_MINOR", "KUBERNETES_MINORS", "PROCESS_NAMES", "ControlPlane"]

PROCESS_NAMES = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")
_READY_WITHIN = 300.0
"""Seconds. It takes four, and a minute on a machine whose processors others have."""


class ControlPlane:
    """The control plane in one sandbox's folder; any process may hold an object of this class."""

    minors = KUBERNETES_MINORS
    on_paper = False

    def __init__(self, paths: SandboxPaths, tools: Toolchain) -> None:
        self._folder = paths.kube
        self._tools = tools
        self._pki = Pki(paths.kube / "pki")
        self._processes = Processes(paths.run, paths.logs)
        self._settings_file = paths.kube / "settings.json"
        self.nodes = Machines(self.access)

    def access(self) -> KubeAccess:
        """Access to the API server. Raises `SandboxError` before the first start."""
        settings = self._settings()
        if settings is None:
            raise SandboxError(f"control plane: not started yet; run `{called()} sandbox up`")
        try:
            authority = self._pki.certificate("ca").read_text()
        except FileNotFoundError:
            raise damaged(self._pki.certificate("ca")) from None
        return KubeAccess(server=_url(settings), ca_pem=authority, kubeconfig=self._pki.kubeconfig("admin"))

    def minor(self) -> str:
        """Its Kubernetes minor, or the next one."""
        settings = self._settings()
        return settings.minor if settings else KUBERNETES_MINOR

    def running(self) -> bool:
        """Whether all five processes are alive."""
        return all(self._processes.running(name) for name in PROCESS_NAMES)

    def prepare(self, *, service_cidr: str | None = None) -> "Settings":
        """Write the files of clients, so that they may start together with the API server."""
        if not self._pki.exists():
            self._pki.create()
        settings = self._choose_settings(service_cidr)
        self._pki.write_kubeconfigs(_url(settings))
        return settings

    def serving(self) -> bool:
        """Whether the API server is ready, or starting."""
        return self._processes.running("kube-apiserver")

    def start(self, *, service_cidr: str | None = None) -> None:
        """Start missing processes and wait until the API server is ready, about four seconds from nothing.

        `service_cidr` applies if no process runs. Raises `SandboxError`, a line, if a process does not start.
        """
        settings = self.prepare(service_cidr=service_cidr)
        if self.serving() and not (self._processes.running("etcd") and self._ready(settings)):
            # It is stopping: it drains its clients for a minute, or has lost its database.
            self._processes.stop("kube-apiserver", grace=0.5)
        try:
            self._start_servers(settings)
        except SandboxError:
            if all(self._processes.running(name) for name in PROCESS_NAMES[:2]):
                raise
            # A process that was stopping has ended by now; one that ends twice is broken.
            self._start_servers(settings)
        for name, command in commands.clients(self._tools, settings, self._pki).items():
            self._processes.start(name, command)
        with closing(Kube(self.access())) as kube:
            resume_definitions(kube)

    def __call__(self, service_cidr: str | None = None, minor: str | None = None) -> KubeAccess:
        """A cloud calls this for a new cluster: an empty, running control plane with this Service range and minor."""
        settings = self._settings()
        if settings and (
            (service_cidr and settings.service_cidr != service_cidr) or (minor and settings.minor != minor)
        ):
            self.reset()
            self._write(replace(settings, minor=minor or settings.minor))
        self.start(service_cidr=service_cidr)
        return self.access()

    def upgrade(self, minor: str) -> None:
        """Continue as another minor: the same binaries, with that minor's features and APIs."""
        settings = self._settings()
        if settings is None or settings.minor == minor:
            return
        self._processes.stop(*PROCESS_NAMES[2:4], grace=2.0)
        self._processes.stop(PROCESS_NAMES[1], grace=0.5)
        self._write(replace(settings, minor=minor))
        self.start()

    def reset(self) -> None:
        """Stop and forget all objects, as when a cluster is deleted; address and certificates stay for the next."""
        self.stop()
        rmtree(self._folder / "etcd", ignore_errors=True)

    def stop(self) -> None:
        """Stop all processes, clients first; the data stays."""
        self._processes.stop(*PROCESS_NAMES[2:], grace=2.0)
        # The API server drains open watches for up to a minute; no client here needs a clean end.
        self._processes.stop("kube-apiserver", grace=0.5)
        self._processes.stop("etcd", grace=3.0)

    def _settings(self) -> Settings | None:
        try:
            return Settings(**json.loads(self._settings_file.read_text()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            raise damaged(self._settings_file) from None

    def _evicted(self, settings: Settings) -> bool:
        """Whether a process that ended cannot start again, because another program has its port."""
        ports = {"etcd": settings.etcd_port, "kube-apiserver": settings.api_port}
        wanted = [port for name, port in ports.items() if not self._processes.running(name)]
        return free_ports(len(wanted), preferred=wanted) != wanted

    def _choose_settings(self, service_cidr: str | None) -> Settings:
        known = self._settings()
        if known and any(self._processes.running(name) for name in PROCESS_NAMES[:2]) and not self._evicted(known):
            return known
        # A process that was started with lost settings would be in the way.
        self.stop()
        preferred = (known.api_port, known.etcd_port, known.etcd_peer_port) if known else ()
        api, etcd, peer = free_ports(3, preferred=preferred)
        cidr = service_cidr or (known.service_cidr if known else DEFAULT_SERVICE_CIDR)
        minor = known.minor if known else KUBERNETES_MINOR
        settings = Settings(api_port=api, etcd_port=etcd, etcd_peer_port=peer, service_cidr=cidr, minor=minor)
        self._write(settings)
        return settings

    def _write(self, settings: Settings) -> None:
        write_private(self._settings_file, json.dumps(asdict(settings)))

    def _start_servers(self, settings: Settings) -> None:
        self._processes.start("etcd", commands.etcd(self._tools, settings, self._pki, self._folder))
        self._processes.start("kube-apiserver", commands.api_server(self._tools, settings, self._pki))
        deadline = time.monotonic() + _READY_WITHIN
        while time.monotonic() < deadline:
            self._processes.require("etcd")
            self._processes.require("kube-apiserver")
            if self._ready(settings):
                return
            time.sleep(0.1)
        raise self._processes.failed("kube-apiserver", f"not ready after {_READY_WITHIN:.0f} s")

    def _ready(self, settings: Settings) -> bool:
        context = ssl.create_default_context(cadata=self._pki.certificate("ca").read_text())
        context.load_cert_chain(self._pki.certificate("admin"), self._pki.key("admin"))
        # A proxy of the environment is for the internet.
        direct = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        try:
            with direct.open(f"{_url(settings)}/readyz", timeout=5):
                return True
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return False


def _url(settings: Settings) -> str:
    return f"https://127.0.0.1:{settings.api_port}"

"""The real Kubernetes control plane of a sandbox: etcd, API server, controllers, scheduler; KWOK as its kubelets.

Everything listens on loopback only and outlives the command that started it. Starting is idempotent: what runs is left
alone, what died is started again on the data that is there. etcd does not fsync: a killed process loses nothing, a
power cut may.
"""

import json
import ssl
import time
import urllib.error
import urllib.request
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from importlib.resources import files
from pathlib import Path
from shutil import rmtree

from llmplatform_sandbox.called import called
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

DEFAULT_SERVICE_CIDR = "172.20.0.0/16"
"""What EKS chooses for a VPC in 10.0.0.0/8 (EKS API reference, KubernetesNetworkConfigRequest)."""
PROCESS_NAMES = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")
_READY_WITHIN = 60.0


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What must stay the same from one start to the next, because state and kubeconfigs hold it."""

    api_port: int
    etcd_port: int
    etcd_peer_port: int
    service_cidr: str = DEFAULT_SERVICE_CIDR
    minor: str = KUBERNETES_MINOR


class ControlPlane:
    """The control plane below one sandbox's folder; any process may hold an object of this class."""

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
        """How to reach the API server; raises `SandboxError` before the first start."""
        settings = self._settings()
        if settings is None:
            raise SandboxError(f"control plane: not started yet; run `{called()} sandbox up`")
        try:
            authority = self._pki.certificate("ca").read_text()
        except FileNotFoundError:
            raise damaged(self._pki.certificate("ca")) from None
        return KubeAccess(server=_url(settings), ca_pem=authority, kubeconfig=self._pki.kubeconfig("admin"))

    def minor(self) -> str:
        """The Kubernetes minor that it is, or would be next."""
        settings = self._settings()
        return settings.minor if settings else KUBERNETES_MINOR

    def running(self) -> bool:
        """Whether all five processes are alive."""
        return all(self._processes.running(name) for name in PROCESS_NAMES)

    def prepare(self, *, service_cidr: str | None = None) -> "Settings":
        """Write what clients need, so that they may start while the API server does."""
        if not self._pki.exists():
            self._pki.create()
        settings = self._choose_settings(service_cidr)
        self._pki.write_kubeconfigs(_url(settings))
        return settings

    def serving(self) -> bool:
        """Whether the API server is there, or about to be."""
        return self._processes.running("kube-apiserver")

    def start(self, *, service_cidr: str | None = None) -> None:
        """Start what does not run and wait until the API server is ready, about four seconds from nothing.

        `service_cidr` is honoured when nothing runs. Raises `SandboxError`, a line, where a process does not come up.
        """
        settings = self.prepare(service_cidr=service_cidr)
        if self.serving() and not (self._processes.running("etcd") and self._ready(settings)):
            # It is about to end: it drains its clients for a minute, or has lost its database.
            self._processes.stop("kube-apiserver", grace=0.5)
        try:
            self._start_servers(settings)
        except SandboxError:
            if all(self._processes.running(name) for name in PROCESS_NAMES[:2]):
                raise
            # One that was about to end has ended by now; what ends twice is broken.
            self._start_servers(settings)
        for name, command in self._clients(settings).items():
            self._processes.start(name, command)
        with closing(Kube(self.access())) as kube:
            resume_definitions(kube)

    def __call__(self, service_cidr: str | None = None, minor: str | None = None) -> KubeAccess:
        """What a cloud calls for a new cluster: an empty, running control plane with this Service range and minor."""
        settings = self._settings()
        if settings and (
            (service_cidr and settings.service_cidr != service_cidr) or (minor and settings.minor != minor)
        ):
            self.reset()
            self._write(replace(settings, minor=minor or settings.minor))
        self.start(service_cidr=service_cidr)
        return self.access()

    def upgrade(self, minor: str) -> None:
        """Go on as another minor: the same binaries, with the features and APIs that this one has."""
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
        # The API server drains open watches for up to a minute; nobody here needs a clean goodbye.
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
        """Whether a process that ended cannot come back, because its port is somebody else's by now."""
        ports = {"etcd": settings.etcd_port, "kube-apiserver": settings.api_port}
        wanted = [port for name, port in ports.items() if not self._processes.running(name)]
        return free_ports(len(wanted), preferred=wanted) != wanted

    def _choose_settings(self, service_cidr: str | None) -> Settings:
        known = self._settings()
        if known and any(self._processes.running(name) for name in PROCESS_NAMES[:2]) and not self._evicted(known):
            return known
        # A process that a vanished settings file had started would be in the way.
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
        self._processes.start("etcd", self._etcd(settings))
        self._processes.start("kube-apiserver", self._api_server(settings))
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
        # A proxy of the environment is for the world outside.
        direct = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        try:
            with direct.open(f"{_url(settings)}/readyz", timeout=5):
                return True
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return False

    def _etcd(self, settings: Settings) -> list[str]:
        client, peer = (f"https://127.0.0.1:{port}" for port in (settings.etcd_port, settings.etcd_peer_port))
        server = (str(self._pki.certificate("server")), str(self._pki.key("server")), str(self._pki.certificate("ca")))
        return [
            str(self._tools["etcd"]),
            "--name=sandbox",
            f"--data-dir={self._folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=sandbox={peer}",
            *(
                f"--{role}{flag}={value}"
                for role in ("", "peer-")
                for flag, value in zip(_TLS_FLAGS, server, strict=True)
            ),
            "--client-cert-auth",
            "--peer-client-cert-auth",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]

    def _api_server(self, settings: Settings) -> list[str]:
        pki = self._pki
        return [
            str(self._tools["kube-apiserver"]),
            "--bind-address=127.0.0.1",
            f"--secure-port={settings.api_port}",
            # An endpoint of the `kubernetes` Service may not be loopback; this address is for documentation (RFC 5737).
            "--advertise-address=192.0.2.1",
            f"--etcd-servers=https://127.0.0.1:{settings.etcd_port}",
            f"--etcd-cafile={pki.certificate('ca')}",
            f"--etcd-certfile={pki.certificate('etcd-client')}",
            f"--etcd-keyfile={pki.key('etcd-client')}",
            f"--client-ca-file={pki.certificate('ca')}",
            f"--tls-cert-file={pki.certificate('server')}",
            f"--tls-private-key-file={pki.key('server')}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={pki.key('service-accounts')}",
            f"--service-account-signing-key-file={pki.key('service-accounts')}",
            f"--service-cluster-ip-range={settings.service_cidr}",
            "--authorization-mode=Node,RBAC",
            # Beyond the defaults, as EKS has it; ExtendedResourceToleration stays off, as on EKS.
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            # Nodes have addresses of the simulated network: by this kind, which none has, no real one is called.
            "--kubelet-preferred-address-types=ExternalDNS",
            # Secrets lie encrypted in etcd, as in a managed cluster with a key of the account's.
            f"--encryption-provider-config={pki.encryption}",
            "--profiling=false",
            *_emulating(settings.minor),
        ]

    def _clients(self, settings: Settings) -> dict[str, list[str]]:
        pki = self._pki
        return {
            "kube-controller-manager": [
                str(self._tools["kube-controller-manager"]),
                f"--kubeconfig={pki.kubeconfig('kube-controller-manager')}",
                # Without this both would listen on all addresses.
                "--secure-port=0",
                "--leader-elect=false",
                "--use-service-account-credentials",
                f"--service-account-private-key-file={pki.key('service-accounts')}",
                f"--root-ca-file={pki.certificate('ca')}",
                f"--cluster-signing-cert-file={pki.certificate('ca')}",
                f"--cluster-signing-key-file={pki.key('ca')}",
                f"--service-cluster-ip-range={settings.service_cidr}",
                "--kube-api-qps=200",
                "--kube-api-burst=400",
                *_emulating(settings.minor),
            ],
            "kube-scheduler": [
                str(self._tools["kube-scheduler"]),
                f"--kubeconfig={pki.kubeconfig('kube-scheduler')}",
                "--secure-port=0",
                "--leader-elect=false",
                "--kube-api-qps=200",
                "--kube-api-burst=400",
                *_emulating(settings.minor),
            ],
            "kwok": [
                str(self._tools["kwok"]),
                f"--kubeconfig={pki.kubeconfig('kwok')}",
                f"--config={_data('kwok-stages.yaml')}",
                # A node without the annotation has no container network yet and stays NotReady.
                "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
                "--node-lease-duration-seconds=40",
            ],
        }


_TLS_FLAGS = ("cert-file", "key-file", "trusted-ca-file")


def _emulating(minor: str) -> list[str]:
    return [] if minor == KUBERNETES_MINOR else [f"--emulated-version=kube={minor}"]


def _url(settings: Settings) -> str:
    return f"https://127.0.0.1:{settings.api_port}"


def _data(name: str) -> Path:
    return Path(str(files("llmplatform_sandbox") / "data" / name))

"""The command lines of a control plane's processes, and their fixed settings."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from llmplatform_sandbox.pki import Pki
from llmplatform_sandbox.toolchain import Toolchain
from llmplatform_sandbox.toolchain.tools import KUBERNETES_MINOR

DEFAULT_SERVICE_CIDR = "172.20.0.0/16"
"""EKS' choice for a VPC in 10.0.0.0/8 (EKS API reference, KubernetesNetworkConfigRequest)."""
_TLS_FLAGS = ("cert-file", "key-file", "trusted-ca-file")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings that must stay the same from one start to the next, because state and kubeconfigs hold them."""

    api_port: int
    etcd_port: int
    etcd_peer_port: int
    service_cidr: str = DEFAULT_SERVICE_CIDR
    minor: str = KUBERNETES_MINOR


def etcd(tools: Toolchain, settings: Settings, pki: Pki, folder: Path) -> list[str]:
    """One member, which listens on loopback and requires certificates."""
    client, peer = (f"https://127.0.0.1:{port}" for port in (settings.etcd_port, settings.etcd_peer_port))
    server = (str(pki.certificate("server")), str(pki.key("server")), str(pki.certificate("ca")))
    return [
        str(tools["etcd"]),
        "--name=sandbox",
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=sandbox={peer}",
        *(f"--{role}{flag}={value}" for role in ("", "peer-") for flag, value in zip(_TLS_FLAGS, server, strict=True)),
        "--client-cert-auth",
        "--peer-client-cert-auth",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def api_server(tools: Toolchain, settings: Settings, pki: Pki) -> list[str]:
    """As in a managed cluster, as far as one machine allows."""
    return [
        str(tools["kube-apiserver"]),
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
        # Aggregated APIs learn from it who asks: it tells them, with its own certificate.
        f"--requestheader-client-ca-file={pki.certificate('ca')}",
        "--requestheader-allowed-names=kube-apiserver",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={pki.certificate('server')}",
        f"--proxy-client-key-file={pki.key('server')}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={pki.key('service-accounts')}",
        f"--service-account-signing-key-file={pki.key('service-accounts')}",
        f"--service-cluster-ip-range={settings.service_cidr}",
        "--authorization-mode=Node,RBAC",
        # Beyond the defaults, as on EKS; ExtendedResourceToleration stays off, as on EKS.
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        # Nodes have addresses of the simulated network: with an address type that none has, no real one is called.
        "--kubelet-preferred-address-types=ExternalDNS",
        # Secrets are encrypted in etcd, as in a managed cluster with a key of the account.
        f"--encryption-provider-config={pki.encryption}",
        "--profiling=false",
        *_emulating(settings.minor),
    ]


def clients(tools: Toolchain, settings: Settings, pki: Pki) -> dict[str, list[str]]:
    """The clients of the API server, by name."""
    return {
        "kube-controller-manager": [
            str(tools["kube-controller-manager"]),
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
            str(tools["kube-scheduler"]),
            f"--kubeconfig={pki.kubeconfig('kube-scheduler')}",
            "--secure-port=0",
            "--leader-elect=false",
            "--kube-api-qps=200",
            "--kube-api-burst=400",
            *_emulating(settings.minor),
        ],
        "kwok": [
            str(tools["kwok"]),
            f"--kubeconfig={pki.kubeconfig('kwok')}",
            f"--config={_data('kwok-stages.yaml')}",
            # A node without the annotation has no container network yet and stays NotReady.
            "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
            "--node-lease-duration-seconds=40",
        ],
    }


def _emulating(minor: str) -> list[str]:
    return [] if minor == KUBERNETES_MINOR else [f"--emulated-version=kube={minor}"]


def _data(name: str) -> Path:
    return Path(str(files("llmplatform_sandbox") / "data" / name))

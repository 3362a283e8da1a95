"""Network policies: their peers and ports, and the openings of a namespace that starts closed.

The kubelet's probes and pods on the host network (the node exporter) need no opening.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Literal
from urllib.parse import urlsplit

import pulumi
import pulumi_kubernetes as kubernetes

networking = kubernetes.networking.v1
meta = kubernetes.meta.v1

Peer = networking.NetworkPolicyPeerArgs

ACK_API_PORT = 6443
"""Port of ACK's API server; EKS' is 443. A policy sees the endpoint behind the Service `kubernetes`."""
HTTPS_PORT = 443

LINK_LOCAL = "169.254.0.0/16"
"""Addresses of credentials and metadata on nodes and clouds."""

ALICLOUD_METADATA = "100.100.100.200/32"
"""Alibaba Cloud's, including credentials of the node's role."""


PROMETHEUS: Mapping[str, str] = {"app.kubernetes.io/name": "prometheus"}
"""Labels of Prometheus' pods, which its operator sets."""
PROMETHEUS_PORT = 9090
"""kube-prometheus-stack, values.yaml, `prometheus.service.targetPort`."""


def own_pods() -> networking.NetworkPolicyPeerArgs:
    """The pods of the policy's own namespace."""
    return networking.NetworkPolicyPeerArgs(pod_selector=meta.LabelSelectorArgs())


def namespace(name: pulumi.Input[str]) -> networking.NetworkPolicyPeerArgs:
    """The pods of a namespace."""
    chosen = meta.LabelSelectorArgs(match_labels={"kubernetes.io/metadata.name": name})
    return networking.NetworkPolicyPeerArgs(namespace_selector=chosen)


def prometheus(name: pulumi.Input[str]) -> networking.NetworkPolicyPeerArgs:
    """The Prometheus of a namespace, and no other pod there."""
    return pods(name, PROMETHEUS)


def pods(name: pulumi.Input[str], chosen: Mapping[str, str]) -> networking.NetworkPolicyPeerArgs:
    """The pods of a namespace that have these labels."""
    return networking.NetworkPolicyPeerArgs(
        namespace_selector=meta.LabelSelectorArgs(match_labels={"kubernetes.io/metadata.name": name}),
        pod_selector=meta.LabelSelectorArgs(match_labels=chosen),
    )


def every_namespace() -> networking.NetworkPolicyPeerArgs:
    """All pods of the cluster."""
    return networking.NetworkPolicyPeerArgs(namespace_selector=meta.LabelSelectorArgs())


def addresses(cidr: str, *, without: Sequence[str] = ()) -> networking.NetworkPolicyPeerArgs:
    """A range of addresses."""
    return networking.NetworkPolicyPeerArgs(ip_block=networking.IPBlockArgs(cidr=cidr, except_=list(without) or None))


def others(cidr: str) -> networking.NetworkPolicyPeerArgs:
    """A range of addresses, without those of a node's credentials."""
    within = [block for block in (LINK_LOCAL, ALICLOUD_METADATA) if IPv4Network(block).subnet_of(IPv4Network(cidr))]
    return addresses(cidr, without=within)


def elsewhere() -> networking.NetworkPolicyPeerArgs:
    """Every address except those of a node's credentials."""
    return addresses("0.0.0.0/0", without=[LINK_LOCAL, ALICLOUD_METADATA])


def url_place(url: str) -> tuple[networking.NetworkPolicyPeerArgs, tuple[int, ...]]:
    """Peer and ports behind a URL."""
    parts = urlsplit(url)
    return place(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))


def place(host: str, number: int) -> tuple[networking.NetworkPolicyPeerArgs, tuple[int, ...]]:
    """Peer and ports behind a host. Behind a Service they may be any pods of its namespace, and any port."""
    labels = host.split(".")
    if "svc" in labels[2:]:
        return namespace(labels[labels.index("svc", 2) - 1]), ()
    return elsewhere(), (number,)


def port(number: int, protocol: str = "TCP") -> networking.NetworkPolicyPortArgs:
    """One port."""
    return networking.NetworkPolicyPortArgs(protocol=protocol, port=number)


def dns() -> networking.NetworkPolicyEgressRuleArgs:
    """Lets pods ask the cluster's DNS."""
    return networking.NetworkPolicyEgressRuleArgs(
        to=[namespace("kube-system")], ports=[port(53, "UDP"), port(53, "TCP")]
    )


@dataclass(frozen=True, kw_only=True)
class Allow:
    """One opening of a namespace."""

    direction: Literal["Ingress", "Egress"]
    peers: tuple[Peer, ...] = ()
    """Callers, or callees. Empty: all."""
    ports: tuple[int, ...] = ()
    """TCP. Empty: every port and protocol."""
    udp: tuple[int, ...] = ()
    """UDP, in addition."""
    pods: Mapping[str, str] = field(default_factory=dict[str, str])
    """Labels of the pods that it applies to. Empty: all of the namespace."""


Openings = Mapping[str, Allow]
"""Name of the policy to its openings."""


def https() -> Openings:
    """The API server, which has addresses outside the cluster, clouds, and certificate authorities."""
    return {"allow-https": Allow(direction="Egress", peers=(elsewhere(),), ports=(HTTPS_PORT, ACK_API_PORT))}


def scraped(namespace: pulumi.Input[str] | None, *ports: int) -> Openings:
    """Lets the Prometheus of a namespace read metrics; no opening without one."""
    if namespace is None:
        return {}
    return {"allow-metrics": Allow(direction="Ingress", peers=(prometheus(namespace),), ports=ports)}


def opening(allow: Allow) -> networking.NetworkPolicySpecArgs:
    """An opening in Kubernetes' form."""
    pods = meta.LabelSelectorArgs(match_labels=allow.pods or None)
    tcp, udp = [port(number) for number in allow.ports], [port(number, "UDP") for number in allow.udp]
    peers, ports = list(allow.peers) or None, [*tcp, *udp] or None
    if allow.direction == "Ingress":
        inward = [networking.NetworkPolicyIngressRuleArgs(from_=peers, ports=ports)]
        return networking.NetworkPolicySpecArgs(pod_selector=pods, policy_types=["Ingress"], ingress=inward)
    outward = [networking.NetworkPolicyEgressRuleArgs(to=peers, ports=ports)]
    return networking.NetworkPolicySpecArgs(pod_selector=pods, policy_types=["Egress"], egress=outward)

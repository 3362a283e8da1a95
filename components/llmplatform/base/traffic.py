"""What network policies are made of: who, and on which ports."""

from collections.abc import Sequence
from ipaddress import IPv4Network

import pulumi
import pulumi_kubernetes as kubernetes

networking = kubernetes.networking.v1
meta = kubernetes.meta.v1

LINK_LOCAL = "169.254.0.0/16"
"""Where nodes and clouds hand out credentials and metadata."""

ALICLOUD_METADATA = "100.100.100.200/32"
"""Where Alibaba Cloud does, credentials of the node's role among it."""


def own_pods() -> networking.NetworkPolicyPeerArgs:
    """The pods of the policy's own namespace."""
    return networking.NetworkPolicyPeerArgs(pod_selector=meta.LabelSelectorArgs())


def namespace(name: pulumi.Input[str]) -> networking.NetworkPolicyPeerArgs:
    """The pods of a namespace."""
    chosen = meta.LabelSelectorArgs(match_labels={"kubernetes.io/metadata.name": name})
    return networking.NetworkPolicyPeerArgs(namespace_selector=chosen)


def prometheus(name: pulumi.Input[str]) -> networking.NetworkPolicyPeerArgs:
    """The Prometheus of a namespace, and nothing else that runs there. Its operator labels the pods."""
    return networking.NetworkPolicyPeerArgs(
        namespace_selector=meta.LabelSelectorArgs(match_labels={"kubernetes.io/metadata.name": name}),
        pod_selector=meta.LabelSelectorArgs(match_labels={"app.kubernetes.io/name": "prometheus"}),
    )


def every_namespace() -> networking.NetworkPolicyPeerArgs:
    """All pods of the cluster."""
    return networking.NetworkPolicyPeerArgs(namespace_selector=meta.LabelSelectorArgs())


def addresses(cidr: str, *, without: Sequence[str] = ()) -> networking.NetworkPolicyPeerArgs:
    """A range of addresses."""
    return networking.NetworkPolicyPeerArgs(ip_block=networking.IPBlockArgs(cidr=cidr, except_=list(without) or None))


def others(cidr: str) -> networking.NetworkPolicyPeerArgs:
    """A range of addresses, without those from which a node's credentials could be had."""
    within = [block for block in (LINK_LOCAL, ALICLOUD_METADATA) if IPv4Network(block).subnet_of(IPv4Network(cidr))]
    return addresses(cidr, without=within)


def elsewhere() -> networking.NetworkPolicyPeerArgs:
    """Every address but those from which a node's credentials could be had."""
    return addresses("0.0.0.0/0", without=[LINK_LOCAL, ALICLOUD_METADATA])


def port(number: int, protocol: str = "TCP") -> networking.NetworkPolicyPortArgs:
    """One port."""
    return networking.NetworkPolicyPortArgs(protocol=protocol, port=number)


def dns() -> networking.NetworkPolicyEgressRuleArgs:
    """Lets pods ask the cluster's DNS."""
    return networking.NetworkPolicyEgressRuleArgs(
        to=[namespace("kube-system")], ports=[port(53, "UDP"), port(53, "TCP")]
    )

"""What may talk to a model server, and to what it may talk.

The engine's API key guards only part of its paths, so only clients with our label and the scraper of metrics get in. A
shared file system is mounted by the node, not by the pod: it needs no rule.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.base.labels import MODEL_CLIENT
from llmplatform.serving.engines import vllm

networking = kubernetes.networking.v1
meta = kubernetes.meta.v1


def policy(
    selector: Mapping[str, str], monitoring_namespace: pulumi.Input[str] | None, *, huggingface: str | None
) -> networking.NetworkPolicySpecArgs:
    """The policy of the pods that `selector` matches. `huggingface` is the endpoint in place of the public one."""
    callers = [networking.NetworkPolicyPeerArgs(pod_selector=meta.LabelSelectorArgs(match_labels=MODEL_CLIENT))]
    if monitoring_namespace is not None:
        callers.append(_namespace(monitoring_namespace))
    return networking.NetworkPolicySpecArgs(
        pod_selector=meta.LabelSelectorArgs(match_labels=selector),
        policy_types=["Ingress", "Egress"],
        ingress=[networking.NetworkPolicyIngressRuleArgs(from_=callers, ports=[_port("TCP", vllm.PORT)])],
        egress=[_dns(), _downloads(huggingface)],
    )


def _namespace(name: pulumi.Input[str]) -> networking.NetworkPolicyPeerArgs:
    chosen = meta.LabelSelectorArgs(match_labels={"kubernetes.io/metadata.name": name})
    return networking.NetworkPolicyPeerArgs(namespace_selector=chosen)


def _port(protocol: str, port: int) -> networking.NetworkPolicyPortArgs:
    return networking.NetworkPolicyPortArgs(protocol=protocol, port=port)


def _dns() -> networking.NetworkPolicyEgressRuleArgs:
    return networking.NetworkPolicyEgressRuleArgs(
        to=[_namespace("kube-system")], ports=[_port("UDP", 53), _port("TCP", 53)]
    )


def _downloads(huggingface: str | None) -> networking.NetworkPolicyEgressRuleArgs:
    """HTTPS to anywhere but the address from which a node's credentials could be had."""
    anywhere = networking.IPBlockArgs(cidr="0.0.0.0/0", except_=["169.254.0.0/16"])
    mirror = urlsplit(huggingface).port if huggingface else None
    return networking.NetworkPolicyEgressRuleArgs(
        to=[networking.NetworkPolicyPeerArgs(ip_block=anywhere)],
        ports=[_port("TCP", port) for port in sorted({443, mirror or 443})],
    )

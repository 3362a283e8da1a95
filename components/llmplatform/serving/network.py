"""Service and network policies of model servers: their callers and destinations.

An engine's API key guards only part of its paths, so only clients with our label and the scraper of metrics get in.
With the weights on a shared volume a server goes nowhere but to DNS, and to what its settings name. A shared file
system is mounted by the node, not by the pod: it needs no rule.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.base import network_policy
from llmplatform.base.contracts import WorkloadIdentity
from llmplatform.base.labels import MODEL_CLIENT
from llmplatform.serving.engines.contract import Server
from llmplatform.specs.models import Egress

networking = kubernetes.networking.v1
meta = kubernetes.meta.v1


def service(selector: Mapping[str, str], server: Server) -> kubernetes.core.v1.ServiceSpecArgs:
    """The Service of the pods that `selector` matches, with all ports of their server."""
    ports = [
        kubernetes.core.v1.ServicePortArgs(
            name=port.name, port=port.number, target_port=port.name, app_protocol=port.protocol
        )
        for port in server.ports
    ]
    return kubernetes.core.v1.ServiceSpecArgs(type="ClusterIP", selector=selector, ports=ports)


def policy(
    selector: Mapping[str, str],
    server: Server,
    monitoring_namespace: pulumi.Input[str] | None,
    *,
    egress: Sequence[Egress] = (),
    ways: Sequence[networking.NetworkPolicyEgressRuleArgs] = (),
) -> networking.NetworkPolicySpecArgs:
    """The policy of the pods that `selector` matches. `ways`: those to the weights, for pods that fetch their own.

    Pods of groups meet at ports that their libraries choose.
    """
    own = networking.NetworkPolicyPeerArgs(pod_selector=meta.LabelSelectorArgs(match_labels=selector))
    group = [own] if server.worker else []
    named = [
        networking.NetworkPolicyEgressRuleArgs(
            to=[network_policy.others(each.cidr)], ports=[network_policy.port(number) for number in each.ports]
        )
        for each in egress
    ]
    return networking.NetworkPolicySpecArgs(
        pod_selector=meta.LabelSelectorArgs(match_labels=selector),
        policy_types=["Ingress", "Egress"],
        ingress=[
            *_ways_in(server, monitoring_namespace),
            *(networking.NetworkPolicyIngressRuleArgs(from_=[peer]) for peer in group),
        ],
        egress=[
            network_policy.dns(),
            *named,
            *ways,
            *(networking.NetworkPolicyEgressRuleArgs(to=[peer]) for peer in group),
        ],
    )


def _ways_in(
    server: Server, monitoring_namespace: pulumi.Input[str] | None
) -> list[networking.NetworkPolicyIngressRuleArgs]:
    """A rule for each set of ports: clients use those of the API, the scraper that of the metrics."""
    clients = networking.NetworkPolicyPeerArgs(pod_selector=meta.LabelSelectorArgs(match_labels=MODEL_CLIENT))
    callers = {tuple(port.number for port in server.ports if port.clients): [clients]}
    if monitoring_namespace is not None and server.metrics:
        callers.setdefault((server.number(server.metrics.port),), []).append(
            network_policy.prometheus(monitoring_namespace)
        )
    return [
        networking.NetworkPolicyIngressRuleArgs(from_=peers, ports=[network_policy.port(each) for each in ports])
        for ports, peers in callers.items()
    ]


def downloads(huggingface: str | None, proxy: str | None = None) -> networking.NetworkPolicyEgressRuleArgs:
    """HTTPS to every address except those of a node's credentials.

    `huggingface` is the mirror of the public endpoint, `proxy` the address of a proxy.
    """
    ports = {urlsplit(address).port or 443 for address in (huggingface, proxy) if address}
    return networking.NetworkPolicyEgressRuleArgs(
        to=[network_policy.elsewhere()], ports=[network_policy.port(number) for number in sorted({443, *ports})]
    )


def fetching(
    huggingface: str | None, proxy: str | None, identity: WorkloadIdentity | None
) -> list[networking.NetworkPolicyEgressRuleArgs]:
    """Ways of pods that fetch their own weights, from a hub or a bucket."""
    return [downloads(huggingface, proxy), *credentials(identity)]


def credentials(identity: WorkloadIdentity | None) -> list[networking.NetworkPolicyEgressRuleArgs]:
    """The way to where pods get credentials of the cloud, if it is none over HTTPS."""
    if identity is None or identity.credentials is None:
        return []
    cidr, port = identity.credentials
    return [
        networking.NetworkPolicyEgressRuleArgs(to=[network_policy.addresses(cidr)], ports=[network_policy.port(port)])
    ]

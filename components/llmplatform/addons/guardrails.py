"""What the add-ons' namespaces are allowed: openings in a network that starts closed, and bounds.

A row per opening. The kubelet's probes and pods on the host network (the node exporter) need none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.base import traffic
from llmplatform.specs.addons import Alerts

Peer = kubernetes.networking.v1.NetworkPolicyPeerArgs

INTERNAL: Mapping[str, str] = {"services.loadbalancers": "0", "services.nodeports": "0"}
"""Quota of a namespace of which nothing is reachable from outside the cluster."""

ADDON_DEFAULTS: Mapping[str, str] = {"cpu": "10m", "memory": "32Mi"}
"""Requests of containers that name none. Small: an operator has a dozen of them on every GPU node, beside a model."""

ACK_API_PORT = 6443
"""Where ACK's API server listens, EKS' at 443. A policy sees where a call to the Service `kubernetes` ends."""

HTTPS_PORT = 443
DNS_PORT = 53
WEBHOOK_PORT = 10250
CERT_MANAGER_METRICS_PORT = 9402
GPU_OPERATOR_METRICS_PORT = 8080
DCGM_METRICS_PORT = 9400
"""The charts' own ports, at their pinned versions."""


@dataclass(frozen=True, kw_only=True)
class Allow:
    """One opening of a namespace."""

    direction: Literal["Ingress", "Egress"]
    peers: tuple[Peer, ...] = ()
    """Who calls, or is called. Empty: anybody."""
    ports: tuple[int, ...] = ()
    """TCP. Empty: every port and protocol."""
    udp: tuple[int, ...] = ()
    """UDP, beside those."""
    pods: Mapping[str, str] = field(default_factory=dict[str, str])
    """Labels of the pods that it is for. Empty: all of the namespace."""


Openings = Mapping[str, Allow]
"""Name of the policy to what it allows."""


def addon_quota(pods: int) -> dict[str, str]:
    """Quota of an add-on's namespace: room for `pods` pods, far above what it needs, and nothing for the outside."""
    return {"pods": str(pods), **INTERNAL}


def https() -> Openings:
    """The API server, which has addresses outside the cluster, clouds, and certificate authorities."""
    return {"allow-https": Allow(direction="Egress", peers=(traffic.elsewhere(),), ports=(HTTPS_PORT, ACK_API_PORT))}


def scraped(namespace: pulumi.Input[str] | None, *ports: int) -> Openings:
    """Lets the Prometheus of a namespace read metrics; nothing where nobody does."""
    if namespace is None:
        return {}
    return {"allow-metrics": Allow(direction="Ingress", peers=(traffic.prometheus(namespace),), ports=ports)}


def cert_manager(
    scraper: pulumi.Input[str] | None, credentials: tuple[str, int] | None, nameservers: Sequence[str] = ()
) -> Openings:
    """`credentials`: range and port where the pods of an identity get theirs; None where they need no opening.

    `nameservers`: addresses of those that are asked for records, beside the cluster's DNS.
    """
    asked = tuple(traffic.addresses(f"{each}/32") for each in nameservers)
    dns = Allow(direction="Egress", peers=asked, ports=(DNS_PORT,), udp=(DNS_PORT,))
    return {
        **https(),
        # The API server calls it from outside the cluster's network, from addresses that no selector names.
        "allow-webhook": Allow(direction="Ingress", ports=(WEBHOOK_PORT,)),
        **scraped(scraper, CERT_MANAGER_METRICS_PORT),
        **_credentials(credentials),
        **({"allow-nameservers": dns} if asked else {}),
    }


def acme_webhook() -> Openings:
    """A solver that the API server calls as an API of its own, and that calls the cloud."""
    return {**https(), "allow-webhook": Allow(direction="Ingress", ports=(HTTPS_PORT,))}


def gpu_operator(scraper: pulumi.Input[str] | None) -> Openings:
    """The operator, its DaemonSets and node feature discovery all speak through the API server."""
    return {**https(), **scraped(scraper, GPU_OPERATOR_METRICS_PORT, DCGM_METRICS_PORT)}


def gpu_metrics(scraper: pulumi.Input[str] | None) -> Openings:
    """The exporter without the operator, for clouds that bring the rest."""
    return {**https(), **scraped(scraper, DCGM_METRICS_PORT)}


def monitoring(alerts: Alerts | None) -> Openings:
    """Only Prometheus goes everywhere; the operator's webhooks, which the API server would call, are off."""
    return {
        **_receiver(alerts),
        **https(),
        "allow-own-pods-in": Allow(direction="Ingress", peers=(traffic.own_pods(),)),
        "allow-own-pods-out": Allow(direction="Egress", peers=(traffic.own_pods(),)),
        # It scrapes every namespace, each kubelet and each node's exporter, on ports that their monitors name.
        "allow-scraping": Allow(
            direction="Egress",
            peers=(traffic.every_namespace(), traffic.elsewhere()),
            pods={"app.kubernetes.io/name": "prometheus"},
        ),
    }


def _receiver(alerts: Alerts | None) -> Openings:
    """The way to a receiver in the cluster; one outside is reached over HTTPS."""
    if alerts is None or alerts.inside is None:
        return {}
    way = Allow(
        direction="Egress",
        peers=(traffic.namespace(alerts.inside.namespace),),
        ports=(alerts.inside.port,),
        pods={"app.kubernetes.io/name": "alertmanager"},
    )
    return {"allow-alert-receiver": way}


def _credentials(place: tuple[str, int] | None) -> Openings:
    if place is None:
        return {}
    cidr, port = place
    return {"allow-credentials": Allow(direction="Egress", peers=(traffic.addresses(cidr),), ports=(port,))}

"""A namespace with its guard rails: Pod Security, quota, defaults for containers, and a network that starts closed.

The network is open only to DNS, and to the openings in its arguments; a workload may add a policy of its own. Dangerous
to replace: the namespace, because everything in it is deleted with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.base.component import PlatformComponent
from llmplatform.base.labels import labels
from llmplatform.base.network_policy import Allow, Openings, dns, opening
from llmplatform.base.ordering import after
from llmplatform.base.pulling import RegistryLogin, pull_secret
from llmplatform.specs.mirrors import PULL_SECRET

PodSecurity = Literal["restricted", "baseline", "privileged"]

INTERNAL: Mapping[str, str] = {"services.loadbalancers": "0", "services.nodeports": "0"}
"""Quota of a namespace without Services that are reachable from outside the cluster."""

ADDON_DEFAULTS: Mapping[str, str] = {"cpu": "10m", "memory": "32Mi"}
"""Default requests of containers. Small: an operator has a dozen of them on every GPU node, beside a model."""

core = kubernetes.core.v1
meta = kubernetes.meta.v1
networking = kubernetes.networking.v1


@dataclass(frozen=True, kw_only=True)
class NamespaceArgs:
    """Arguments of `Namespace`."""

    namespace: str
    """Its name in the cluster."""
    pod_security: PodSecurity = "restricted"
    """Enforced Pod Security level. Pods above `restricted` still cause a warning."""
    quota: Mapping[str, str] = field(default_factory=dict[str, str])
    """Quotas of the namespace, e.g. `{"requests.nvidia.com/gpu": "8"}`. Empty: none."""
    container_defaults: Mapping[str, str] = field(default_factory=dict[str, str])
    """Default requests of containers, e.g. `{"cpu": "100m", "memory": "128Mi"}`. Empty: none."""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """Further labels, for selectors of namespaces."""
    openings: Openings = field(default_factory=dict[str, Allow])
    """Name of a policy to its openings, beside DNS."""
    login: RegistryLogin | None = None
    """Registry login for pods, in the Secret `registry-login`. None: no such Secret."""
    after: Sequence[pulumi.Resource] = ()
    """Resources that the namespace depends on."""
    protect: bool = False
    """Whether its deletion is refused: it has volumes that no other resource protects."""
    delete: str | None = None
    """Time for its deletion, e.g. `45m`. None: the provider's own."""


class Namespace(PlatformComponent):
    """A namespace that is closed by default."""

    name: pulumi.Output[str]
    """Its name. Depends on its guard rails."""

    def __init__(self, name: str, args: NamespaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:addons:Namespace", name, opts)
        self._logical, self._args = name, args
        self._labels = labels("namespace", instance=args.namespace)

        self._namespace = self._make()
        self._inside = after(args.namespace, self._namespace)
        rails = [*self._quota(), *self._container_defaults(), *self._network(), *self._login()]

        self.name = after(args.namespace, self._namespace, *rails)
        self.finish()

    def _make(self) -> core.Namespace:
        return core.Namespace(
            f"{self._logical}-namespace",
            metadata=meta.ObjectMetaArgs(
                name=self._args.namespace,
                labels={**self._labels, **self._args.labels, **pod_security_labels(self._args.pod_security)},
            ),
            opts=self.child(
                depends_on=[*self._args.after],
                protect=self._args.protect or None,
                custom_timeouts=pulumi.CustomTimeouts(delete=self._args.delete) if self._args.delete else None,
            ),
        )

    def _meta(self, name: str) -> meta.ObjectMetaArgs:
        return meta.ObjectMetaArgs(name=name, namespace=self._inside, labels=self._labels)

    def _login(self) -> list[pulumi.Resource]:
        wanted = self._args.login
        if wanted is None:
            return []
        return [pull_secret(f"{self._logical}-login", PULL_SECRET, self._inside, wanted, self.child())]

    def _quota(self) -> list[pulumi.Resource]:
        if not self._args.quota:
            return []
        quota = core.ResourceQuota(
            f"{self._logical}-quota",
            metadata=self._meta("quota"),
            spec=core.ResourceQuotaSpecArgs(hard=self._args.quota),
            opts=self.child(),
        )
        return [quota]

    def _container_defaults(self) -> list[pulumi.Resource]:
        if not self._args.container_defaults:
            return []
        item = core.LimitRangeItemArgs(type="Container", default_request=self._args.container_defaults)
        limits = core.LimitRange(
            f"{self._logical}-defaults",
            metadata=self._meta("defaults"),
            spec=core.LimitRangeSpecArgs(limits=[item]),
            opts=self.child(),
        )
        return [limits]

    def _network(self) -> list[pulumi.Resource]:
        everyone = meta.LabelSelectorArgs()
        closed = networking.NetworkPolicySpecArgs(pod_selector=everyone, policy_types=["Ingress", "Egress"])
        asked = networking.NetworkPolicySpecArgs(pod_selector=everyone, policy_types=["Egress"], egress=[dns()])
        openings = [self._policy(name, opening(allow)) for name, allow in self._args.openings.items()]
        return [self._policy("default-deny", closed), self._policy("allow-dns", asked), *openings]

    def _policy(self, name: str, spec: networking.NetworkPolicySpecArgs) -> networking.NetworkPolicy:
        return networking.NetworkPolicy(
            f"{self._logical}-{name}", metadata=self._meta(name), spec=spec, opts=self.child()
        )


def pod_security_labels(enforced: PodSecurity) -> dict[str, str]:
    """Labels of Pod Security admission: the level is enforced, and what is not `restricted` is reported."""
    prefix = "pod-security.kubernetes.io"
    return {f"{prefix}/enforce": enforced, f"{prefix}/audit": "restricted", f"{prefix}/warn": "restricted"}

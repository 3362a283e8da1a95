"""Adds nodes for pods that do not fit: cluster-autoscaler on EKS, with spot groups filled before on-demand groups.

The order of the groups is a ConfigMap of our own, because the groups' names are known only when they exist; the chart's
stays off. A group that fails in an update is not named in it, and holds up nobody: the others keep their order.
Makes no identity and no node groups. Nothing in it is dangerous to replace: nodes stay when it is gone.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as kubernetes
import yaml

from llmplatform.base.charts import Values, release
from llmplatform.base.component import PlatformComponent
from llmplatform.base.contracts import WorkloadIdentity
from llmplatform.base.labels import labels
from llmplatform.base.ordering import if_made
from llmplatform.base.pulling import login, pull_secret
from llmplatform.catalog.versions import CHARTS, CLUSTER_AUTOSCALER
from llmplatform.planning.pools import PoolPlan
from llmplatform.specs.addons import ClusterAutoscaler as Spec
from llmplatform.specs.mirrors import Mirrors

PRIORITY_CONFIG_MAP = "cluster-autoscaler-priority-expander"
"""The name is fixed in the autoscaler."""
OTHERS_PRIORITY = 1
"""Below that of every planned group."""
_OWN_SECRET = "cluster-autoscaler-registry-login"  # noqa: S105 the name of an object
IMAGE = "registry.k8s.io/autoscaling/cluster-autoscaler"

meta = kubernetes.meta.v1


class _AutoDiscovery(Values):
    cluster_name: pulumi.Output[str] | str


class _ServiceAccount(Values):
    create: bool = True
    name: pulumi.Output[str] | str
    annotations: dict[str, pulumi.Output[str] | str] | None


class _Rbac(Values):
    service_account: _ServiceAccount


class _Image(Values):
    repository: str
    tag: str
    pull_secrets: tuple[str, ...] | None


class _ServiceMonitor(Values):
    enabled: bool
    namespace: pulumi.Output[str] | str
    interval: str = "30s"


class ClusterAutoscalerValues(Values):
    """Values of the chart that we set."""

    fullname_override: str = "cluster-autoscaler"
    cloud_provider: str = "aws"
    aws_region: str
    auto_discovery: _AutoDiscovery
    rbac: _Rbac
    image: _Image
    extra_args: dict[str, str]
    resources: dict[str, dict[str, str]]
    service_monitor: _ServiceMonitor | None


@dataclass(frozen=True, kw_only=True)
class ClusterAutoscalerArgs:
    """Arguments of `ClusterAutoscaler`."""

    spec: Spec
    region: str
    kubernetes_version: str
    """Minor of the cluster: the autoscaler simulates that minor's scheduler."""
    cluster_name: pulumi.Input[str]
    identity: WorkloadIdentity
    """Who it is in the cloud; names its namespace and service account."""
    pools: tuple[PoolPlan, ...]
    group_names: Mapping[str, pulumi.Input[str]]
    """Planned group to the name of its autoscaling group. Every group of the pools is in it."""
    other_groups: bool = False
    """Whether the cluster has groups that no plan names; they are filled when no planned group can be."""
    charts_dir: str
    mirrors: Mirrors = field(default_factory=Mirrors)
    registry_password: pulumi.Input[str] | None = None
    """Password of the mirrors' login. None: there is no login."""
    monitoring_namespace: pulumi.Input[str] | None = None
    monitoring_kinds: pulumi.Resource | None = None
    """What brings the kind ServiceMonitor; None when it is there already."""


class ClusterAutoscaler(PlatformComponent):
    """The autoscaler and the order in which it fills the groups."""

    priorities: pulumi.Output[str]
    """The expander's document: which group is filled first."""

    def __init__(self, name: str, args: ClusterAutoscalerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:addons:ClusterAutoscaler", name, opts)
        priorities = self._priorities(name, args)
        secrets = self._login(name, args)
        kinds = [args.monitoring_kinds] if args.monitoring_kinds else []
        release(
            f"{name}-release",
            CHARTS["cluster-autoscaler"],
            values(args),
            namespace=args.identity.namespace,
            charts_dir=args.charts_dir,
            # Without its order the autoscaler would buy at random; the chart's ServiceMonitor needs its kind.
            opts=self.child(depends_on=[priorities, *kinds, *secrets]),
        )
        self.priorities = priorities.data.apply(lambda data: data["priorities"])
        self.finish()

    def _login(self, name: str, args: ClusterAutoscalerArgs) -> list[pulumi.Resource]:
        """Its namespace is the cluster's own, and may have Secrets of others."""
        wanted = login(args.mirrors, args.registry_password)
        if wanted is None:
            return []
        return [pull_secret(f"{name}-login", _OWN_SECRET, args.identity.namespace, wanted, self.child())]

    def _priorities(self, name: str, args: ClusterAutoscalerArgs) -> kubernetes.core.v1.ConfigMap:
        given = {group: pulumi.Output.from_input(args.group_names[group]) for group in priorities(args.pools)}
        names = pulumi.Output.all(**{group: if_made(found) for group, found in given.items()})
        return kubernetes.core.v1.ConfigMap(
            f"{name}-priorities",
            metadata=meta.ObjectMetaArgs(
                name=PRIORITY_CONFIG_MAP,
                namespace=args.identity.namespace,
                labels=labels("cluster-autoscaler", instance=name),
            ),
            data={
                "priorities": names.apply(lambda known: priority_document(args.pools, known, others=args.other_groups))
            },
            opts=self.child(),
        )


def priorities(pools: tuple[PoolPlan, ...]) -> dict[str, int]:
    """Priority of every group. A group that the expander does not know is never filled."""
    return {group.name: group.priority for pool in pools for group in pool.groups}


def priority_document(
    pools: tuple[PoolPlan, ...], group_names: Mapping[str, str | None], *, others: bool = False
) -> str:
    """The expander's document: priority to patterns, each of exactly one group, so that none overlap.

    With `others`, or when a group's name is not known, a last pattern takes every group: one that a higher number names
    keeps that number.
    """
    found: dict[int, list[str]] = {}
    for group, priority in priorities(pools).items():
        name = group_names[group]
        if name:
            found.setdefault(priority, []).append(f"^{re.escape(name)}$")
    if others or not all(group_names[group] for group in priorities(pools)):
        found[OTHERS_PRIORITY] = [".*"]
    return yaml.safe_dump({priority: found[priority] for priority in sorted(found, reverse=True)}, sort_keys=False)


def flags(spec: Spec) -> dict[str, str]:
    """Flags that differ from the autoscaler's defaults."""
    idle = f"{spec.scale_down_minutes}m"
    return {
        "expander": "priority,least-waste",
        # A group without stock is noticed by its failed activities, and left alone for long enough that the next group
        # gets its turn before it is tried again. The time for a node to come stays at 15 minutes: one with a GPU is not
        # ready before its device plugin is (clusterstate.go), after gigabytes of images.
        "initial-node-group-backoff-duration": "15m",
        "max-node-group-backoff-duration": "30m",
        # The zones of a pool are alike and are filled evenly. A spot group and its on-demand group are not alike:
        # EKS' label of the capacity is compared (processors/nodegroupset/aws_nodegroups.go), as the zone's id would be.
        "balance-similar-node-groups": "true",
        "balancing-ignore-label": "topology.k8s.aws/zone-id",
        # A raised minimum is reached although no pod waits.
        "enforce-node-group-min-size": "true",
        # /dev/shm is a local volume, and DaemonSets of kube-system run on every node.
        "skip-nodes-with-local-storage": "false",
        "skip-nodes-with-system-pods": "false",
        # By default a node seen before its device plugin was ready counts as one without GPUs for ten years.
        "node-info-cache-expire-time": "10m",
        "scale-down-unneeded-time": idle,
        "scale-down-delay-after-add": idle,
        # A GPU node goes when no pod has its GPUs: by default it is emptied when fewer than half of them are taken, and
        # a model that is moved loads for minutes (simulator/utilization/info.go; config/const.go).
        "scale-down-gpu-utilization-threshold": "0.01",
        # What DaemonSets take says nothing.
        "ignore-daemonsets-utilization": "true",
    }


def values(args: ClusterAutoscalerArgs) -> ClusterAutoscalerValues:
    """Values of the release."""
    repository = args.mirrors.image(IMAGE)
    monitor = None
    if args.monitoring_namespace is not None:
        monitor = _ServiceMonitor(enabled=True, namespace=pulumi.Output.from_input(args.monitoring_namespace))
    return ClusterAutoscalerValues(
        aws_region=args.region,
        auto_discovery=_AutoDiscovery(cluster_name=pulumi.Output.from_input(args.cluster_name)),
        rbac=_Rbac(
            service_account=_ServiceAccount(
                name=args.identity.service_account, annotations=dict(args.identity.annotations) or None
            )
        ),
        image=_Image(
            repository=repository,
            tag=CLUSTER_AUTOSCALER[args.kubernetes_version],
            pull_secrets=(_OWN_SECRET,) if args.mirrors.login else None,
        ),
        extra_args=flags(args.spec),
        resources={"requests": {"cpu": "100m", "memory": "300Mi"}, "limits": {"memory": "600Mi"}},
        service_monitor=monitor,
    )

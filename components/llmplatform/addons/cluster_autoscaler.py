"""Adds nodes for pods that do not fit: cluster-autoscaler on EKS. It fills spot groups before on-demand groups.

The groups' order is our own ConfigMap, because the groups' names are known only once they exist; the chart's is off. A
group that fails in an update is left out, and the others keep their order. Makes no identity and no node groups. Safe
to replace: nodes stay without it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pulumi
import pulumi_kubernetes as kubernetes
import yaml

from llmplatform.base.chart_values import Image, Resources, ServiceAccount, ServiceMonitor, Text, Values
from llmplatform.base.component import PlatformComponent
from llmplatform.base.contracts import WorkloadIdentity
from llmplatform.base.labels import labels
from llmplatform.base.ordering import if_made
from llmplatform.base.site import Site
from llmplatform.catalog.versions import CLUSTER_AUTOSCALER
from llmplatform.planning.pools import PoolPlan
from llmplatform.specs.addons import ClusterAutoscaler as Spec

PRIORITY_CONFIG_MAP = "cluster-autoscaler-priority-expander"
"""The autoscaler has this name built in."""
OTHERS_PRIORITY = 1
"""Below that of every planned group."""

meta = kubernetes.meta.v1


class _AutoDiscovery(Values):
    cluster_name: Text


class _Rbac(Values):
    service_account: ServiceAccount


class ClusterAutoscalerValues(Values):
    """Values of the chart that we set."""

    fullname_override: str = "cluster-autoscaler"
    cloud_provider: str = "aws"
    aws_region: str
    auto_discovery: _AutoDiscovery
    rbac: _Rbac
    image: Image
    extra_args: dict[str, str]
    resources: Resources = Resources.of("100m", "300Mi", most_memory="600Mi")
    service_monitor: ServiceMonitor | None


@dataclass(frozen=True, kw_only=True)
class ClusterAutoscalerArgs:
    """Arguments of `ClusterAutoscaler`."""

    spec: Spec
    site: Site
    region: str
    kubernetes_version: str
    """Minor of the cluster: the autoscaler simulates that minor's scheduler."""
    cluster_name: pulumi.Input[str]
    identity: WorkloadIdentity
    """Its identity in the cloud, with the namespace and name of its service account."""
    group_names: Mapping[str, pulumi.Input[str]]
    """Planned group to the name of its Auto Scaling group, for every group of the site's pools."""
    other_groups: bool = False
    """Whether the cluster has groups without a plan; they are filled if no planned group can be."""


class ClusterAutoscaler(PlatformComponent):
    """The autoscaler and the order of the groups."""

    priorities: pulumi.Output[str]
    """The expander's document: the priorities of the groups."""

    def __init__(self, name: str, args: ClusterAutoscalerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:addons:ClusterAutoscaler", name, opts)
        priorities = self._priorities(name, args)
        # Without its order the autoscaler would choose groups at random.
        args.site.release(
            self, name, "cluster-autoscaler", values(args), args.identity.namespace, depends_on=[priorities]
        )
        self.priorities = priorities.data.apply(lambda data: data["priorities"])
        self.finish()

    def _priorities(self, name: str, args: ClusterAutoscalerArgs) -> kubernetes.core.v1.ConfigMap:
        given = {group: pulumi.Output.from_input(args.group_names[group]) for group in priorities(args.site.pools)}
        names = pulumi.Output.all(**{group: if_made(found) for group, found in given.items()})
        return kubernetes.core.v1.ConfigMap(
            f"{name}-priorities",
            metadata=meta.ObjectMetaArgs(
                name=PRIORITY_CONFIG_MAP,
                namespace=args.identity.namespace,
                labels=labels("cluster-autoscaler", instance=name),
            ),
            data={
                "priorities": names.apply(
                    lambda known: priority_document(args.site.pools, known, others=args.other_groups)
                )
            },
            opts=self.child(),
        )


def install(site: Site) -> Site:
    """The site with an autoscaler, unless the cloud runs one itself: models depend on it."""
    spec = site.wanted(Spec)
    if spec is None or site.cloud is None or site.cloud.autoscaler is None:
        return site
    args = ClusterAutoscalerArgs(
        spec=spec,
        site=site,
        region=site.cloud.region,
        kubernetes_version=site.cloud.kubernetes_version,
        cluster_name=site.cloud.cluster_name,
        identity=site.cloud.autoscaler.identity,
        group_names=site.cloud.autoscaler.group_names,
        other_groups=site.cloud.autoscaler.other_groups,
    )
    made = ClusterAutoscaler("autoscaler", args, site.opts)
    return replace(site, before_models=(*site.before_models, made))


def priorities(pools: tuple[PoolPlan, ...]) -> dict[str, int]:
    """Priority of every group. The expander never fills an unknown group."""
    return {group.name: group.priority for pool in pools for group in pool.groups}


def priority_document(
    pools: tuple[PoolPlan, ...], group_names: Mapping[str, str | None], *, others: bool = False
) -> str:
    """The expander's document: priority to patterns, each of exactly one group, so that none overlap.

    With `others`, or if a group's name is unknown, a last pattern matches every group. A group with a higher priority
    keeps that.
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
        # Failed activities show a group without stock, and its back-off is long enough for the next group to get its
        # turn. The time limit of a node stays at 15 minutes: one with a GPU is ready only after its device plugin
        # (clusterstate.go), after gigabytes of images.
        "initial-node-group-backoff-duration": "15m",
        "max-node-group-backoff-duration": "30m",
        # The zones of a pool are alike and are filled evenly. A spot group and its on-demand group are not alike: EKS'
        # label of the capacity type is compared (processors/nodegroupset/aws_nodegroups.go), as the zone's id would be.
        "balance-similar-node-groups": "true",
        "balancing-ignore-label": "topology.k8s.aws/zone-id",
        # A raised minimum is reached even without a waiting pod.
        "enforce-node-group-min-size": "true",
        # /dev/shm is a local volume, and DaemonSets of kube-system run on every node.
        "skip-nodes-with-local-storage": "false",
        "skip-nodes-with-system-pods": "false",
        # By default a node seen before its device plugin was ready counts as one without GPUs for ten years.
        "node-info-cache-expire-time": "10m",
        "scale-down-unneeded-time": idle,
        "scale-down-delay-after-add": idle,
        # A GPU node is removed if no pod uses its GPUs. By default it is drained if fewer than half of them are used,
        # and a moved model loads for minutes (simulator/utilization/info.go; config/const.go).
        "scale-down-gpu-utilization-threshold": "0.01",
        # DaemonSets do not count as use.
        "ignore-daemonsets-utilization": "true",
    }


def values(args: ClusterAutoscalerArgs) -> ClusterAutoscalerValues:
    """Values of the release."""
    monitor = None
    if args.site.scraper is not None:
        monitor = ServiceMonitor(enabled=True, namespace=pulumi.Output.from_input(args.site.scraper), interval="30s")
    return ClusterAutoscalerValues(
        aws_region=args.region,
        auto_discovery=_AutoDiscovery(cluster_name=pulumi.Output.from_input(args.cluster_name)),
        rbac=_Rbac(
            service_account=ServiceAccount(
                create=True, name=args.identity.service_account, annotations=dict(args.identity.annotations) or None
            )
        ),
        image=Image(tag=CLUSTER_AUTOSCALER[args.kubernetes_version]),
        extra_args=flags(args.spec),
        service_monitor=monitor,
    )

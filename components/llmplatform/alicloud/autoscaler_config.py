"""ACK's own cluster-autoscaler: it fills spot pools before on-demand pools, from zero, and removes idle nodes.

Makes the one configuration of a cluster; ACK runs the autoscaler itself, so nothing is installed in the cluster. It
names scaling groups by their ids, taken from the pools: it changes before a removed pool is deleted, and never names a
missing group. A group that fails in an update is added in the next one, and blocks no other; the pool's other groups
are filled meanwhile.
Its deletion does nothing: the autoscaler is deleted with the cluster, so this is for new clusters. The provider does
not send a flag that is false, so flags that are off by default are not here.
Not `goatscaler`, ACK's quicker one, unless asked for: it has no priorities and does not see the stock of spot machines,
so it would buy on demand while spot machines are available.
The account must have authorised AliyunCSManagedAutoScalerRole and AliyunCSManagedNlcRole.
Source: terraform-provider-alicloud 2.0, alicloud_cs_autoscaling_config; ACK documentation, "Node scaling" FAQ.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_alicloud as alicloud

from llmplatform.base.component import PlatformComponent
from llmplatform.base.ordering import after, if_made
from llmplatform.planning.pools import PoolPlan
from llmplatform.specs.addons import AckAutoscaler

DRAIN_SECONDS = 600
"""Longest time for the pods of a node to end: longer than any model server needs."""


@dataclass(frozen=True, kw_only=True)
class AutoscalerConfigArgs:
    """The cluster and its pools."""

    spec: AckAutoscaler
    cluster_id: pulumi.Input[str]
    pools: tuple[PoolPlan, ...]
    group_names: Mapping[str, pulumi.Input[str]]
    """Planned group to the id of its scaling group, for every group of the pools."""


class AutoscalerConfig(PlatformComponent):
    """The configuration of a cluster's autoscaler."""

    cluster_id: pulumi.Output[str]
    """Id of the cluster, for resources that need nodes of an empty pool."""

    def __init__(self, name: str, args: AutoscalerConfigArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:alicloud:AutoscalerConfig", name, opts)
        idle = f"{args.spec.scale_down_minutes}m"
        by_priority = args.spec.scaler == "cluster-autoscaler"
        config = alicloud.cs.AutoscalingConfig(
            f"{name}-config",
            cluster_id=args.cluster_id,
            scaler_type=args.spec.scaler,
            expander="priority" if by_priority else "least-waste",
            priorities=priorities(args.pools, args.group_names) if by_priority else None,
            scale_up_from_zero=True,
            scale_down_enabled=True,
            # The provider swaps these two when it reads them: unequal, every refresh would show a change.
            cool_down_duration=idle,
            unneeded_duration=idle,
            max_graceful_termination_sec=DRAIN_SECONDS,
            opts=self.child(),
        )
        self.cluster_id = after(args.cluster_id, config)
        self.finish()


def priorities(
    pools: tuple[PoolPlan, ...], group_names: Mapping[str, pulumi.Input[str]]
) -> pulumi.Output[Mapping[str, str]]:
    """Priority to its scaling groups, separated by commas.

    The autoscaler never fills a group without a priority, and ignores groups of fixed size.
    """
    groups = [group for pool in pools for group in pool.groups if not group.fixed]
    ids = {group.name: if_made(pulumi.Output.from_input(group_names[group.name])) for group in groups}

    def named(found: Mapping[str, str | None]) -> Mapping[str, str]:
        by_priority: dict[str, list[str]] = {}
        for group in groups:
            if made := found[group.name]:
                by_priority.setdefault(str(group.priority), []).append(made)
        return {priority: ",".join(by_priority[priority]) for priority in sorted(by_priority)}

    return pulumi.Output.all(**ids).apply(named)

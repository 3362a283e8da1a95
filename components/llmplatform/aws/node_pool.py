"""Managed node groups of one pool: one group for each way of paying, all alike to a pod.

Makes: a launch template, the node groups, and the tags by which cluster-autoscaler plans from zero.
Does not: the role of the nodes (`NodeRole`), the autoscaler.
A change of instance types, image family, capacity or subnets replaces a group: the new one is there before the old
one is drained. Other changes roll through the group, one node at a time, without extra machines: each is drained by the
rules of the disruption budgets, within 15 minutes. A model that takes longer to come up on the new node than that holds
back the next one, and EKS fails the update (PodEvictionFailure): run `pulumi up` again, and it goes on from there.
EKS refuses a minimum above, and a maximum below, the number of nodes that there are just now: change that number first
(`aws eks update-nodegroup-config`), then the bound.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi_aws.eks.outputs import NodeGroupResource

from llmplatform.aws.launch_template import launch_template
from llmplatform.aws.scale_from_zero import group_tags, node_labels, resource_tags, short
from llmplatform.base.component import PlatformComponent
from llmplatform.base.ordering import after
from llmplatform.catalog import versions
from llmplatform.planning.pools import GroupPlan, PoolPlan, Taint
from llmplatform.specs.pools import AwsPool

AMI_TYPES: Mapping[tuple[str, str, bool], str] = {
    ("al2023", "amd64", False): "AL2023_x86_64_STANDARD",
    ("al2023", "amd64", True): "AL2023_x86_64_NVIDIA",
    ("al2023", "arm64", False): "AL2023_ARM_64_STANDARD",
    ("al2023", "arm64", True): "AL2023_ARM_64_NVIDIA",
    ("bottlerocket", "amd64", False): "BOTTLEROCKET_x86_64",
    ("bottlerocket", "amd64", True): "BOTTLEROCKET_x86_64_NVIDIA",
    ("bottlerocket", "arm64", False): "BOTTLEROCKET_ARM_64",
    ("bottlerocket", "arm64", True): "BOTTLEROCKET_ARM_64_NVIDIA",
}
"""EKS's name of an image, by operating system, architecture, and whether the nodes have GPUs."""

EFFECTS: Mapping[str, str] = {
    "NoSchedule": "NO_SCHEDULE",
    "PreferNoSchedule": "PREFER_NO_SCHEDULE",
    "NoExecute": "NO_EXECUTE",
}
"""EKS's spelling of taint effects."""


@dataclass(frozen=True, kw_only=True)
class NodePoolArgs:
    """What a pool is made from."""

    plan: PoolPlan
    cluster_name: pulumi.Input[str]
    """Name of a cluster that nodes can join."""
    kubernetes_version: str
    """Minor of the cluster; nodes follow it."""
    node_role_arn: pulumi.Input[str]
    subnet_ids: Mapping[str, pulumi.Input[str]]
    """Zone to private subnet, for at least the zones of the plan."""
    tags: Mapping[str, str]

    def __post_init__(self) -> None:
        missing = [zone for zone in self.plan.zones if zone not in self.subnet_ids]
        if missing:
            raise ValueError(f"pool {self.plan.name}: no private subnet in {', '.join(missing)}")


class NodePool(PlatformComponent):
    """Nodes that pods can be placed on."""

    group_names: Mapping[str, pulumi.Output[str]]
    """Planned group name to the name of its Auto Scaling group."""
    cluster_name: pulumi.Output[str]
    """Name of the cluster, for what needs nodes of this pool: it is made after them and gone before them."""

    def __init__(self, name: str, args: NodePoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:aws:NodePool", name, opts)
        self._prefix, self._args = name, args
        template = launch_template(f"{name}-template", args.plan, args.tags, self.child())
        groups = {group.name: self._group(group, template) for group in args.plan.groups}
        self.group_names = {planned: made.resources.apply(_autoscaling_group) for planned, made in groups.items()}
        for planned, autoscaling_group in self.group_names.items():
            self._tag(planned, autoscaling_group)
        self.cluster_name = after(args.cluster_name, *groups.values())
        self.finish()

    def _group(self, group: GroupPlan, template: aws.ec2.LaunchTemplate) -> aws.eks.NodeGroup:
        args, plan = self._args, self._args.plan
        return aws.eks.NodeGroup(
            self._child_name(group.name),
            cluster_name=args.cluster_name,
            node_role_arn=args.node_role_arn,
            subnet_ids=[args.subnet_ids[zone] for zone in plan.zones],
            version=args.kubernetes_version,
            ami_type=AMI_TYPES[plan.spec.image, plan.shape.architecture, plan.gpu is not None],
            # Pinned, so that nodes change when the catalog does and not when AWS publishes.
            release_version=_release(plan, args.kubernetes_version),
            capacity_type=group.capacity.upper(),
            instance_types=list(plan.spec.instance_types),
            labels=node_labels(plan),
            taints=[_taint(taint) for taint in plan.taints],
            launch_template=aws.eks.NodeGroupLaunchTemplateArgs(
                id=template.id, version=template.latest_version.apply(str)
            ),
            scaling_config=aws.eks.NodeGroupScalingConfigArgs(
                min_size=group.minimum, max_size=group.maximum, desired_size=group.minimum
            ),
            # The default starts the new nodes first: scarce GPUs are not to be had twice.
            update_config=aws.eks.NodeGroupUpdateConfigArgs(max_unavailable=1, update_strategy="MINIMAL"),
            node_repair_config=aws.eks.NodeGroupNodeRepairConfigArgs(enabled=True),
            tags={**args.tags, **resource_tags(plan)},
            # From the first minute on, the number of nodes is the autoscaler's.
            opts=self.child(ignore_changes=["scalingConfig.desiredSize"]),
        )

    def _tag(self, planned: str, autoscaling_group: pulumi.Output[str]) -> None:
        for key, value in group_tags(self._args.plan).items():
            aws.autoscaling.Tag(
                f"{self._child_name(planned)}-{short(key)}",
                autoscaling_group_name=autoscaling_group,
                tag=aws.autoscaling.TagTagArgs(key=key, value=value, propagate_at_launch=False),
                opts=self.child(),
            )

    def _child_name(self, planned: str) -> str:
        """Name of a group's resource: the component's name, and what sets the group apart from the pool's others."""
        return f"{self._prefix}{planned.removeprefix(self._args.plan.name) or '-nodes'}"


def _release(plan: PoolPlan, minor: str) -> str | None:
    own = plan.spec.image_release if isinstance(plan.spec, AwsPool) else None
    return own or versions.EKS_NODE_IMAGES[plan.spec.image].get(minor)


def _taint(taint: Taint) -> aws.eks.NodeGroupTaintArgs:
    return aws.eks.NodeGroupTaintArgs(key=taint.key, value=taint.value, effect=EFFECTS[taint.effect])


def _autoscaling_group(resources: Sequence[NodeGroupResource]) -> str:
    return (resources[0].autoscaling_groups or [])[0].name or ""

"""Managed node groups of one pool: one for each capacity type, and for each zone if its disks need that.

Makes: a launch template, the node groups, tags for cluster-autoscaler's plans from zero, and the machines' own tags.
Does not: the role of the nodes (`NodeRole`), the autoscaler.
A change of instance types, image family, capacity or zones replaces a group: the new one is ready before the old one is
drained. Other changes roll through the group, one node at a time, without extra machines. Each node is drained by the
rules of the disruption budgets, within 15 minutes. A model that needs longer to start on the new node delays the next
one, and EKS fails the update (PodEvictionFailure): run `pulumi up` again, and it continues.
Changed bounds are sent with the number of nodes (`resourceNodeGroupUpdate`, terraform-provider-aws,
internal/service/eks/node_group.go), and EKS terminates nodes beyond it (`NodegroupScalingConfig`, EKS API). It must be
the present number, so updates begin with a refresh (Pulumi.yaml). EKS refuses a minimum above it, and a maximum below:
change the number first (`aws eks update-nodegroup-config`), then the bound.
A group whose creation failed stays failed, and EKS refuses every change of it: the program fails until it is replaced.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from llmplatform.aws.group_health import autoscaling_group, faults
from llmplatform.aws.launch_template import KEPT_TAGS, launch_template
from llmplatform.aws.scale_from_zero import group_tags, node_labels, resource_tags, short
from llmplatform.base.component import PlatformComponent
from llmplatform.base.ordering import after, as_far_as_known
from llmplatform.base.registration import short_stack_traces
from llmplatform.catalog import versions
from llmplatform.planning.outside import OutsidePlan
from llmplatform.planning.pools import GroupPlan, PoolPlan
from llmplatform.specs.pools import AwsPool
from llmplatform.specs.taints import Taint

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
"""EKS' name of an image, by operating system, architecture, and whether the nodes have GPUs."""

EFFECTS: Mapping[str, str] = {
    "NoSchedule": "NO_SCHEDULE",
    "PreferNoSchedule": "PREFER_NO_SCHEDULE",
    "NoExecute": "NO_EXECUTE",
}
"""EKS's spelling of taint effects."""

GPU_FAULTS_OF_PROGRAMS = ("NvidiaXID13Error", "NvidiaXID31Error")
"""GPU faults whose remedy is a restart of the program (NVIDIA, "Xid Catalog": RESTART_APP for 13 and 31), in the node
monitoring agent's spelling. EKS would reboot the node with all its models."""


@dataclass(frozen=True, kw_only=True)
class NodePoolArgs:
    """Inputs of a pool."""

    plan: PoolPlan
    cluster_name: pulumi.Input[str]
    """Name of a cluster, ready for nodes."""
    kubernetes_version: str
    """Minor of the cluster and its nodes."""
    node_role_arn: pulumi.Input[str]
    subnet_ids: Mapping[str, pulumi.Input[str]]
    """Zone to private subnet, for at least the zones of the plan."""
    outside: OutsidePlan = field(default_factory=OutsidePlan)
    """Proxy and certificates, if nodes use them."""
    data_key: str | None = None
    """ARN of the key for the nodes' disks. None: AWS' own."""
    tags: Mapping[str, str]

    def __post_init__(self) -> None:
        missing = [zone for zone in self.plan.zones if zone not in self.subnet_ids]
        if missing:
            raise ValueError(f"pool {self.plan.name}: no private subnet in {', '.join(missing)}")


class NodePool(PlatformComponent):
    """Nodes for pods."""

    group_names: Mapping[str, pulumi.Output[str]]
    """Planned group to the name of its Auto Scaling group; empty if EKS created none."""
    faults: pulumi.Output[Sequence[str]]
    """A sentence with the remedy for each failed group: for `fail_at_the_end`."""
    cluster_name: pulumi.Output[str]
    """Name of the cluster, for resources that need nodes of this pool. Depends on the pool."""

    def __init__(self, name: str, args: NodePoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:aws:NodePool", name, opts)
        self._prefix, self._args = name, args
        template = launch_template(
            f"{name}-template", args.plan, args.data_key, args.tags, self.child(), outside=args.outside
        )
        groups = {group.name: self._group(group, template) for group in args.plan.groups}
        self._groups = tuple(groups.values())
        self.group_names = {planned: autoscaling_group(made) for planned, made in groups.items()}
        self.faults = faults(groups.values())
        for planned, name_ in self.group_names.items():
            as_far_as_known(name_).apply(lambda found, of=planned: self._tag(of, found))
        self.cluster_name = after(args.cluster_name, *groups.values())
        self.finish()

    @property
    def groups(self) -> tuple[aws.eks.NodeGroup, ...]:
        """What makes its nodes, for what needs them.

        To depend on the component is to depend on the children that it has by then: the tags of an Auto Scaling group
        are registered when its name is known, which may be before or after.
        """
        return self._groups

    def _group(self, group: GroupPlan, template: aws.ec2.LaunchTemplate) -> aws.eks.NodeGroup:
        args, plan = self._args, self._args.plan
        return aws.eks.NodeGroup(
            self._child_name(group.name),
            cluster_name=args.cluster_name,
            node_role_arn=args.node_role_arn,
            subnet_ids=[args.subnet_ids[zone] for zone in group.zones],
            version=args.kubernetes_version,
            ami_type=AMI_TYPES[plan.spec.image, plan.shape.architecture, plan.gpu is not None],
            # Pinned, so that nodes change with the catalog and not with AWS' releases.
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
            # The default starts the new nodes first, but scarce GPUs are not available twice.
            update_config=aws.eks.NodeGroupUpdateConfigArgs(max_unavailable=1, update_strategy="MINIMAL"),
            node_repair_config=_repairs(plan),
            tags={**args.tags, **resource_tags(plan)},
            opts=self.child(ignore_changes=self._left_alone(group)),
        )

    def _left_alone(self, group: GroupPlan) -> list[str]:
        # From the first minute on, the autoscaler owns the number of nodes.
        number = ["scalingConfig.desiredSize"]
        # Another zone of the environment must not replace machines of a pool without zones of its own.
        return number if self._args.plan.spec.zones or len(group.zones) == 1 else [*number, "subnetIds"]

    def _tag(self, planned: str, found: str | None) -> None:
        if found == "":
            return  # A registration without a name would end the program.
        tags = {key: (value, False) for key, value in group_tags(self._args.plan).items()}
        # New machines get them. In the launch template, a changed one would renew every node.
        tags |= {key: (value, True) for key, value in self._args.tags.items() if key not in KEPT_TAGS}
        with short_stack_traces():
            for key, (value, propagated) in tags.items():
                aws.autoscaling.Tag(
                    f"{self._child_name(planned)}-{short(key)}",
                    autoscaling_group_name=self.group_names[planned],
                    tag=aws.autoscaling.TagTagArgs(key=key, value=value, propagate_at_launch=propagated),
                    opts=self.child(),
                )

    def _child_name(self, planned: str) -> str:
        """Name of a group's resource: the component's name, and the group's suffix."""
        return f"{self._prefix}{planned.removeprefix(self._args.plan.name) or '-nodes'}"


def _release(plan: PoolPlan, minor: str) -> str | None:
    own = plan.spec.image_release if isinstance(plan.spec, AwsPool) else None
    return own or versions.EKS_NODE_IMAGES[plan.spec.image].get(minor)


def _taint(taint: Taint) -> aws.eks.NodeGroupTaintArgs:
    return aws.eks.NodeGroupTaintArgs(key=taint.key, value=taint.value or None, effect=EFFECTS[taint.effect])


def _repairs(plan: PoolPlan) -> aws.eks.NodeGroupNodeRepairConfigArgs:
    override = aws.eks.NodeGroupNodeRepairConfigNodeRepairConfigOverrideArgs
    return aws.eks.NodeGroupNodeRepairConfigArgs(
        enabled=True,
        # Scarce machines are not all released at once for a shared fault.
        max_parallel_nodes_repaired_count=1,
        node_repair_config_overrides=[
            override(
                node_monitoring_condition="AcceleratedHardwareReady",
                node_unhealthy_reason=reason,
                min_repair_wait_time_mins=10,
                repair_action="NoAction",
            )
            for reason in GPU_FAULTS_OF_PROGRAMS
        ]
        if plan.gpu
        else None,
    )

"""ACK node pools of one pool: one for each capacity type, and without GPUs for each zone, all alike to a pod.

Makes: the node pools. ACK's autoscaler knows labels, taints and resources of an empty pool by itself.
Does not: the autoscaler (`AutoscalerConfig`), driver and device plugin (ACK installs both on nodes with GPUs).
A pool is replaced with its cluster.
A change of instance types, operating system, disk, driver or price applies to nodes that join later; drain the others
to renew them. A Kubernetes version or an image is rolled out to existing nodes, one at a time, only while the stack
file asks for it: the provider upgrades at every update whose inputs have an upgrade policy, whatever the update
changes. Labels and taints change on all nodes. So does the driver's label, which on an existing node names the driver
of the next one.
containerd is configured by a second call, for which a pool with nodes from the start needs some minutes more. A pool
without available machines times out after `PATIENCE`, while ACK tries on: `faults` has the remedy. For an unknown
driver, ACK silently installs its default: the plan's driver is one of its list.
Source: terraform-provider-alicloud 2.0, resource_alicloud_cs_kubernetes_node_pool.go and its documentation; ACK
documentation, "NVIDIA driver version".
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_alicloud as alicloud

from llmplatform.alicloud.pool_health import faults
from llmplatform.base.component import PlatformComponent
from llmplatform.base.ordering import after
from llmplatform.planning.pools import GroupPlan, PoolPlan
from llmplatform.specs.mirrors import Mirrors
from llmplatform.specs.pools import AlicloudPool
from llmplatform.specs.taints import Taint

IMAGES: Mapping[str, str] = {
    "alinux3": "AliyunLinux3",
    "alinux3_container": "AliyunLinux3ContainerOptimized",
    "alinux4_container": "AliyunLinux4ContainerOptimized",
}
"""ACK's name of an operating system. Source: `ValidateFunc` of image_type, terraform-provider-alicloud 2.0."""

PATIENCE = "30m"
"""How long an update waits for a new pool, in the engine's form: nodes with GPUs join within ten minutes (assumed). The
provider's 90 would delay the autoscaler's configuration, which depends on every pool."""


@dataclass(frozen=True, kw_only=True)
class NodePoolArgs:
    """Inputs of a pool."""

    plan: PoolPlan
    cluster_id: pulumi.Input[str]
    """Id of a cluster, ready for nodes."""
    subnet_ids: Mapping[str, pulumi.Input[str]]
    """Zone to vSwitch of nodes, for at least the zones of the plan."""
    release: str | None = None
    """ACK version to upgrade the nodes to: the control plane's. None: no upgrade."""
    mirrors: Mirrors = field(default_factory=Mirrors)
    """Registries and their replacements, for images whose references are not rewritten."""
    tags: Mapping[str, str]

    def __post_init__(self) -> None:
        missing = [zone for zone in self.plan.zones if zone not in self.subnet_ids]
        if missing:
            raise ValueError(f"pool {self.plan.name}: no vSwitch in {', '.join(missing)}")


class NodePool(PlatformComponent):
    """Nodes for pods."""

    group_names: Mapping[str, pulumi.Output[str]]
    """Planned group name to the id of its scaling group."""
    faults: pulumi.Output[Sequence[str]]
    """A sentence with the remedy for each group that failed in this update: for `fail_at_the_end`."""
    cluster_id: pulumi.Output[str]
    """Id of the cluster, for resources that need nodes of this pool. Depends on the pool."""

    def __init__(self, name: str, args: NodePoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:alicloud:NodePool", name, opts)
        self._prefix, self._args = name, args
        groups = {group.name: self._group(group) for group in args.plan.groups}
        self._groups = tuple(groups.values())
        self.group_names = {planned: made.scaling_group_id for planned, made in groups.items()}
        self.faults = faults(args.cluster_id, groups.values())
        self.cluster_id = after(args.cluster_id, *groups.values())
        self.finish()

    @property
    def groups(self) -> tuple[alicloud.cs.NodePool, ...]:
        """What makes its nodes, for what needs them."""
        return self._groups

    def _group(self, group: GroupPlan) -> alicloud.cs.NodePool:
        args, plan = self._args, self._args.plan
        return alicloud.cs.NodePool(
            self._child_name(group.name),
            cluster_id=args.cluster_id,
            node_pool_name=self._child_name(group.name),
            vswitch_ids=[args.subnet_ids[zone] for zone in group.zones],
            instance_types=list(plan.spec.instance_types),
            instance_charge_type="PostPaid",
            **_market(group),
            **_size(plan, group),
            image_type=IMAGES[plan.spec.image],
            **_upgrade(plan, args.release),
            runtime_name="containerd",
            containerd_config=_containerd(args.mirrors),
            kubelet_configuration=alicloud.cs.NodePoolKubeletConfigurationArgs(
                # One large image must not delay the small ones that make the node ready.
                serialize_image_pulls="false"
            ),
            **_own(plan),
            **_disk(plan),
            labels=[alicloud.cs.NodePoolLabelArgs(key=key, value=value) for key, value in plan.labels.items()],
            taints=[_taint(taint) for taint in plan.taints],
            # Existing nodes get new labels and taints, too.
            update_nodes=True,
            management=_management(),
            # Pods get their rights from their service account, never from the node's role.
            instance_metadata_options=alicloud.cs.NodePoolInstanceMetadataOptionsArgs(http_tokens="required"),
            install_cloud_monitor=True,
            tags=args.tags,
            opts=self.child(custom_timeouts=pulumi.CustomTimeouts(create=PATIENCE)),
        )

    def _child_name(self, planned: str) -> str:
        """Name of a group's resource: the component's name, and the group's suffix."""
        return f"{self._prefix}{planned.removeprefix(self._args.plan.name) or '-nodes'}"


def _size(plan: PoolPlan, group: GroupPlan) -> dict[str, Any]:
    """The size: a number that ESS keeps, or bounds for the autoscaler."""
    if group.fixed:
        return {"desired_size": str(group.minimum)}
    kind = "gpu" if plan.gpu else "cpu"
    bounds = alicloud.cs.NodePoolScalingConfigArgs(
        enable=True, min_size=group.minimum, max_size=group.maximum, type=kind
    )
    return {"scaling_config": bounds}


def _market(group: GroupPlan) -> dict[str, Any]:
    """The capacity type of the machines.

    A spot pool never buys on demand by itself: the autoscaler uses the on-demand pool, which has its own bounds.
    Machines with a spot notice are replaced before they stop.
    """
    if group.capacity == "on_demand":
        return {"spot_strategy": "NoSpot", "multi_az_policy": "BALANCE"}
    limits = [
        alicloud.cs.NodePoolSpotPriceLimitArgs(instance_type=machine, price_limit=limit)
        for machine, limit in group.price_limits.items()
    ]
    return {
        "spot_strategy": "SpotWithPriceLimit" if limits else "SpotAsPriceGo",
        "spot_price_limits": limits or None,
        # Cheapest type and zone first: the only policy under which ESS tries all of them for a spot machine.
        "multi_az_policy": "COST_OPTIMIZED",
        "spot_instance_remedy": True,
        "compensate_with_on_demand": False,
        "on_demand_base_capacity": "0",
        "on_demand_percentage_above_base_capacity": "0",
    }


def _upgrade(plan: PoolPlan, release: str | None) -> dict[str, Any]:
    """The upgrade of nodes, one at a time, at this update and every other that still asks for it.

    A kubelet is replaced in place. Another image needs another system disk, and a drain; the machine stays, which
    matters when GPUs are scarce.
    """
    image = plan.spec.image_id if isinstance(plan.spec, AlicloudPool) else None
    renew = image is not None and isinstance(plan.spec, AlicloudPool) and plan.spec.renew
    given: dict[str, Any] = {"image_id": image} if image else {}
    if release is None and not renew:
        return given
    policy = alicloud.cs.NodePoolUpgradePolicyArgs(
        kubernetes_version=release, image_id=image if renew else None, use_replace=True if renew else None
    )
    pace = alicloud.cs.NodePoolRollingPolicyArgs(max_parallelism=1, pause_policy="NotPause")
    return {**given, "upgrade_policy": policy, "rolling_policy": pace}


def _own(plan: PoolPlan) -> dict[str, Any]:
    """Settings of operators: their key, and a script. The provider compares scripts in their encoded form."""
    spec = plan.spec
    if not isinstance(spec, AlicloudPool):
        return {}
    script = base64.b64encode(spec.user_data.encode()).decode() if spec.user_data else None
    return {"key_name": spec.key_pair, "user_data": script}


def _disk(plan: PoolPlan) -> dict[str, Any]:
    """The encrypted root disk; ACK's own default, cloud_efficiency of 40 GB, is too slow and too small for engines."""
    return {
        "system_disk_category": "cloud_essd",
        "system_disk_size": plan.spec.disk_gib,
        "system_disk_performance_level": "PL1",
        "system_disk_encrypted": True,
    }


def _management() -> alicloud.cs.NodePoolManagementArgs:
    """ACK repairs broken nodes, one at a time. Software on them changes only with the stack file."""
    return alicloud.cs.NodePoolManagementArgs(
        enable=True,
        auto_repair=True,
        auto_repair_policy=alicloud.cs.NodePoolManagementAutoRepairPolicyArgs(restart_node=True),
        auto_upgrade=False,
        auto_vul_fix=False,
        max_unavailable=1,
    )


def _containerd(mirrors: Mirrors) -> alicloud.cs.NodePoolContainerdConfigArgs:
    return alicloud.cs.NodePoolContainerdConfigArgs(
        # An engine's image is 10 GB and more, in few layers.
        max_concurrent_downloads=10,
        registry_mirrors=registry_mirrors(mirrors) or None,
    )


def registry_mirrors(mirrors: Mirrors) -> list[str]:
    """Mirrors in containerd's form, `docker.io=https://registry.example.org`.

    A replacement with a path is left out: ACK accepts only hosts. References in our own objects are rewritten anyway.
    """
    return [f"{host}=https://{prefix}" for host, prefix in sorted(mirrors.images.items()) if "/" not in prefix]


def _taint(taint: Taint) -> alicloud.cs.NodePoolTaintArgs:
    return alicloud.cs.NodePoolTaintArgs(key=taint.key, value=taint.value or None, effect=taint.effect)

"""ACK's node pools beyond the table: refused pools, and effects of a change.

Source: terraform-provider-alicloud, website/docs/r/cs_kubernetes_node_pool; ECS user guide, instance families (disks)
and spot instances; ACK's answer 400 InvalidParameter.Management (cloud-barista/cb-spider issue 1835).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from typing_extensions import override

from llmplatform_sandbox.cloud.account import Account
from llmplatform_sandbox.cloud.alicloud.clusters import installed
from llmplatform_sandbox.cloud.alicloud.groups import Groups
from llmplatform_sandbox.cloud.alicloud.machines import ESSD_LEAST_GIB, ESSD_LIKE, essd_only, machine, offered, sold
from llmplatform_sandbox.cloud.alicloud.names import GROUP, VSWITCH
from llmplatform_sandbox.cloud.alicloud.service_roles import require
from llmplatform_sandbox.cloud.alicloud.upgrades import refuse_upgrade, upgrade_pool
from llmplatform_sandbox.cloud.behaviour import Plain
from llmplatform_sandbox.cloud.control_plane import ControlPlane
from llmplatform_sandbox.cloud.requests import CloudError, NotReady
from llmplatform_sandbox.cloud.store import Record
from llmplatform_sandbox.cloud.templates import get
from llmplatform_sandbox.interfaces import Unavailable

Findings = Sequence[tuple[str, str]]


class NodePool(Plain):
    """`cs.NodePool`. `patience`: seconds for a renewed node to join."""

    def __init__(self, control_plane: ControlPlane, patience: float) -> None:
        self._control_plane, self._patience = control_plane, patience

    @override
    def check(self, inputs: Mapping[str, Any]) -> Findings:
        return [*_sizes(inputs), *_types(inputs), *_spot(inputs), *_disks(inputs)]

    @override
    def creating(self, account: Account, inputs: Mapping[str, Any]) -> None:
        _refuse_unsold(account, inputs)
        if get(inputs, "scalingConfig.enable"):
            require(account, "AliyunOOSLifecycleHook4CSRole", "a pool that is scaled")
        if get(inputs, "management.enable"):
            require(account, "AliyunCSManagedNlcRole", "a managed pool")
            if "ack-node-problem-detector" not in installed(account.store):
                raise CloudError(
                    "InvalidParameter.Management: a managed pool needs the add-on ack-node-problem-detector; "
                    "depend on it first"
                )

    @override
    def created(self, account: Account, record: Record) -> Mapping[str, Any]:
        low, high, size = _bounds(record)
        # It tries until it has them: ACK user guide, "Manually scale a node pool".
        state = {"nodeGroup": record.id, "minSize": low, "maxSize": high, "desiredCapacity": size}
        group = Groups(account).group_of(record) or account.create(
            GROUP, f"alicloud NodePool {record.id}", state, account.scope, owner=record.key
        )
        record = account.amend(record, {"scalingGroupId": group.id})
        try:
            self._resize(account, record, group, size)
            lost = next((one.dead for one in Groups(account).instances() if one.group == group.id and one.dead), "")
            if lost:
                raise NotReady(record, f"node pool {record.id}: its nodes never became ready in time: {lost}")
        except NotReady:
            _forget_containerd(account, record)
            raise
        return {}

    @override
    def updating(self, account: Account, old: Record, inputs: Mapping[str, Any]) -> None:
        refuse_upgrade(account, dict(inputs))

    @override
    def updated(self, account: Account, old: Record, new: Record) -> None:
        groups = Groups(account)
        group = groups.group_of(new)
        if group is None:
            return
        before, (low, high, size) = _bounds(old), _bounds(new)
        groups.set_bounds(group, low, high)
        target = group.outputs["desiredCapacity"]
        wanted = size if size != before[2] and not get(new.outputs, "scalingConfig.enable") else target
        wanted = min(max(wanted, low), high)
        if new.outputs.get("updateNodes"):
            groups.relabel(group)
        # Types, image, disks, prices and, without updateNodes, labels and taints apply to nodes that join later.
        if wanted != target:
            self._resize(account, new, group, wanted)
        upgrade_pool(self._control_plane, account, new, self._patience)

    @override
    def live(self, account: Account, record: Record) -> Record:
        group = Groups(account).group_of(record)
        if group is None or "desiredSize" not in record.outputs:
            return record
        size = {"desiredSize": str(group.outputs["desiredCapacity"])}
        return replace(record, inputs={**record.inputs, **size}, outputs={**record.outputs, **size})

    def _resize(self, account: Account, record: Record, group: Record, size: int) -> None:
        groups = Groups(account)
        try:
            groups.resize(group.id, size)
        except Unavailable as error:
            groups.note_shortage(group.id, str(error))
            raise NotReady(record, f"ErrScalingActivityFailed: {error}") from error


def _forget_containerd(account: Account, record: Record) -> None:
    """A separate call configures it once the pool exists: resourceAliCloudAckNodepoolCreate."""
    inputs, outputs = (
        {name: value for name, value in given.items() if name != "containerdConfig"}
        for given in (record.inputs, record.outputs)
    )
    account.store.change(replace(record, inputs=inputs, outputs=outputs))


def _bounds(record: Record) -> tuple[int, int, int]:
    """Minimum, maximum and first size. A pool without autoscaling has a single size."""
    scaling = record.outputs.get("scalingConfig") or {}
    if scaling.get("enable"):
        low, high = int(scaling.get("minSize") or 0), int(scaling.get("maxSize") or 0)
        return low, high, low
    size = int(record.outputs.get("desiredSize") or 0)
    return size, size, size


def _sizes(inputs: Mapping[str, Any]) -> Findings:
    scaling = inputs.get("scalingConfig") or {}
    low, high = scaling.get("minSize"), scaling.get("maxSize")
    findings: list[tuple[str, str]] = []
    if scaling.get("enable") and inputs.get("desiredSize") is not None:
        findings.append(
            ("desiredSize", "conflicts with scalingConfig.enable; the autoscaler decides, write one of them")
        )
    if isinstance(low, (int, float)) and isinstance(high, (int, float)) and low > high:
        findings.append(("scalingConfig.maxSize", f"{high:g} is below minSize {low:g}"))
    return findings


def _types(inputs: Mapping[str, Any]) -> Findings:
    findings: list[tuple[str, str]] = []
    arm = "Arm64" in str(inputs.get("imageType") or "")
    for index, name in enumerate(inputs.get("instanceTypes") or []):
        at = f"instanceTypes[{index}]"
        if not offered(name):
            findings.append((at, f"the sandbox's table of machines has no {name}; write one that it has"))
        elif (machine(name).architecture == "arm64") != arm:
            findings.append((at, f"{name} is {machine(name).architecture}; take an image of the same architecture"))
    return findings


def _spot(inputs: Mapping[str, Any]) -> Findings:
    """Price limits name every type, and only if they apply."""
    strategy, limits = inputs.get("spotStrategy") or "NoSpot", inputs.get("spotPriceLimits") or []
    named = {one.get("instanceType") for one in limits}
    if strategy == "SpotWithPriceLimit":
        missing = [one for one in inputs.get("instanceTypes") or [] if one not in named]
        return [("spotPriceLimits", f"no limit for {', '.join(missing)}; write one for each type")] if missing else ()
    if limits:
        return [("spotPriceLimits", f"has no effect with {strategy}; write spotStrategy SpotWithPriceLimit")]
    return ()


def _disks(inputs: Mapping[str, Any]) -> Findings:
    category = inputs.get("systemDiskCategory") or "cloud_efficiency"
    findings: list[tuple[str, str]] = []
    picky = [one for one in inputs.get("instanceTypes") or [] if essd_only(one)]
    if picky and category not in ESSD_LIKE:
        findings.append(("systemDiskCategory", f"{picky[0]} takes no {category}; write cloud_essd"))
    level, size = inputs.get("systemDiskPerformanceLevel"), inputs.get("systemDiskSize", 40)
    findings += _essd("systemDisk", category, level, size, "PerformanceLevel", "Size")
    for index, disk in enumerate(inputs.get("dataDisks") or []):
        kind, at = disk.get("category") or "cloud_efficiency", f"dataDisks[{index}]."
        if picky and kind not in ESSD_LIKE and kind.startswith("cloud"):
            findings.append((f"{at}category", f"{picky[0]} takes no {kind}; write cloud_essd"))
        findings += _essd(at, kind, disk.get("performanceLevel"), disk.get("size", 40), "performanceLevel", "size")
    return findings


def _essd(at: str, category: str, level: Any, size: Any, level_name: str, size_name: str) -> Findings:
    if category != "cloud_essd":
        return [(f"{at}{level_name}", f"{category} has no performance levels; leave it out")] if level else ()
    least = ESSD_LEAST_GIB.get(level or "PL1", 0)
    if isinstance(size, (int, float)) and size < least:
        return [(f"{at}{size_name}", f"{size:g} GiB is too small for {level or 'PL1'}; write {least} or more")]
    return ()


def _refuse_unsold(account: Account, inputs: Mapping[str, Any]) -> None:
    """At least one of the pool's zones must sell each type."""
    found = [account.store.get(VSWITCH, one) for one in inputs.get("vswitchIds") or []]
    zones = [one.outputs["zoneId"] for one in found if one]
    for name in inputs.get("instanceTypes") or []:
        if zones and not any(sold(name, account.scope.region, zone) for zone in zones):
            raise CloudError(f"Zone.NotOnSale: {name} is not sold in {', '.join(zones)}; take vSwitches of other zones")

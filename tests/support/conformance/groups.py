"""Groups of nodes, read from what each cloud's components register, in words that all clouds share."""

from collections.abc import Mapping
from dataclasses import dataclass

from llmplatform.testing import RecordingEngine, Registered


@dataclass(frozen=True, kw_only=True)
class Group:
    """One group of nodes, in words that all clouds share."""

    name: str
    capacity: str
    """`on_demand` or `spot`."""
    minimum: int
    maximum: int
    labels: Mapping[str, str]
    taints: frozenset[tuple[str, str, str]]
    instance_types: tuple[str, ...]
    subnets: tuple[str, ...]
    disk_gib: int
    disk_encrypted: bool
    metadata_needs_token: bool
    repaired: bool
    updates_one_at_a_time: bool

    @property
    def alike(self) -> tuple[object, ...]:
        """All that a pod can tell."""
        labels = tuple(sorted(self.labels.items()))
        return labels, self.taints, self.instance_types, self.subnets, self.disk_gib


def eks_group(engine: RecordingEngine, found: Registered) -> Group:
    """A managed node group of EKS, with its launch template."""
    inputs = found.inputs
    template = engine.one("aws:ec2/launchTemplate:LaunchTemplate", f"{_pool(engine, found)}-template").inputs
    (disk,) = [each["ebs"] for each in template["blockDeviceMappings"] if "volumeSize" in each["ebs"]]
    spelling = {"NO_SCHEDULE": "NoSchedule", "NO_EXECUTE": "NoExecute", "PREFER_NO_SCHEDULE": "PreferNoSchedule"}
    return Group(
        name=found.name,
        capacity=inputs["capacityType"].lower(),
        minimum=inputs["scalingConfig"]["minSize"],
        maximum=inputs["scalingConfig"]["maxSize"],
        labels=inputs["labels"],
        taints=frozenset((each["key"], each.get("value", ""), spelling[each["effect"]]) for each in inputs["taints"]),
        instance_types=tuple(inputs["instanceTypes"]),
        subnets=tuple(inputs["subnetIds"]),
        disk_gib=disk["volumeSize"],
        disk_encrypted=disk["encrypted"] == "true",
        metadata_needs_token=template["metadataOptions"]["httpTokens"] == "required",
        repaired=inputs["nodeRepairConfig"]["enabled"],
        updates_one_at_a_time=inputs["updateConfig"]["maxUnavailable"] == 1,
    )


def ack_group(engine: RecordingEngine, found: Registered) -> Group:
    """A node pool of ACK."""
    inputs = found.inputs
    return Group(
        name=found.name,
        capacity="on_demand" if inputs["spotStrategy"] == "NoSpot" else "spot",
        minimum=int(inputs["desiredSize"]) if "desiredSize" in inputs else inputs["scalingConfig"]["minSize"],
        maximum=int(inputs["desiredSize"]) if "desiredSize" in inputs else inputs["scalingConfig"]["maxSize"],
        labels={each["key"]: each.get("value", "") for each in inputs["labels"]},
        taints=frozenset((each["key"], each.get("value", ""), each["effect"]) for each in inputs["taints"]),
        instance_types=tuple(inputs["instanceTypes"]),
        subnets=tuple(inputs["vswitchIds"]),
        disk_gib=inputs["systemDiskSize"],
        disk_encrypted=inputs["systemDiskEncrypted"],
        metadata_needs_token=inputs["instanceMetadataOptions"]["httpTokens"] == "required",
        repaired=inputs["management"]["enable"] and inputs["management"]["autoRepair"],
        updates_one_at_a_time=inputs["management"]["maxUnavailable"] == 1,
    )


def _pool(engine: RecordingEngine, found: Registered) -> str:
    return next(each.name for each in engine.registered if each.urn == found.parent)

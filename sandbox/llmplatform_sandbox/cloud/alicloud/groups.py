"""Node pools: each is a scaling group with its instances, their interfaces and disks.

Source of the pool's properties: terraform-provider-alicloud, website/docs/r/cs_kubernetes_node_pool; ESS API
reference, CreateScalingGroup.
"""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from typing_extensions import override

from llmplatform_sandbox.cloud.alicloud.machines import (
    CHEAPEST_SPOT,
    SCHEDULE_LABEL,
    allocatable,
    dead,
    driver,
    machine,
    sold,
)
from llmplatform_sandbox.cloud.alicloud.names import CLUSTER, GROUP, NODE_POOL, VSWITCH
from llmplatform_sandbox.cloud.alicloud.scaler import scaler_of
from llmplatform_sandbox.cloud.machine_groups import MACHINE, MachineGroups, Slot
from llmplatform_sandbox.cloud.store import Record
from llmplatform_sandbox.interfaces import Instance, NodeTemplate, Taint, Unavailable

_LAST_RESERVED = 2
"""Hosts at the end of a vSwitch that the cloud reserves, beside the broadcast address. VPC user guide, vSwitches."""


class Groups(MachineGroups):
    """The scaling groups of an account."""

    group_type, pool_type, pool_name = GROUP, NODE_POOL, "nodePoolName"
    no_group = "InvalidScalingGroupId.NotFound: The specified scaling group {} does not exist"

    @override
    def template(self, group_id: str) -> NodeTemplate | None:
        """ACK's autoscaler reads labels and taints from the pool, resources from the first instance type."""
        pool = self.owner(self._require(group_id))
        types = pool.outputs.get("instanceTypes") or []
        try:
            kind = machine(types[0])
        except (KeyError, IndexError):
            return None
        zones = self._subnets(pool)
        labels = self._labels(pool, kind.name, spot=_is_spot(pool)) | _zone(zones[0][1] if zones else "")
        resources = dict(allocatable(kind, _disk(pool)))
        if kind.gpus and _whole_gpus(labels):
            resources["nvidia.com/gpu"] = str(kind.gpus)
        return NodeTemplate(labels=labels, taints=_taints(pool), resources=resources)

    def relabel(self, group: Record) -> None:
        """Labels and taints change on running machines; their driver stays."""
        pool = self.owner(group)
        for record in self._running(group):
            state = record.outputs
            self._account.amend(record, self._identity(pool, state["instanceType"], state["zone"], spot=state["spot"]))

    @override
    def _autoscaled(self, group: Record) -> bool:
        return bool((self.owner(group).outputs.get("scalingConfig") or {}).get("enable"))

    @override
    def _kept(self, group: Record) -> int:
        """An autoscaled group has no size of its own: the cloud refills it only to its minimum."""
        return group.outputs["minSize"] if self._autoscaled(group) else group.outputs["desiredCapacity"]

    @override
    def _slot(self, group: Record, pool: Record) -> Slot:
        wants_spot = _is_spot(pool) and not self._due_on_demand(group, pool)
        found = self._find(group, pool, spot=wants_spot and not self._blind(pool))
        if found is None and wants_spot and _compensates(pool):
            found = self._find(group, pool, spot=False)
        if found is None:
            types, zones = pool.outputs.get("instanceTypes") or [], sorted({z for _, z in self._subnets(pool)})
            what = "spot capacity" if wants_spot else "capacity"
            reason = f"OperationDenied.NoStock: no {what} for {', '.join(types)} in {', '.join(zones)}"
            raise Unavailable(f"{group.id}: {reason}")
        return found

    def _find(self, group: Record, pool: Record, *, spot: bool) -> Slot | None:
        policy, types = pool.outputs["multiAzPolicy"], list(pool.outputs.get("instanceTypes") or [])
        places = list(self._powered(group, pool))
        if policy == "PRIORITY":
            # vSwitches in their written order, each with all types.
            places = [pair for pair in self._subnets(pool) if pair in places]
            choices = [(kind, place) for place in places for kind in types]
        else:
            if policy == "COST_OPTIMIZED":
                types.sort(key=lambda name: (machine(name).price_hour or float("inf")) / machine(name).vcpus)
            choices = [(kind, place) for kind in types for place in places]
        region = self._account.scope.region
        for kind, (subnet, zone) in choices:
            if self._account.faults.active("stockout", kind):
                continue
            if sold(kind, region, zone) and (not spot or self._spot(pool, kind)):
                return Slot(kind=kind, subnet=subnet, zone=zone, spot=spot)
        return None

    def _spot(self, pool: Record, kind: str) -> bool:
        if self._account.faults.active("spot-stockout", kind):
            return False
        limits = {one["instanceType"]: float(one["priceLimit"]) for one in pool.outputs.get("spotPriceLimits") or []}
        price = machine(kind).price_hour
        limited = pool.outputs["spotStrategy"] == "SpotWithPriceLimit"
        return not (limited and price and limits.get(kind, 0.0) < CHEAPEST_SPOT * price)

    def _due_on_demand(self, group: Record, pool: Record) -> bool:
        """Whether the mix of a cost-optimised pool needs an on-demand machine next."""
        if pool.outputs["multiAzPolicy"] != "COST_OPTIMIZED":
            return False
        base = int(pool.outputs.get("onDemandBaseCapacity") or 0)
        share = int(pool.outputs.get("onDemandPercentageAboveBaseCapacity") or 0) / 100
        running = self._running(group)
        bought = sum(1 for one in running if not one.outputs["spot"])
        above = max(len(running) + 1 - base, 0)
        return bought < base or bought - base < int(above * share)

    def _blind(self, pool: Record) -> bool:
        """Whether ACK ignores the stock of spot machines: goatscaler does, and buys on demand if compensation is on.

        ACK FAQ on node instant scaling.
        """
        return scaler_of(self._store) == "goatscaler" and _compensates(pool)

    @override
    def _launch(self, group: Record, pool: Record, slot: Slot) -> None:
        cluster = self._store.get(CLUSTER, pool.outputs["clusterId"])
        joined = [cluster.outputs["securityGroupId"]] if cluster else []
        state = {
            "group": group.id,
            "subnetId": slot.subnet,
            "podVswitchIds": self._pod_vswitches(cluster, slot),
            "zone": slot.zone,
            "address": self._address(slot.subnet),
            "securityGroups": pool.outputs.get("securityGroupIds") or joined,
            "instanceType": slot.kind,
            "image": pool.outputs["imageType"],
            "spot": slot.spot,
            "disks": [pool.outputs["systemDiskSize"], *(disk["size"] for disk in pool.outputs.get("dataDisks") or [])],
            "nodeDisk": _disk(pool),
            "kubelet": cluster.outputs["version"] if cluster else "",
            "imageId": pool.outputs.get("imageId") or "",
            **self._identity(pool, slot.kind, slot.zone, spot=slot.spot),
        }
        if machine(slot.kind).gpus:
            state["driver"] = driver(_given_labels(pool))
        self._account.create(MACHINE, f"alicloud scaling-group {group.id}", state, self._account.scope, owner=group.key)

    def _pod_vswitches(self, cluster: Record | None, slot: Slot) -> list[str]:
        """Without one in the zone, Terway uses the node's vSwitch: terway, daemon/builder.go, `VSwitchOptions`."""
        wanted = (cluster.outputs.get("podVswitchIds") if cluster else None) or []
        found = [self._store.get(VSWITCH, one) for one in wanted]
        return [one.id for one in found if one and one.outputs["zoneId"] == slot.zone] or [slot.subnet]

    def _address(self, vswitch_id: str) -> str:
        vswitch = self._store.get(VSWITCH, vswitch_id)
        if vswitch is None:
            raise Unavailable(f"InvalidVSwitchId.NotFound: vSwitch {vswitch_id} does not exist")
        used = {one.outputs["address"] for one in self._store.all(MACHINE) if one.outputs["subnetId"] == vswitch_id}
        usable = list(ipaddress.ip_network(vswitch.outputs["cidrBlock"]).hosts())[:-_LAST_RESERVED]
        free = next((str(one) for one in usable if str(one) not in used), None)
        if free is None:
            raise Unavailable(f"InvalidVSwitchId.IpNotEnough: no address is left in vSwitch {vswitch_id}")
        return free

    def _identity(self, pool: Record, kind: str, zone: str, *, spot: bool) -> dict[str, Any]:
        taints = [{"key": taint.key, "value": taint.value, "effect": taint.effect} for taint in _taints(pool)]
        return {"labels": self._labels(pool, kind, spot=spot) | _zone(zone), "taints": taints}

    def _labels(self, pool: Record, kind: str, *, spot: bool) -> dict[str, str]:
        """Labels that ACK sets: cloud controller manager, changelog 2.10; ACK user guide, GPU nodes."""
        known = machine(kind)
        gpu = {
            "aliyun.accelerator/nvidia_name": f"NVIDIA-{known.family.gpu}",
            "aliyun.accelerator/nvidia_count": str(known.gpus),
            "aliyun.accelerator/nvidia_mem": f"{known.family.gpu_gib * 1024}MiB",
            SCHEDULE_LABEL: "default",
        } if known.gpus else {}  # fmt: skip
        scaled = {"k8s.aliyun.com": "true"} if (pool.outputs.get("scalingConfig") or {}).get("enable") else {}
        return {
            **gpu,
            **scaled,
            "alibabacloud.com/nodepool-id": pool.outputs["nodePoolId"],
            "node.alibabacloud.com/nodepool-id": pool.outputs["nodePoolId"],
            "node.alibabacloud.com/instance-charge-type": pool.outputs["instanceChargeType"],
            "node.alibabacloud.com/spot-strategy": pool.outputs["spotStrategy"] if spot else "NoSpot",
            "node.kubernetes.io/instance-type": kind,
            "topology.kubernetes.io/region": self._account.scope.region,
            "kubernetes.io/arch": known.architecture,
            "kubernetes.io/os": "linux",
            **_given_labels(pool),
        }

    @override
    def _subnets(self, pool: Record) -> list[tuple[str, str]]:
        found = [self._store.get(VSWITCH, one) for one in pool.outputs.get("vswitchIds") or []]
        return [(one.id, one.outputs["zoneId"]) for one in found if one is not None]

    @override
    def _instance(self, record: Record) -> Instance:
        state = record.outputs
        kind, region = machine(state["instanceType"]), state["labels"]["topology.kubernetes.io/region"]
        return Instance(
            id=record.id,
            group=state["group"],
            zone=state["zone"],
            image=state["image"],
            gpus=kind.gpus if _whole_gpus(state["labels"]) else 0,
            kubelet=f"v{state['kubelet']}" if state.get("kubelet") else "",
            node=f"{region}.{state['address']}",
            address=state["address"],
            provider_id=f"{region}.{record.id}",
            dead=dead(state["image"], state.get("imageId") or "", state.get("kubelet") or ""),
            template=NodeTemplate(
                labels=state["labels"],
                taints=[Taint(**taint) for taint in state["taints"]],
                resources=allocatable(kind, state["nodeDisk"]),
            ),
        )


def _given_labels(pool: Record) -> dict[str, str]:
    return {one["key"]: one.get("value") or "" for one in pool.outputs.get("labels") or []}


def _whole_gpus(labels: Mapping[str, str]) -> bool:
    return labels.get(SCHEDULE_LABEL, "default") == "default"


def _zone(zone: str) -> dict[str, str]:
    return {"topology.kubernetes.io/zone": zone}


def _is_spot(pool: Record) -> bool:
    return pool.outputs["spotStrategy"] != "NoSpot"


def _compensates(pool: Record) -> bool:
    """Only under this policy do on-demand machines replace spot ones; under the others the switch has no effect."""
    return pool.outputs["multiAzPolicy"] == "COST_OPTIMIZED" and bool(pool.outputs.get("compensateWithOnDemand"))


def _taints(pool: Record) -> list[Taint]:
    given: Iterable[Mapping[str, Any]] = pool.outputs.get("taints") or []
    return [Taint(key=one["key"], value=one.get("value") or "", effect=one.get("effect") or "") for one in given]


def _disk(pool: Record) -> int:
    """Disk of images and scratch space: the last data disk, at /var/lib/container, else the system's."""
    disks: Sequence[Mapping[str, Any]] = pool.outputs.get("dataDisks") or []
    return int(disks[-1]["size"] if disks else pool.outputs["systemDiskSize"])

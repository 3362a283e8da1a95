"""Managed node groups: each is an Auto Scaling group with its instances, their interfaces and disks."""

import base64
import binascii
import ipaddress
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from typing_extensions import override

from llmplatform_sandbox.cloud.aws.machines import allocatable, machine
from llmplatform_sandbox.cloud.aws.node_health import conditions
from llmplatform_sandbox.cloud.aws.places import lacks, no_quota
from llmplatform_sandbox.cloud.machine_groups import MACHINE, MachineGroups, Slot
from llmplatform_sandbox.cloud.store import Record
from llmplatform_sandbox.cloud.templates import get
from llmplatform_sandbox.interfaces import Instance, NodeTemplate, Taint, Unavailable

CLUSTER = "aws:eks/cluster:Cluster"
GROUP, NODE_GROUP = "auto-scaling-group", "aws:eks/nodeGroup:NodeGroup"
_TAG = "aws:autoscaling/tag:Tag"
_DISCOVERY = "k8s.io/cluster-autoscaler/enabled"
_TEMPLATE = "k8s.io/cluster-autoscaler/node-template/"
_EFFECTS = {"NO_SCHEDULE": "NoSchedule", "PREFER_NO_SCHEDULE": "PreferNoSchedule", "NO_EXECUTE": "NoExecute"}
_DEFAULT_DISK_GIB = 20


class Groups(MachineGroups):
    """The Auto Scaling groups of an account."""

    group_type, pool_type, pool_name = GROUP, NODE_GROUP, "nodeGroupName"
    no_group = "ValidationError: AutoScalingGroup name not found - no such group: {}"

    # As the cluster and its autoscaler see them

    @override
    def template(self, group_id: str) -> NodeTemplate | None:
        """Node of an empty group, as cluster-autoscaler's AWS provider has it (aws_manager.go, buildNodeFromTemplate).

        Capacity of the first instance type, as allocatable; labels and taints of DescribeNodegroup; tags.
        """
        group = self._require(group_id)
        node_group = self.owner(group)
        types = self.instance_types(node_group)
        try:
            kind = machine(types[0])
        except (KeyError, IndexError):
            return None
        tags = {
            key.removeprefix(_TEMPLATE): value for key, value in self.tags(group).items() if key.startswith(_TEMPLATE)
        }
        own = {
            key.removeprefix(_TEMPLATE): value
            for key, value in (node_group.outputs.get("tagsAll") or {}).items()
            if key.startswith(f"{_TEMPLATE}resources/")
        }
        resources = {"cpu": str(kind.vcpus), "memory": f"{kind.memory_mib}Mi", "pods": "110"}
        if kind.gpus:
            resources["nvidia.com/gpu"] = str(kind.gpus)
        resources |= _below("resources/", tags) | _below("resources/", own)
        tagged = [
            Taint(key=key, value=value.rpartition(":")[0], effect=value.rpartition(":")[2])
            for key, value in _below("taint/", tags).items()
        ]
        taints = {(taint.key, taint.effect): taint for taint in (*tagged, *_taints(node_group))}
        labels = _below("label/", tags) | self._labels(node_group, kind.name, kind.architecture)
        return NodeTemplate(labels=labels, taints=list(taints.values()), resources=resources)

    # As the node group's resource needs them

    def zones(self, node_group: Record) -> int:
        """Number of zones for its machines."""
        return len({zone for _, zone in self._subnets(node_group)})

    def relabel(self, group: Record) -> None:
        """Change labels and taints of running machines, too."""
        for record in self._running(group):
            self._account.amend(
                record, self._identity(self.owner(group), record.outputs["instanceType"], record.outputs["zone"])
            )

    def tags(self, group: Record) -> Mapping[str, str]:
        """Tags of the group: EKS' own, and those of resources."""
        added = {
            tag.outputs["tag"]["key"]: tag.outputs["tag"]["value"]
            for tag in self._store.all(_TAG)
            if tag.outputs["autoscalingGroupName"] == group.id
        }
        return {**group.outputs["tags"], **added}

    def instance_types(self, node_group: Record) -> Sequence[str]:
        """Types in order of preference: of the node group, else of its launch template, else EKS's default."""
        given = node_group.outputs.get("instanceTypes")
        template = self.launch_template(node_group.outputs)
        of_template = get(template.outputs, "instanceType") if template else None
        return given or ([of_template] if of_template else ["t3.medium"])

    def launch_template(self, node_group: Mapping[str, Any]) -> Record | None:
        """The template in a node group's properties."""
        wanted = node_group.get("launchTemplate") or {}
        type_ = "aws:ec2/launchTemplate:LaunchTemplate"
        if wanted.get("id"):
            return self._store.get(type_, wanted["id"])
        return self._store.by_output(type_, "name", wanted["name"]) if wanted.get("name") else None

    # Insides

    @override
    def _autoscaled(self, group: Record) -> bool:
        return self.tags(group).get(_DISCOVERY) == "true"

    @override
    def _slot(self, group: Record, pool: Record) -> Slot:
        types, places = self.instance_types(pool), self._powered(group, pool)
        spot = pool.outputs.get("capacityType") == "SPOT"
        refused = ""
        for name in types if places else ():
            refused = refused or no_quota(self._account, name, spot=spot)
            if no_quota(self._account, name, spot=spot) or self._sold_out(name, spot=spot):
                continue
            for subnet, zone in places:
                if not lacks(self._account.faults, name, zone):
                    return Slot(kind=name, subnet=subnet, zone=zone, spot=spot)
        zones = ", ".join(sorted({zone for _, zone in self._subnets(pool)}))
        what = "spot capacity" if spot and places else "capacity"
        reason = refused or f"InsufficientInstanceCapacity: no {what} for {', '.join(types)} in {zones}"
        raise Unavailable(f"{group.id}: {reason}")

    def _sold_out(self, kind: str, *, spot: bool) -> bool:
        faults = self._account.faults
        return faults.active("stockout", kind) or (spot and faults.active("spot-stockout", kind))

    @override
    def _launch(self, group: Record, pool: Record, slot: Slot) -> None:
        template = self.launch_template(pool.outputs)
        cluster = self._store.get(CLUSTER, pool.outputs["clusterName"])
        own = get(template.outputs, "vpcSecurityGroupIds") if template else None
        joined = [get(cluster.outputs, "vpcConfig.clusterSecurityGroupId")] if cluster else []
        state = {
            "group": group.id,
            "subnetId": slot.subnet,
            "zone": slot.zone,
            "address": self._address(slot.subnet),
            "securityGroups": own or joined,
            "instanceType": slot.kind,
            "image": pool.outputs["amiType"],
            "volumeSize": _disk(pool, template),
            "raid0": _raid0(template),
            "made": made_as(pool),
            **self._identity(pool, slot.kind, slot.zone),
        }
        self._account.create(MACHINE, f"aws auto-scaling-group {group.id}", state, self._account.scope, owner=group.key)

    def _address(self, subnet_id: str) -> str:
        """The first free one. VPC user guide, "Subnet sizing": AWS reserves a subnet's first four and its last."""
        subnet = self._store.get("aws:ec2/subnet:Subnet", subnet_id)
        if subnet is None or not subnet.outputs.get("cidrBlock"):
            return ""
        used = {one.outputs.get("address") for one in self._store.all(MACHINE)}
        hosts = ipaddress.ip_network(subnet.outputs["cidrBlock"]).hosts()
        return next((str(host) for host in islice(hosts, 3, None) if str(host) not in used), "")

    def _identity(self, node_group: Record, kind: str, zone: str) -> dict[str, Any]:
        labels = self._labels(node_group, kind, machine(kind).architecture)
        taints = [{"key": taint.key, "value": taint.value, "effect": taint.effect} for taint in _taints(node_group)]
        return {"labels": labels | {"topology.kubernetes.io/zone": zone}, "taints": taints}

    def _labels(self, node_group: Record, kind: str, architecture: str) -> dict[str, str]:
        region = self._account.scope.region
        zones = [zone for _, zone in self._subnets(node_group)]
        return {
            **(node_group.outputs.get("labels") or {}),
            "eks.amazonaws.com/nodegroup": node_group.outputs["nodeGroupName"],
            "eks.amazonaws.com/capacityType": node_group.outputs["capacityType"],
            "node.kubernetes.io/instance-type": kind,
            "topology.kubernetes.io/region": region,
            "topology.kubernetes.io/zone": zones[0] if zones else "",
            "kubernetes.io/arch": architecture,
            "kubernetes.io/os": "linux",
        }

    @override
    def _subnets(self, pool: Record) -> list[tuple[str, str]]:
        found = [self._store.get("aws:ec2/subnet:Subnet", one) for one in pool.outputs.get("subnetIds") or []]
        region = self._account.scope.region
        return [(one.id, one.outputs.get("availabilityZone") or f"{region}a") for one in found if one is not None]

    @override
    def _instance(self, record: Record) -> Instance:
        state = record.outputs
        kind = machine(state["instanceType"])
        taints = [Taint(**taint) for taint in state["taints"]]
        return Instance(
            id=record.id,
            group=state["group"],
            zone=state["zone"],
            image=state["image"],
            gpus=kind.gpus,
            kubelet=_kubelet(state.get("made") or {}),
            node=f"{record.id}.{state['labels']['topology.kubernetes.io/region']}.compute.internal",
            provider_id=f"aws:///{state['zone']}/{record.id}",
            address=state.get("address", ""),
            conditions=conditions(self._store, kind.gpus, kind.architecture, taints),
            template=NodeTemplate(
                labels=state["labels"],
                taints=taints,
                resources=allocatable(kind, state["volumeSize"], raid0=state["raid0"]),
            ),
        )


def made_as(node_group: Record) -> dict[str, str]:
    """Inputs of machines; a machine with other inputs is renewed."""
    return {
        "version": str(node_group.outputs["version"]),
        "release": str(node_group.outputs["releaseVersion"]),
        "template": str(get(node_group.outputs, "launchTemplate.version") or ""),
    }


def _kubelet(made: Mapping[str, str]) -> str:
    """Amazon Linux' releases begin with the kubelet's version; Bottlerocket's have their own version."""
    version, release = made.get("version", ""), made.get("release", "").partition("-")[0]
    return f"v{release if release.startswith(version) else version}" if version else ""


def _below(prefix: str, tags: Mapping[str, str]) -> dict[str, str]:
    return {key.removeprefix(prefix): value for key, value in tags.items() if key.startswith(prefix)}


def _taints(node_group: Record) -> list[Taint]:
    given = node_group.outputs.get("taints") or []
    return [Taint(key=one["key"], value=one.get("value") or "", effect=_EFFECTS[one["effect"]]) for one in given]


def _disk(node_group: Record, template: Record | None) -> int:
    mappings = get(template.outputs, "blockDeviceMappings") if template else None
    sizes = [size for one in mappings or [] if (size := get(one, "ebs.volumeSize"))]
    return int(max(sizes, default=node_group.outputs.get("diskSize") or _DEFAULT_DISK_GIB))


def _raid0(template: Record | None) -> bool:
    """Whether NVMe disks hold images and scratch space (nodeadm's localStorage, Bottlerocket's ephemeral storage)."""
    data = get(template.outputs, "userData") if template else None
    try:
        text = base64.b64decode(data or "", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return False
    return "RAID0" in text or "ephemeral-storage" in text

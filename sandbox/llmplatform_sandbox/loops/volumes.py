"""Plays the CSI provisioners: a volume per claim, freed when its claim is gone, grown when its claim asks for more.

Binding itself is the controller-manager's work; what a volume is and when it goes follows the external-provisioner:
https://kubernetes-csi.github.io/docs/external-provisioner.html
"""

import json
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from llmplatform_sandbox.cloud.templates import get
from llmplatform_sandbox.interfaces import Cloud, CloudObject
from llmplatform_sandbox.kube.client import Kube, Object
from llmplatform_sandbox.kube.errors import next_round_sees
from llmplatform_sandbox.kube.quantities import amount

_FINALIZER: Final = "external-provisioner.volume.kubernetes.io/finalizer"
_PROVISIONED_BY: Final = "pv.kubernetes.io/provisioned-by"
_SELECTED_NODE: Final = "volume.kubernetes.io/selected-node"
_ZONE: Final = "topology.kubernetes.io/zone"

_SLOW: Final = 15.0
"""Seconds that a disk takes to go where a fault slows it down; detaching and deleting take real ones a minute."""

Rule = Mapping[str, Any]


def play_volumes(kube: Kube, clouds: Mapping[str, Cloud], rules: Sequence[Rule]) -> None:
    """One round of every provisioner that is there."""
    by_name = {rule["provisioner"]: rule for rule in rules if rule["cloud"] in clouds}
    claims = kube.list("v1", "PersistentVolumeClaim", cached=True)
    volumes = kube.list("v1", "PersistentVolume", cached=True)
    if not (by_name and (claims or volumes)):
        return
    classes = {obj["metadata"]["name"]: obj for obj in kube.list("storage.k8s.io/v1", "StorageClass", cached=True)}
    known = {obj["metadata"]["name"] for obj in volumes}
    for claim in claims:
        storage_class = classes.get(claim["spec"].get("storageClassName", ""))
        rule = by_name.get(storage_class["provisioner"]) if storage_class else None
        if rule and storage_class and not claim["metadata"].get("deletionTimestamp"):
            with next_round_sees():
                if claim["spec"].get("volumeName"):
                    _grow(kube, claim, volumes, storage_class)
                elif _name(claim) not in known:
                    _provision(kube, clouds[rule["cloud"]], rule, claim, storage_class)
    for volume in volumes:
        rule = by_name.get(volume["metadata"].get("annotations", {}).get(_PROVISIONED_BY, ""))
        if rule:
            with next_round_sees():
                _free(kube, clouds[rule["cloud"]], rule, volume)


def obstacle(cloud: Cloud, rule: Rule, claim: Object, storage_class: Object) -> str | None:
    """Why the provisioner would refuse a claim; None when it would not."""
    wrong = sorted(set(claim["spec"]["accessModes"]) - set(rule["access_modes"]))
    if wrong:
        return (
            f"{rule['provisioner']} has no access mode {', '.join(wrong)}; use one of {', '.join(rule['access_modes'])}"
        )
    least, asked = rule.get("minimum"), claim["spec"]["resources"]["requests"]["storage"]
    rounds_up = (storage_class.get("parameters") or {}).get(rule.get("rounds_up")) == "true"
    if least and not rounds_up and (amount(asked) or 0) < (amount(least) or 0):
        return f"{rule['provisioner']} has no disk of {asked}; ask for {least} or more"
    policy, only = storage_class.get("reclaimPolicy", "Delete"), rule.get("reclaim")
    if only and policy != only:
        name = storage_class["metadata"]["name"]
        return f"StorageClass {name}: ReclaimPolicy must be {only}; the current reclaimPolicy is {policy}"
    needed = rule.get("parameter")
    if needed:
        value = storage_class.get("parameters", {}).get(needed["name"])
        # A server is followed by a path on it: host:/path.
        name = str(value).partition(":")[0]
        if not any(obj.type == needed["type"] and _named(obj, needed.get("by")) == name for obj in cloud.objects()):
            return f"StorageClass {storage_class['metadata']['name']}: {needed['name']} {value}: not in the account"
    return None


def _named(obj: CloudObject, output: str | None) -> str:
    return obj.detail.get(output, "") if output else obj.id


def _name(claim: Object) -> str:
    return f"pvc-{claim['metadata']['uid']}"


def _provision(kube: Kube, cloud: Cloud, rule: Rule, claim: Object, storage_class: Object) -> None:
    metadata = claim["metadata"]
    zone = None
    if storage_class.get("volumeBindingMode") == "WaitForFirstConsumer":
        node_name = metadata.get("annotations", {}).get(_SELECTED_NODE)
        node = kube.get("v1", "Node", node_name) if node_name else None
        if node is None:
            return
        zone = node["metadata"].get("labels", {}).get(_ZONE)
    elif rule["zonal"]:
        # An immediate volume lands in any zone that has nodes: the well-known trap of this binding mode.
        nodes = kube.list("v1", "Node", cached=True)
        zone = next(iter(sorted(node["metadata"].get("labels", {}).get(_ZONE, "") for node in nodes)), None)
    if (rule["zonal"] and not zone) or obstacle(cloud, rule, claim, storage_class):
        return
    size = claim["spec"]["resources"]["requests"]["storage"]
    detail: dict[str, Any] = {"size": size, "zone": zone}
    if needed := rule.get("parameter"):
        detail[needed["name"]] = storage_class["parameters"][needed["name"]]
    handle = _disk(cloud, rule, claim, detail) if rule.get("object") else f"{rule['provisioner']}::{_name(claim)}"
    kube.create(_volume(rule, claim, storage_class, size, handle, zone))


def _disk(cloud: Cloud, rule: Rule, claim: Object, detail: Mapping[str, Any]) -> str:
    """The disk of a claim: the one that a round which was killed half-way has made, or a new one."""
    made_by = (
        f"kubernetes/{rule['provisioner']} {claim['metadata']['namespace']}/{claim['metadata']['name']} {_name(claim)}"
    )
    for obj in cloud.objects():
        if obj.made_by == made_by and obj.type == rule["object"]:
            return obj.id
    return cloud.add_object(rule["object"], made_by, detail)


def _volume(rule: Rule, claim: Object, storage_class: Object, size: str, handle: str, zone: str | None) -> Object:
    metadata, spec = claim["metadata"], claim["spec"]
    wanted: dict[str, Any] = {
        "accessModes": spec["accessModes"],
        "capacity": {"storage": size},
        "claimRef": {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
        },
        "csi": {"driver": rule["provisioner"], "volumeHandle": handle},
        "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy", "Delete"),
        "storageClassName": storage_class["metadata"]["name"],
        "volumeMode": spec.get("volumeMode", "Filesystem"),
    }
    if storage_class.get("mountOptions"):
        wanted["mountOptions"] = storage_class["mountOptions"]
    if rule["zonal"]:
        term = {"matchExpressions": [{"key": _ZONE, "operator": "In", "values": [zone]}]}
        wanted["nodeAffinity"] = {"required": {"nodeSelectorTerms": [term]}}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": _name(claim),
            "annotations": {_PROVISIONED_BY: rule["provisioner"]},
            "finalizers": [_FINALIZER],
        },
        "spec": wanted,
    }


def _free(kube: Kube, cloud: Cloud, rule: Rule, volume: Object) -> None:
    """A released volume is deleted with its disk if its policy is Delete; with Retain both stay until a user acts."""
    metadata, spec = volume["metadata"], volume["spec"]
    if spec["persistentVolumeReclaimPolicy"] != "Delete" or volume.get("status", {}).get("phase") not in (
        "Released",
        "Failed",
    ):
        if metadata.get("deletionTimestamp") and spec["persistentVolumeReclaimPolicy"] == "Retain":
            _let_go(kube, volume)
        return
    if ("slow-volumes", spec["csi"]["driver"]) in cloud.faults() and _age(volume) < _SLOW:
        return
    if not _stays(cloud, rule) and any(obj.id == spec["csi"]["volumeHandle"] for obj in cloud.objects()):
        cloud.remove_object(spec["csi"]["volumeHandle"])
    kube.delete(volume)
    _let_go(kube, volume)


def _stays(cloud: Cloud, rule: Rule) -> bool:
    """Whether the driver leaves the data of a deleted claim where it is."""
    said = rule.get("stays_unless")
    if not said:
        return False
    addons = [one.detail for one in cloud.objects() if one.type == said["addon"]]
    values = [one.get("configurationValues") or "{}" for one in addons if said["named"].items() <= one.items()]
    return not any(get(json.loads(text), said["set"]) for text in values)


def _age(volume: Object) -> float:
    """Seconds since a volume has come to its phase."""
    since = volume["status"].get("lastPhaseTransitionTime") or volume["metadata"]["creationTimestamp"]
    return time.time() - datetime.fromisoformat(since).timestamp()


def _let_go(kube: Kube, volume: Object) -> None:
    live = kube.get("v1", "PersistentVolume", volume["metadata"]["name"])
    if live and _FINALIZER in live["metadata"].get("finalizers", []):
        rest = [finalizer for finalizer in live["metadata"]["finalizers"] if finalizer != _FINALIZER]
        version = live["metadata"]["resourceVersion"]
        kube.patch(live, {"metadata": {"finalizers": rest, "resourceVersion": version}})


def _grow(kube: Kube, claim: Object, volumes: Sequence[Object], storage_class: Object) -> None:
    wanted, has = (
        claim["spec"]["resources"]["requests"]["storage"],
        claim.get("status", {}).get("capacity", {}).get("storage"),
    )
    asked, there = amount(wanted), amount(has)
    if asked is None or there is None or asked <= there or not storage_class.get("allowVolumeExpansion"):
        return
    volume = next((obj for obj in volumes if obj["metadata"]["name"] == claim["spec"]["volumeName"]), None)
    if volume:
        kube.patch(volume, {"spec": {"capacity": {"storage": wanted}}})
        kube.patch(claim, {"status": {"capacity": {"storage": wanted}}}, subresource="status")

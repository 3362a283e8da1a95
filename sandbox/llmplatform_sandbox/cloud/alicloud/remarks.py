"""Inputs that Alibaba Cloud silently accepts and treats differently. Only the sandbox reports them.

Source: terraform-provider-alicloud, website/docs/r/cs_managed_kubernetes and cs_kubernetes_node_pool ("only works for
Create operation", compensate_with_on_demand); ACK user guide, NVIDIA driver versions.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from llmplatform_sandbox.cloud.account import Account
from llmplatform_sandbox.cloud.alicloud.machines import DRIVER_LABEL
from llmplatform_sandbox.cloud.alicloud.names import ADDON, AUTOSCALING, CLUSTER, NODE_POOL
from llmplatform_sandbox.cloud.alicloud.offered import drivers
from llmplatform_sandbox.cloud.alicloud.scaler import scaler_of
from llmplatform_sandbox.cloud.store import Record, Store

_FILES = "alicloud:nas/fileSystem:FileSystem"
_ONLY_AT_CREATION = ("addons", "isEnterpriseSecurityGroup", "newNatGateway", "podVswitchIds", "slbInternetEnabled")
"""Properties of a cluster whose change is accepted without effect."""


def remarks(account: Account) -> Sequence[str]:
    """The remarks, a line each."""
    store = account.store
    found = [line for pool in store.all(NODE_POOL) for line in _of_pool(pool)]
    found += [line for files in store.all(_FILES) for line in _of_files(files, _addons(store))]
    for cluster in store.all(CLUSTER):
        ignored = json.loads(store.setting(_key(cluster.id), "[]"))
        found += [
            f"cluster {cluster.outputs['name']}: {name} works at creation only, so it was not changed"
            for name in ignored
        ]
    if scaler_of(store) and not store.all(AUTOSCALING):
        found.append("the autoscaler goes on by its last configuration: the deletion of one does nothing")
    return found


def note_ignored(store: Store, old: Record, new: Record) -> None:
    """Record the changes of a cluster that had no effect."""
    before: set[str] = set(json.loads(store.setting(_key(new.id), "[]")))
    changed = {name for name in _ONLY_AT_CREATION if old.inputs.get(name) != new.inputs.get(name)}
    # A property that changes a second time has probably returned to its real value.
    store.set(_key(new.id), json.dumps(sorted(before ^ changed)))


def _of_pool(pool: Record) -> Iterator[str]:
    outputs: Mapping[str, Any] = pool.outputs
    asked = next((one.get("value") for one in outputs.get("labels") or [] if one["key"] == DRIVER_LABEL), None)
    name = outputs.get("nodePoolName")
    if asked and asked not in drivers().versions:
        yield f"pool {name}: ACK does not know the driver {asked}; its nodes have {drivers().default}"
    if outputs.get("compensateWithOnDemand") and outputs["multiAzPolicy"] != "COST_OPTIMIZED":
        yield f"pool {name}: compensateWithOnDemand does nothing with multiAzPolicy {outputs['multiAzPolicy']}"


def _addons(store: Store) -> set[str]:
    born = [one for cluster in store.all(CLUSTER) for one in cluster.inputs.get("addons") or []]
    return {one["name"] for one in born if not one.get("disabled")} | {one.outputs["name"] for one in store.all(ADDON)}


def _of_files(files: Record, addons: Iterable[str]) -> Iterator[str]:
    """alibaba-cloud-csi-driver, pkg/nas/subpath_controller.go, DeleteVolume: whether a volume's folder is removed."""
    if (files.outputs.get("recycleBin") or {}).get("status") != "Enable":
        yield f"file system {files.id}: without a recycle bin the driver leaves the folder of a volume that is deleted"
    elif "storage-operator" not in addons:
        yield f"file system {files.id}: without the add-on storage-operator a volume that is deleted never goes"


def _key(cluster: str) -> str:
    return f"ignored changes of {cluster}"

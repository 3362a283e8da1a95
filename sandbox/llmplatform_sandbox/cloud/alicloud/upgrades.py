"""ACK's upgrades of nodes: machines and their GPUs stay; kubelets or system disks are replaced.

Source: ACK user guide, "Update a node pool": in place, nothing is drained; with another system disk each batch is
drained first by the rules of eviction, for 30 minutes at most, after which the node is updated all the same. API
reference, UpgradeClusterNodepool; terraform-provider-alicloud, upgrade_policy and rolling_policy of a node pool.
"""

from typing import Any

from llmplatform_sandbox.cloud.account import Account
from llmplatform_sandbox.cloud.alicloud.groups import Groups
from llmplatform_sandbox.cloud.alicloud.names import CLUSTER, GROUP, NODE_POOL
from llmplatform_sandbox.cloud.control_plane import ControlPlane
from llmplatform_sandbox.cloud.requests import CloudError
from llmplatform_sandbox.cloud.rollout import Rollout
from llmplatform_sandbox.cloud.store import Record
from llmplatform_sandbox.cloud.templates import get


def minor_of(version: str) -> str:
    """`1.35` of `1.35.7-aliyun.1`."""
    return ".".join(version.split(".")[:2])


def upgrade_kubelets(account: Account, cluster: Record) -> None:
    """All nodes of a cluster, in place: the effect of an upgrade beyond the control plane."""
    for group in account.store.all(GROUP):
        pool = account.store.get(NODE_POOL, group.outputs["nodeGroup"])
        if pool is not None and pool.outputs["clusterId"] == cluster.id:
            for machine in Groups(account).running(group):
                account.amend(machine, {"kubelet": cluster.outputs["version"]})


def refuse_upgrade(account: Account, inputs: dict[str, Any]) -> None:
    """Raises CloudError for nodes with another version than their control plane."""
    cluster = account.store.get(CLUSTER, inputs["clusterId"])
    wanted = get(inputs, "upgradePolicy.kubernetesVersion")
    if not wanted or cluster is None:
        return
    if wanted != cluster.outputs["version"]:
        raise CloudError(
            f"ErrNodePoolUpgrade: {wanted} is not the control plane's {cluster.outputs['version']}; "
            "upgrade the control plane first, and write its version"
        )


def upgrade_pool(control_plane: ControlPlane, account: Account, new: Record, patience: float) -> None:
    """The upgrade in `upgradePolicy`, at every update whose inputs have it, whatever the update changes.

    It is ignored at a pool's creation. Source: resource_alicloud_cs_kubernetes_node_pool.go (v2.0.0-beta3), Update:
    `if v, ok := d.GetOk("upgrade_policy"); ok` posts to /upgrade, without a look at what has changed.
    """
    policy = new.inputs.get("upgradePolicy") or {}
    group = Groups(account).group_of(new)
    if group is None or not policy:
        return
    version, image = policy.get("kubernetesVersion"), policy.get("imageId")
    groups = Groups(account)
    changes = {key: value for key, value in {"kubelet": version, "imageId": image}.items() if value}
    machines = groups.running(group)
    if not image and not policy.get("useReplace"):
        for machine in machines:
            account.amend(machine, changes)
        return
    at_once = get(new.inputs, "rollingPolicy.maxParallelism") or get(new.inputs, "management.maxUnavailable") or 1
    rollout = Rollout(control_plane.nodes, groups, group, patience)
    rollout.restart(machines, int(at_once), lambda machine: account.amend(machine, changes))

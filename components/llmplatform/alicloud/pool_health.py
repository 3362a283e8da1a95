"""Finds node pools that ACK has not created or changed as requested, with the remedy.

The provider sets a pool's id before it waits for ACK's task. The task fails, or takes longer than the provider waits,
if machines are not available. Then nothing is read, and a later call that configures containerd is not made
(terraform-provider-alicloud, resource_alicloud_cs_kubernetes_node_pool.go, `resourceAliCloudAckNodepoolCreate`). The
next update finds no change and treats the pool as healthy, unless it refreshes: then it makes the missing calls. ACK
itself tries on until the pool has its nodes (ACK user guide, "Manually scale a node pool"), so no replacement is
needed. Assumed: such a pool may lack a scaling group.
"""

from collections.abc import Iterable, Sequence

import pulumi
import pulumi_alicloud as alicloud

from llmplatform.base.ordering import if_made


def faults(cluster_id: pulumi.Input[str], groups: Iterable[alicloud.cs.NodePool]) -> pulumi.Output[Sequence[str]]:
    """A sentence for each group that failed in this update, or is unusable; none without a cluster."""
    looked_at = pulumi.Output.all(
        *(pulumi.Output.all(group.urn, if_made(group.scaling_group_id)) for group in groups)
    ).apply(lambda found: [_fault(urn, scaling_group) for urn, scaling_group in found if not scaling_group])
    cluster = if_made(pulumi.Output.from_input(cluster_id))
    return pulumi.Output.all(cluster, looked_at).apply(lambda found: found[1] if found[0] else [])


def _fault(urn: str, scaling_group: str | None) -> str:
    name = urn.rpartition("::")[2]
    if scaling_group is None:
        return (
            f"node pool {name}: this run has not finished it; see its error (stock, quota, addresses), and that ACK, "
            "which tries on by itself, has its nodes; what is left to do is done by: pulumi up --refresh"
        )
    return (
        f"node pool {name}: it is without a scaling group; see what was missing (quota, roles), and make another one: "
        f"pulumi up --replace '{urn}'"
    )

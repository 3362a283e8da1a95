"""Room for pods: nodes of each pool, how they are bought, and how much of them is taken."""

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.models import units

from dashboards.parts import Query, bars, board, lines, number, section, variable

POOL = "label_llmplatform_dev_pool"
CAPACITY = "label_eks_amazonaws_com_capacity_type"
NODES = f'max by (node, {POOL}, {CAPACITY}) (kube_node_labels{{{POOL}=~"$pool", {POOL}!=""}})'
READY = 'max by (node) (kube_node_status_condition{condition="Ready", status="true"})'
EACH = f"{{{{{POOL}}}}}"
GPU = 'resource="nvidia_com_gpu"'
SCHEDULED = "kube_pod_container_resource_requests"
LIVE = 'max by (namespace, pod) (kube_pod_status_phase{phase=~"Pending|Running"}) > 0'
WAITING = f"""count by (namespace) (
  (max by (namespace, pod) (kube_pod_status_unschedulable) > 0)
  and on (namespace, pod) (max by (namespace, pod) ({SCHEDULED}{{{GPU}}}) > 0)
)"""


def _of_nodes(series: str) -> str:
    """A series of nodes by pool."""
    return f"sum by ({POOL}) (({series}) * on (node) group_left ({POOL}) {NODES})"


def _offered(resource: str) -> str:
    return _of_nodes(f'max by (node) (kube_node_status_allocatable{{resource="{resource}"}})')


def _taken(resource: str) -> str:
    """What pods that are there have asked for."""
    asked = f'sum by (namespace, pod, node) ({SCHEDULED}{{resource="{resource}", node!=""}})'
    return _of_nodes(f"sum by (node) ({asked} and on (namespace, pod) ({LIVE}))")


def build() -> Dashboard:
    """The dashboard."""
    made = board(
        "capacity",
        "LLM platform / Capacity",
        "Nodes of each pool, spot and on demand, and how much of them pods have taken.",
        [variable("pool", "Pool", f"label_values(kube_node_labels, {POOL})")],
    )
    made = section(
        made,
        "Now",
        number("Nodes", units.Short, "Nodes of the pools.", f"count({NODES})"),
        number(
            "Not ready",
            units.Short,
            "Nodes that are not ready.",
            f"count({NODES} unless on (node) ({READY} > 0)) or vector(0)",
            bad_from=1,
        ),
        number("GPUs", units.Short, "GPUs that nodes offer.", f"sum({_offered('nvidia_com_gpu')}) or vector(0)"),
        number("GPUs taken", units.Short, "GPUs that pods have.", f"sum({_taken('nvidia_com_gpu')}) or vector(0)"),
        number(
            "Pods without room",
            units.Short,
            "Pods that no node has room for, placeholders of warm nodes among them.",
            "sum(kube_pod_status_unschedulable) or vector(0)",
        ),
        number(
            "New nodes",
            units.Short,
            "Nodes that are younger than an hour: many of them where spot machines come and go.",
            f"count({NODES} and on (node) (time() - max by (node) (kube_node_created) < 3600)) or vector(0)",
        ),
    )
    made = section(
        made,
        "Nodes",
        lines(
            "Nodes by pool",
            units.Short,
            "Nodes of each pool, by how they are bought. On ACK no label tells that.",
            Query(expr=f"count by ({POOL}, {CAPACITY}) ({NODES})", legend=f"{EACH} {{{{{CAPACITY}}}}}"),
            stacked=True,
        ),
        lines(
            "Spot nodes",
            units.PercentUnit,
            "Part of a pool's nodes that are spot machines.",
            Query(
                expr=f'count by ({POOL}) ({NODES} and on (node) kube_node_labels{{{CAPACITY}="SPOT"}})'
                f" / count by ({POOL}) ({NODES})",
                legend=EACH,
            ),
            most=1,
        ),
        lines(
            "Ready nodes",
            units.Short,
            "Nodes of each pool that are ready.",
            Query(expr=f"count by ({POOL}) ({NODES} and on (node) ({READY} > 0))", legend=EACH),
        ),
        lines(
            "Age of the youngest node",
            units.Seconds,
            "It falls to nothing whenever a pool gets a node.",
            Query(
                expr=f"min by ({POOL}) ((time() - max by (node) (kube_node_created))"
                f" * on (node) group_left ({POOL}) {NODES})",
                legend=EACH,
            ),
        ),
    )
    return section(
        made,
        "Room",
        lines(
            "GPUs",
            units.Short,
            "GPUs that nodes offer, and those that pods have.",
            Query(expr=_offered("nvidia_com_gpu"), legend=f"{EACH}, offered"),
            Query(expr=_taken("nvidia_com_gpu"), legend=f"{EACH}, taken"),
        ),
        lines(
            "Pods that wait for GPUs",
            units.Short,
            "Pods that ask for GPUs, and that no node has room for.",
            Query(expr=WAITING, legend="{{namespace}}"),
        ),
        bars(
            "CPU taken",
            units.PercentUnit,
            "Part of the nodes' CPUs that pods have asked for.",
            Query(expr=f"{_taken('cpu')} / {_offered('cpu')}", legend=EACH),
        ),
        bars(
            "Memory taken",
            units.PercentUnit,
            "Part of the nodes' memory that pods have asked for.",
            Query(expr=f"{_taken('memory')} / {_offered('memory')}", legend=EACH),
        ),
    )

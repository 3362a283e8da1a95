"""cluster-autoscaler: what it sees, buys and cannot get."""

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.models import units

from dashboards.parts import Query, board, lines, number, section


def _an_hour(counter: str, label: str | None = None) -> str:
    by = f" by ({label})" if label else ""
    return f"sum{by} (increase(cluster_autoscaler_{counter}[1h]))"


def build() -> Dashboard:
    """The dashboard."""
    made = board(
        "autoscaler",
        "LLM platform / Autoscaler",
        "Nodes that the autoscaler adds and removes, and machines that it cannot get.",
        [],
    )
    made = section(
        made,
        "Now",
        number(
            "Last round",
            units.Seconds,
            "Time since its last round.",
            'time() - max(cluster_autoscaler_last_activity{activity="main"})',
        ),
        number(
            "Adds nodes",
            units.BoolYesNo,
            "No: too many nodes do not become ready.",
            "min(cluster_autoscaler_cluster_safe_to_autoscale)",
        ),
        number(
            "Pods without room",
            units.Short,
            "Pods that it looks for nodes for.",
            "sum(cluster_autoscaler_unschedulable_pods_count)",
        ),
        number(
            "Nodes too many", units.Short, "Nodes that nothing needs.", "sum(cluster_autoscaler_unneeded_nodes_count)"
        ),
        number("Added", units.Short, "Nodes that it added within an hour.", _an_hour("scaled_up_nodes_total")),
        number(
            "Failed",
            units.Short,
            "Attempts to add nodes that failed within an hour.",
            f"{_an_hour('failed_scale_ups_total')} or vector(0)",
            bad_from=1,
        ),
    )
    return section(
        made,
        "Nodes",
        lines(
            "Nodes by state",
            units.Short,
            "Nodes as the autoscaler sees them.",
            Query(expr="sum by (state) (cluster_autoscaler_nodes_count)", legend="{{state}}"),
            stacked=True,
        ),
        lines(
            "Nodes added and removed",
            units.Short,
            "Within an hour.",
            Query(expr=_an_hour("scaled_up_nodes_total"), legend="added"),
            Query(expr=_an_hour("scaled_down_nodes_total", "reason"), legend="removed: {{reason}}"),
        ),
        lines(
            "Machines that it could not get",
            units.Short,
            "Failed attempts within an hour, by reason.",
            Query(expr=_an_hour("failed_scale_ups_total", "reason"), legend="{{reason}}"),
        ),
        lines(
            "Errors",
            units.Short,
            "Errors of its rounds within an hour, by type.",
            Query(expr=_an_hour("errors_total", "type"), legend="{{type}}"),
        ),
    )

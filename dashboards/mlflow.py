"""MLflow: the requests to its servers, and what these take of their nodes."""

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.models import units

from dashboards.parts import Query, board, lines, number, section, variable

# prometheus_flask_exporter, __init__.py, with MLflow's prefix: mlflow 3.17.2, server/prometheus_exporter.py.
REQUESTS = 'mlflow_http_request_total{namespace=~"$namespace"}'
FAILED = 'mlflow_http_request_total{namespace=~"$namespace", status=~"5.."}'
BUCKETS = 'mlflow_http_request_duration_seconds_bucket{namespace=~"$namespace"}'
SERVERS = "max by (namespace, pod) (mlflow_exporter_info)"
POD = "{{namespace}}/{{pod}}"
WINDOW = "[$__rate_interval]"


def _of_servers(series: str) -> str:
    """A series of pods, of those alone that are servers of MLflow."""
    return f"sum by (namespace, pod) ({series}) and on (namespace, pod) {SERVERS}"


def build() -> Dashboard:
    """The dashboard."""
    made = board(
        "mlflow",
        "LLM platform / MLflow",
        "Requests to MLflow's servers, their latencies and errors, and what the servers take.",
        [variable("namespace", "Namespace", "label_values(mlflow_http_request_total, namespace)")],
    )
    ready = 'kube_pod_status_ready{condition="true", namespace=~"$namespace"}'
    errors = f"sum(rate({FAILED}{WINDOW})) / sum(rate({REQUESTS}{WINDOW}))"
    made = section(
        made,
        "Now",
        number("Servers", units.Short, "Servers that are ready.", f"count(({_of_servers(ready)}) > 0)", span=6),
        number("Requests", units.RequestsPerSecond, "In a second.", f"sum(rate({REQUESTS}{WINDOW}))", span=6),
        number("Errors", units.PercentUnit, "Part of the requests that failed by the servers' fault.", errors, span=6),
        number("Latency, p95", units.Seconds, "95 % of the requests end within it.", _quantile(0.95), span=6),
    )
    made = section(
        made,
        "Requests",
        lines(
            "Requests by status",
            units.RequestsPerSecond,
            "Requests in a second, by the status of their answer.",
            Query(expr=f"sum by (status) (rate({REQUESTS}{WINDOW}))", legend="{{status}}"),
            stacked=True,
        ),
        lines(
            "Latency",
            units.Seconds,
            "Time from a request to the end of its answer.",
            *(
                Query(expr=_quantile(part), legend=legend)
                for part, legend in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
            ),
        ),
    )
    memory = 'container_memory_working_set_bytes{container!="", image!="", namespace=~"$namespace"}'
    restarts = 'increase(kube_pod_container_status_restarts_total{namespace=~"$namespace"}[1h])'
    return section(
        made,
        "Servers",
        lines("Memory", units.BytesIEC, "Memory of each server.", Query(expr=_of_servers(memory), legend=POD)),
        lines("Restarts", units.Short, "Restarts within an hour.", Query(expr=_of_servers(restarts), legend=POD)),
    )


def _quantile(part: float) -> str:
    return f"histogram_quantile({part}, sum by (le) (rate({BUCKETS}{WINDOW})))"

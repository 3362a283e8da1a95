"""All models at a glance: which serve, how much and how well, and what fires."""

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.models import units

from dashboards.parts import TOKENS_PER_SECOND, Column, Query, board, lines, number, rows, section, variable

WANTED = "model:pods_wanted:least"
ALL = 'environment=~"$environment", namespace=~"$namespace", model=~"$model"'
EACH = "{{namespace}}/{{model}}"
BY = "by (environment, namespace, model)"
ON = "on (environment, namespace, model)"
READY = f"model:pods_ready:sum{{{ALL}}}"
REQUESTS = f"model:requests:rate5m{{{ALL}}}"
FAILED = f"model:requests_failed:rate5m{{{ALL}}}"
TOKENS = f"model:generation_tokens:rate5m{{{ALL}}}"
ERRORS = f"sum {BY} (model:requests_failed:ratio_rate5m{{{ALL}}})"
WAITING = f"sum {BY} (model:requests_waiting:sum{{{ALL}}})"
CACHE = f"max {BY} (model:kv_cache_usage:max{{{ALL}}})"
DOWN = f"({WANTED}{{{ALL}}} > 0) unless {ON} ({READY} >= {ON} model:replica_pods:count{{{ALL}}})"
FIRING = 'ALERTS{alertstate="firing", severity=~"critical|warning", environment=~"$environment"}'
GPUS = 'max by (namespace, pod) (kube_pod_container_resource_requests{resource="nvidia_com_gpu"})'


def build() -> Dashboard:
    """The dashboard."""
    made = board(
        "fleet",
        "LLM platform / Fleet",
        "Every model: replicas, requests, errors, latencies, and the alerts that fire.",
        [
            variable("environment", "Environment", f"label_values({WANTED}, environment)"),
            variable("namespace", "Namespace", f'label_values({WANTED}{{environment=~"$environment"}}, namespace)'),
            variable(
                "model",
                "Model",
                f'label_values({WANTED}{{environment=~"$environment", namespace=~"$namespace"}}, model)',
            ),
        ],
    )
    made = section(
        made,
        "Now",
        number("Models", units.Short, "Models that are to have a replica.", f"count({WANTED}{{{ALL}}} > 0)"),
        number(
            "Models down",
            units.Short,
            "Models that are to have a replica, and have none that is ready.",
            f"count({DOWN}) or vector(0)",
            bad_from=1,
        ),
        number("Requests", units.RequestsPerSecond, "Requests that ended, in a second.", f"sum({REQUESTS})"),
        number(
            "Errors",
            units.PercentUnit,
            "Part of the requests that ended with an error of the server.",
            f"sum({FAILED}) / sum({REQUESTS})",
        ),
        number("Tokens", TOKENS_PER_SECOND, "Tokens of answers, in a second.", f"sum({TOKENS})"),
        number(
            "Alerts",
            units.Short,
            "Alerts that fire, critical ones and warnings.",
            f"count({FIRING}) or vector(0)",
            bad_from=1,
        ),
        rows(
            "Models",
            "What each model does now. Latencies are those that 95 % of the requests are within.",
            ("environment", "namespace", "model"),
            Column(title="Ready pods", expr=f"sum {BY} ({READY})"),
            Column(title="Wanted pods", expr=f"sum {BY} ({WANTED}{{{ALL}}})"),
            Column(title="Requests", expr=f"sum {BY} ({REQUESTS})", unit=units.RequestsPerSecond),
            Column(title="Errors", expr=ERRORS, unit=units.PercentUnit),
            Column(title="First token", expr=_p95("time_to_first_token"), unit=units.Seconds),
            Column(title="Whole request", expr=_p95("request_latency"), unit=units.Seconds),
            Column(title="Waiting", expr=WAITING),
            Column(title="Cache", expr=CACHE, unit=units.PercentUnit),
        ),
    )
    made = section(
        made,
        "Load",
        lines(
            "Requests",
            units.RequestsPerSecond,
            "Requests that ended, in a second.",
            Query(expr=f"sum {BY} ({REQUESTS})", legend=EACH),
            stacked=True,
        ),
        lines(
            "Tokens of answers",
            TOKENS_PER_SECOND,
            "Tokens that servers computed, in a second.",
            Query(expr=f"sum {BY} ({TOKENS})", legend=EACH),
            stacked=True,
        ),
        lines(
            "Waiting requests",
            units.Short,
            "Requests that wait for their turn on a server.",
            Query(expr=WAITING, legend=EACH),
        ),
        lines(
            "GPUs in use",
            units.Short,
            "GPUs that pods of a model have asked for.",
            Query(
                expr=f"sum by (namespace, model) ({GPUS}"
                f" * on (namespace, pod) group_left (model) model:pod:info{{{ALL}}})",
                legend=EACH,
            ),
            stacked=True,
        ),
    )
    made = section(
        made,
        "Quality",
        lines(
            "Time to first token, p95",
            units.Seconds,
            "95 % of the answers begin within it.",
            Query(expr=_p95("time_to_first_token"), legend=EACH),
        ),
        lines(
            "Whole request, p95",
            units.Seconds,
            "95 % of the requests end within it.",
            Query(expr=_p95("request_latency"), legend=EACH),
        ),
        lines(
            "Errors",
            units.PercentUnit,
            "Part of the requests that ended with an error of the server.",
            Query(expr=ERRORS, legend=EACH),
        ),
        lines(
            "Use of the cache",
            units.PercentUnit,
            "The fullest key-value cache among a model's servers.",
            Query(expr=CACHE, legend=EACH),
            most=1,
        ),
    )
    return section(
        made,
        "Alerts",
        rows(
            "Alerts that fire",
            "Critical ones and warnings; the runbook pages say what to do.",
            ("severity", "alertname", "namespace", "model"),
            Column(title="Series", expr=f"count by (severity, alertname, namespace, model) ({FIRING})"),
        ),
    )


def _p95(histogram: str) -> str:
    buckets = f"sum by (environment, namespace, model, le) (model:{histogram}:bucket_rate5m{{{ALL}}})"
    return f"histogram_quantile(0.95, {buckets})"

"""One model: its requests, tokens, cache, objectives and servers."""

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.models import units

from dashboards.parts import TOKENS_PER_SECOND, Query, board, lines, number, quantiles, section, variable

WANTED = "model:pods_wanted:least"
ONE = 'environment="$environment", namespace="$namespace", model="$model"'
REQUESTS = f"sum(model:requests:rate5m{{{ONE}}})"
ERRORS = f"sum(model:requests_failed:ratio_rate5m{{{ONE}}})"
READY = f"sum(model:pods_ready:sum{{{ONE}}})"
SERVER = "{{pod}}"


def _of_pods(series: str, info: str = "server_pod") -> str:
    """A series of pods, times 1 for those of the model."""
    return f"{series} * on (namespace, pod) group_left (model) model:{info}:info{{{ONE}}}"


def build() -> Dashboard:
    """The dashboard."""
    made = board(
        "model",
        "LLM platform / Model",
        "One model: requests, latencies, tokens, cache, objectives, and each of its servers.",
        [
            variable("environment", "Environment", f"label_values({WANTED}, environment)", several=False),
            variable(
                "namespace",
                "Namespace",
                f'label_values({WANTED}{{environment="$environment"}}, namespace)',
                several=False,
            ),
            variable(
                "model",
                "Model",
                f'label_values({WANTED}{{environment="$environment", namespace="$namespace"}}, model)',
                several=False,
            ),
        ],
    )
    first = f"histogram_quantile(0.95, sum by (le) (model:time_to_first_token:bucket_rate5m{{{ONE}}}))"
    made = section(
        made,
        "Now",
        number("Ready pods", units.Short, "Pods of servers that are ready.", READY),
        number("Requests", units.RequestsPerSecond, "Requests that ended, in a second.", REQUESTS),
        number("Errors", units.PercentUnit, "Part of the requests that ended with an error of the server.", ERRORS),
        number("First token, p95", units.Seconds, "95 % of the answers begin within it.", first),
        number(
            "Tokens",
            TOKENS_PER_SECOND,
            "Tokens of answers, in a second.",
            f"sum(model:generation_tokens:rate5m{{{ONE}}})",
        ),
        number(
            "Cache",
            units.PercentUnit,
            "The fullest key-value cache among its servers.",
            f"max(model:kv_cache_usage:max{{{ONE}}})",
        ),
    )
    made = section(
        made,
        "Requests",
        lines(
            "Requests",
            units.RequestsPerSecond,
            "Requests that ended, in a second, and those of them that failed.",
            Query(expr=REQUESTS, legend="ended"),
            Query(expr=f"sum(model:requests_failed:rate5m{{{ONE}}})", legend="failed"),
        ),
        lines(
            "Whole requests",
            units.Seconds,
            "Time from a request to the end of its answer.",
            *quantiles("model:request_latency:bucket_rate5m", ONE),
        ),
        lines(
            "Errors",
            units.PercentUnit,
            "Part of the requests that ended with an error of the server.",
            Query(expr=ERRORS, legend="errors"),
        ),
        lines(
            "Active and waiting requests",
            units.Short,
            "Requests that servers compute, and those that wait for their turn.",
            Query(expr=f"sum(model:requests_running:sum{{{ONE}}})", legend="active"),
            Query(expr=f"sum(model:requests_waiting:sum{{{ONE}}})", legend="waiting"),
            stacked=True,
        ),
    )
    made = section(
        made,
        "Tokens",
        lines(
            "Time to first token",
            units.Seconds,
            "Time from a request to the first token of its answer (TTFT).",
            *quantiles("model:time_to_first_token:bucket_rate5m", ONE),
        ),
        lines(
            "Time between tokens",
            units.Seconds,
            "Time between two tokens of an answer (ITL).",
            *quantiles("model:time_between_tokens:bucket_rate5m", ONE),
        ),
        lines(
            "Tokens",
            TOKENS_PER_SECOND,
            "Tokens of prompts that servers read, and of answers that they computed.",
            Query(expr=f"sum(model:prompt_tokens:rate5m{{{ONE}}})", legend="prompts"),
            Query(expr=f"sum(model:generation_tokens:rate5m{{{ONE}}})", legend="answers"),
        ),
        lines(
            "Tokens of answers by server",
            TOKENS_PER_SECOND,
            "A server that computes none while it has requests is stuck.",
            Query(expr=f"sum by (pod) (server:generation_tokens:rate5m{{{ONE}}})", legend=SERVER),
        ),
    )
    made = section(
        made,
        "Cache",
        lines(
            "Use of the key-value cache",
            units.PercentUnit,
            "A full cache makes requests wait, and interrupts others.",
            Query(expr=f"max by (pod) (server:kv_cache_usage:max{{{ONE}}})", legend=SERVER),
            span=8,
            most=1,
        ),
        lines(
            "Hits of the prefix cache",
            units.PercentUnit,
            "Part of the prompts' tokens that need no computation, because a prompt before had the same beginning.",
            Query(expr=f"sum(model:prefix_cache_hits:ratio_rate5m{{{ONE}}})", legend="hits"),
            span=8,
            most=1,
        ),
        lines(
            "Preemptions",
            units.RequestsPerSecond,
            "Requests that are interrupted for want of cache, and computed anew.",
            Query(expr=f"sum(model:preemptions:rate5m{{{ONE}}})", legend="preemptions"),
            span=8,
        ),
    )
    made = section(
        made,
        "Objectives",
        lines(
            "Speed at which budgets are spent",
            units.Short,
            "Misses in relation to those that an objective allows. At 1 a month's budget lasts a month; alerts page at "
            "14.4 within an hour, or 6 within six.",
            *(
                Query(
                    expr=f"model:objective:bad_ratio{window}{{{ONE}}}"
                    f" / on (namespace, model, objective) model:objective:budget{{{ONE}}}",
                    legend=f"{{{{objective}}}}, {window}",
                )
                for window in ("1h", "6h", "3d")
            ),
            span=24,
        ),
    )
    requests = 'max by (namespace, pod) (kube_pod_container_resource_limits{resource="memory"})'
    return section(
        made,
        "Servers",
        lines(
            "Pods",
            units.Short,
            "Pods of servers that are ready, and the least number that settings ask for.",
            Query(expr=READY, legend="ready"),
            Query(expr=f"sum({WANTED}{{{ONE}}})", legend="wanted"),
        ),
        lines(
            "Active requests by server",
            units.Short,
            "Requests that each server computes.",
            Query(expr=f"sum by (pod) (server:requests_running:sum{{{ONE}}})", legend=SERVER),
        ),
        lines(
            "Use of GPUs",
            units.PercentUnit,
            "Part of the time in which a GPU computed anything, the mean of a server's.",
            Query(
                expr=f"avg by (pod) ({_of_pods('(DCGM_FI_DEV_GPU_UTIL / 100)')})",
                legend=SERVER,
            ),
            most=1,
        ),
        lines(
            "Memory",
            units.BytesIEC,
            "Memory of the host that pods use, and the least limit among them, at which they are killed.",
            Query(
                expr="sum by (pod) ("
                + _of_pods('sum by (namespace, pod) (container_memory_working_set_bytes{container!="", image!=""})')
                + ")",
                legend=SERVER,
            ),
            Query(expr=f"min({_of_pods(requests)})", legend="limit"),
        ),
        lines(
            "Restarts",
            units.Short,
            "Restarts of containers within an hour.",
            Query(
                expr="sum by (pod) ("
                + _of_pods("sum by (namespace, pod) (increase(kube_pod_container_status_restarts_total[1h]))", "pod")
                + ")",
                legend=SERVER,
            ),
        ),
        lines(
            "Containers that wait, by reason",
            units.Short,
            "Why containers of the model do not run.",
            Query(
                expr="sum by (reason) ("
                + _of_pods("sum by (namespace, pod, reason) (kube_pod_container_status_waiting_reason)", "pod")
                + ")",
                legend="{{reason}}",
            ),
        ),
    )

"""The linter of PromQL: it finds each planted fault, and none in what the platform asks Prometheus."""

from collections.abc import Iterator, Mapping

import pytest
from support.program import STACKS, committed
from support.promql import Metrics, Parser, faults, parser
from support.promql.metrics import FOLDER
from support.promql.parser import Unreadable
from support.rules import models, planned

from llmplatform.addons.gpu_metrics import COUNTERS
from llmplatform.planning.rules import Group

MODEL = {"source": "Qwen/Qwen3-8B", "pool": "gpu", "context_length": 8192}
NEEDED = {"tgi": {"image": "registry.example.org/tgi:3.3.7"}}
BUCKETS = "vllm:time_to_first_token_seconds_bucket"


@pytest.fixture(scope="module")
def prometheus() -> Iterator[Parser]:
    with parser() as running:
        yield running


def found(expr: str, prometheus: Parser) -> list[str]:
    return faults(expr, Metrics.known(), prometheus)


@pytest.mark.parametrize(
    ("expr", "says"),
    {
        "rate(vllm:num_requests_running[5m])": "no counter",
        "sum(increase(kube_pod_status_ready[1h]))": "no counter",
        "irate(model:requests_waiting:sum[5m])": "no counter",
        "rate(model:time_to_first_token:bucket_rate5m[5m])": "no counter",
        'rate({__name__=~"vllm:num_requests_.*"}[5m])': "no counter",
        "delta(vllm:prompt_tokens_total[5m])": "which is a counter",
        f"deriv({BUCKETS}[5m])": "which is a counter",
        f"histogram_quantile(0.9, {BUCKETS})": "without rate",
        f"histogram_quantile(0.9, sum by (le) ({BUCKETS}))": "without rate",
        f"histogram_fraction(0, 2, sum by (le) (sum_over_time({BUCKETS}[5m])))": "without rate",
        f"histogram_quantile(0.9, sum by (le) (rate({BUCKETS}[5m])) + {BUCKETS})": "without rate",
        f"histogram_quantile(0.9, sum by (namespace) (rate({BUCKETS}[5m])))": "drops `le`",
        f"histogram_quantile(0.9, sum without (le, pod) (rate({BUCKETS}[5m])))": "drops `le`",
        "histogram_quantile(0.9, rate(vllm:time_to_first_token_seconds_sum[5m]))": "has no buckets",
        "histogram_quantile(0.9, model:requests_waiting:sum)": "has no buckets",
        "rate(vllm:prompt_tokens_total[1m])": "over 60 s",
        "rate(sum(vllm:prompt_tokens_total)[10m:1m])": "hides the restart",
        "vllm:num_request_running > 0": "no such metric",
        "vllm:time_to_first_token_seconds_bucket_total": "no such metric",
        "rate(vllm:prompt_tokens_total[5m]) / on () model:requests_per_second:rate5m": "no such metric",
        '{__name__=~"model:.*:rate1h"}': "no such metric",
        '{job="x"}': "no such metric",
    }.items(),
)
def test_a_planted_fault_is_found_and_named(expr: str, says: str, prometheus: Parser) -> None:
    (only,) = found(expr, prometheus)
    assert says in only


@pytest.mark.parametrize(
    "expr",
    [
        "sum(rate(vllm:prompt_tokens_total[5m]))",
        "max_over_time(rate(vllm:prompt_tokens_total[5m])[1h:5m])",
        f"histogram_quantile(0.9, sum by (le, model) (rate({BUCKETS}[5m])))",
        f"histogram_quantile(0.9, sum without (pod) (rate({BUCKETS}[5m])))",
        "histogram_fraction(0, 2, sum_over_time(model:time_to_first_token:bucket_rate5m[1h]))",
        "rate(vllm:time_to_first_token_seconds_sum[5m]) / rate(vllm:time_to_first_token_seconds_count[5m])",
        "deriv(DCGM_FI_DEV_GPU_TEMP[10m]) > 0",
    ],
)
def test_what_is_right_has_no_fault(expr: str, prometheus: Parser) -> None:
    assert not found(expr, prometheus)


def test_what_prometheus_cannot_read_is_told_in_its_words(prometheus: Parser) -> None:
    with pytest.raises(Unreadable, match="unclosed left parenthesis"):
        found("sum(up", prometheus)


def wrong(groups: tuple[Group, ...], prometheus: Parser) -> Mapping[str, list[str]]:
    """Expression to its faults. Each is read once."""
    expressions = {rule.expr for group in groups for rule in group.rules}
    assert expressions
    return {expr: lines for expr in expressions if (lines := found(expr, prometheus))}


@pytest.mark.parametrize("stack", STACKS)
def test_the_rules_of_a_stack_have_no_fault(stack: str, prometheus: Parser) -> None:
    assert not wrong(planned(stack)[2], prometheus)


@pytest.mark.parametrize("kind", ["vllm", "sglang", "tgi", "trtllm", "triton"])
def test_the_rules_about_a_model_of_any_engine_have_no_fault(kind: str, prometheus: Parser) -> None:
    engine = {"kind": kind, **NEEDED.get(kind, {})}
    assert not wrong(models({"chat": {**MODEL, "engine": engine}}), prometheus)


def test_what_scales_models_asks_without_a_fault(prometheus: Parser) -> None:
    objects = [each.inputs for each in committed("prod").registered if each.inputs.get("kind") == "ScaledObject"]
    queries = [trigger["metadata"]["query"] for each in objects for trigger in each["spec"]["triggers"]]
    assert queries
    assert [line for query in queries for line in found(query, prometheus)] == []


def test_a_metric_of_gpus_has_the_type_that_the_exporter_gives_it() -> None:
    listed = Metrics.known().types
    assert {name: type_ for name, (type_, _) in COUNTERS.items() if listed.get(name, type_) != type_} == {}


def test_each_list_of_metrics_says_where_it_was_read() -> None:
    for path in FOLDER.glob("*.txt"):
        first, second = path.read_text().splitlines()[:2]
        assert " at " in first or ":" in first or " v" in first
        assert second.startswith("# TYPE ")

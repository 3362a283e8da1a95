"""What a scaled model needs of its pool, of KEDA and of Prometheus."""

from typing import Any

import pytest
from support.stack_settings import EXISTING_CLUSTER, EXISTING_NETWORK, on_a_platform, problems

from llmplatform.checks import parse, warnings
from llmplatform.checks.problems import Problem

pytestmark = pytest.mark.usefixtures("on_a_day")

SCALING = {"requests": 20, "max_replicas": 2}
ADDRESS = "http://prometheus-operated.monitoring.svc:9090"


def scaled(raw: dict[str, Any], **scaling: Any) -> dict[str, Any]:
    raw["models"]["qwen3-8b"]["scaling"] = {**SCALING, **scaling}
    return raw


def paths(raw: dict[str, Any]) -> list[str]:
    return [line.partition(":")[0] for line in problems(raw)]


def at_the_peak(raw: dict[str, Any]) -> list[Problem]:
    return [each for each in warnings(parse(raw)) if each.path == "pools.gpu.max"]


def test_a_scaled_model_of_a_stack_with_keda_and_monitoring_is_right(raw: dict[str, Any]) -> None:
    assert problems(scaled(raw)) == []


@pytest.mark.parametrize("field", ["min_replicas", "max_replicas"])
def test_a_pool_without_an_autoscaler_has_only_the_nodes_that_it_keeps(raw: dict[str, Any], field: str) -> None:
    raw["addons"]["cluster_autoscaler"] = {"enabled": False}
    raw["pools"]["gpu"] |= {"min": 2, "max": 3}
    assert paths(scaled(raw)) == []
    wrong = paths(scaled(raw, **{"max_replicas": 3, field: 3}))
    assert wrong == ["models.qwen3-8b.scaling.max_replicas" if field == "max_replicas" else "pools.gpu.min"]


def test_a_ceiling_leaves_room_for_the_other_models_of_its_pool(raw: dict[str, Any]) -> None:
    other = {**raw["models"]["qwen3-8b"], "replicas": 4}
    raw["models"]["other"] = other
    assert paths(scaled(raw, max_replicas=2)) == []
    (line,) = problems(scaled(raw, max_replicas=3))
    assert line == (
        "models.qwen3-8b.scaling.max_replicas: 3 servers need 7 nodes beside the other models, and pool 'gpu' has at "
        "most 6; write 2 or less, or raise pools.gpu.max to 4"
    )


def test_ceilings_that_do_not_fit_together_are_warned_about(raw: dict[str, Any]) -> None:
    raw["models"]["other"] = {**raw["models"]["qwen3-8b"], "scaling": {"requests": 5, "max_replicas": 4}}
    assert not at_the_peak(scaled(raw))
    (found,) = at_the_peak(scaled(raw, max_replicas=3))
    assert "may grow to 7 GPUs together, and it has at most 6" in found.fault


def test_a_surge_at_the_ceiling_has_room(raw: dict[str, Any]) -> None:
    raw["models"]["qwen3-8b"]["surge"] = True
    assert paths(scaled(raw, max_replicas=5)) == []
    assert paths(scaled(raw, max_replicas=6)) == ["pools.gpu.max"]


def test_an_existing_prometheus_has_an_address_that_keda_asks(raw: dict[str, Any]) -> None:
    existing = {**scaled(raw), "cluster": EXISTING_CLUSTER, "network": EXISTING_NETWORK}
    existing["addons"]["monitoring"] = {"kind": "existing"}
    (line,) = problems(existing)
    assert line.startswith("models.qwen3-8b.scaling.kind: KEDA asks Prometheus, and the existing one has no address")
    existing["addons"]["monitoring"]["url"] = ADDRESS
    assert problems(existing) == []


def test_a_platform_of_another_stack_says_that_it_has_keda_and_where_prometheus_is(raw: dict[str, Any]) -> None:
    existing = on_a_platform(scaled(raw))
    said = problems(existing)
    assert [line.partition(",")[0] for line in said] == [
        "models.qwen3-8b.scaling.kind: it needs KEDA",
        "models.qwen3-8b.scaling.kind: KEDA asks Prometheus",
    ]
    existing["platform"] |= {"keda": True, "prometheus_url": ADDRESS}
    assert problems(existing) == []
    existing["platform"]["monitoring_namespace"] = None
    assert ["nothing scrapes the models" in line for line in problems(existing)] == [True]


def test_an_autoscaler_of_kubernetes_needs_neither(raw: dict[str, Any]) -> None:
    raw["addons"] |= {"keda": {"enabled": False}, "monitoring": {"enabled": False}}
    raw["models"]["qwen3-8b"]["scaling"] = {
        "kind": "hpa",
        "max_replicas": 2,
        "metrics": [{"name": "cpu", "utilization": 80}],
    }
    assert problems(raw) == []

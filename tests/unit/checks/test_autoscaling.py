"""What a scaled model needs of its pool, of KEDA and of Prometheus."""

from typing import Any

import pytest
from support.stack_settings import EXISTING_CLUSTER, EXISTING_NETWORK, on_a_platform, problems

from llmplatform.checks import parse, warnings
from llmplatform.checks.problems import Problem
from llmplatform.planning.models import plan_models
from llmplatform.planning.pools import plan_pools

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
    wrong = paths(scaled(raw, **{"max_replicas": 3 if field == "max_replicas" else 4, field: 3}))
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


def test_models_without_a_ceiling_are_warned_about_where_several_share_a_pool(raw: dict[str, Any]) -> None:
    raw["models"]["qwen3-8b"]["scaling"] = {"requests": 20}
    assert not at_the_peak(raw)
    raw["models"]["other"] = raw["models"]["qwen3-8b"]
    (found,) = at_the_peak(raw)
    assert "may grow to 10 GPUs together, and it has at most 6" in found.fault


def test_without_an_autoscaler_of_nodes_a_pool_has_room_for_its_first_nodes_alone(raw: dict[str, Any]) -> None:
    raw["addons"]["cluster_autoscaler"] = {"enabled": False}
    raw["pools"]["gpu"] |= {"min": 2, "max": 3}
    model = raw["models"]["qwen3-8b"]
    model["scaling"] = {"requests": 20}
    stack = parse(raw)
    assert {plan.name: plan.most_replicas for plan in plan_models(stack, plan_pools(stack))}["qwen3-8b"] == 2
    model["scaling"] |= {"fallback_replicas": 3}
    (line,) = problems(raw)
    assert line.startswith("models.qwen3-8b.scaling.fallback_replicas: 3 is above 2, for which pool 'gpu' has room")
    assert line.endswith("write 2 or less, or raise pools.gpu.min")
    model["scaling"] = {"requests": 20, "min_replicas": 2}
    assert paths(raw) == ["models.qwen3-8b.scaling"], "nothing is scaled"


WITHOUT_GPUS: dict[str, Any] = {
    "source": "Qwen/Qwen3-0.6B",
    "pool": "system",
    "resources": {"cpu": 1, "memory_gib": 4},
    "engine": {"kind": "custom", "image": "registry.example.org/server:1.0", "metrics": {}},
}


def by_cpu(most: int, least: int = 1) -> dict[str, Any]:
    metrics = [{"name": "cpu", "utilization": 80}]
    return {**WITHOUT_GPUS, "scaling": {"kind": "hpa", "min_replicas": least, "max_replicas": most, "metrics": metrics}}


def test_a_pool_without_gpus_holds_the_largest_number_beside_the_other_models(raw: dict[str, Any]) -> None:
    """Three servers of 4 GiB on each of 8 nodes at most."""
    raw["models"]["one"] = by_cpu(24)
    assert paths(raw) == []
    raw["models"]["one"] = by_cpu(25)
    assert paths(raw) == ["models.one.scaling.max_replicas"]
    raw["models"] |= {"one": by_cpu(24), "two": {**WITHOUT_GPUS, "replicas": 12}}
    (line,) = problems(raw)
    assert line.startswith("models.one.scaling.max_replicas: pool 'system' holds ")
    assert "replicas at most beside the other models, on 8 nodes" in line
    raw["models"] |= {"one": by_cpu(24, least=20), "two": {**WITHOUT_GPUS, "replicas": 20}}
    assert paths(raw) == ["pools.system.max"], "not even the smallest numbers fit"


def test_models_without_gpus_that_do_not_fit_at_a_common_peak_are_warned_about(raw: dict[str, Any]) -> None:
    def warned() -> list[str]:
        return [each.path for each in warnings(parse(raw)) if "common peak" in each.fault]

    raw["models"] |= {"one": by_cpu(12), "two": by_cpu(12)}
    assert warned() == []
    raw["models"] |= {"one": by_cpu(20), "two": by_cpu(20)}
    assert warned() == ["pools.system.max"]


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

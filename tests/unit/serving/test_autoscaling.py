"""The number of a model's servers: what changes it, and that the program does not."""

from typing import Any

import pulumi_kubernetes as kubernetes
import pytest
from support.model_servers import DEPLOYMENT, served
from support.plans import ON_DEMAND, SPOT_FIRST, model_plan, stack

from llmplatform.catalog.engine_metrics import EngineMetrics
from llmplatform.planning.models import plan_models
from llmplatform.planning.pools import plan_pools
from llmplatform.serving.autoscaling import AutoscalingArgs, triggers
from llmplatform.specs.scaling import KedaScaling
from llmplatform.testing import RecordingEngine

OBJECT = "kubernetes:keda.sh/v1alpha1:ScaledObject"
AUTOSCALER = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
PROMETHEUS = "http://prometheus.monitoring.svc:9090"
BY_LOAD: dict[str, Any] = {"max_replicas": 4, "requests": 20}


def scaled(pool: dict[str, Any] = SPOT_FIRST, **settings: Any) -> RecordingEngine:
    return served(pool, args={"prometheus_url": PROMETHEUS}, scaling={**BY_LOAD, **settings})


def spec(engine: RecordingEngine) -> dict[str, Any]:
    return engine.one(OBJECT).inputs["spec"]


def behavior(engine: RecordingEngine) -> dict[str, Any]:
    return spec(engine)["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]


def test_keda_scales_between_floor_and_ceiling_by_requests_and_cache() -> None:
    found = spec(scaled(min_replicas=2, kv_cache=0.7))
    assert found["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "chat"}
    assert (found["minReplicaCount"], found["maxReplicaCount"]) == (2, 4)
    requests, cache = found["triggers"]
    of = '{namespace="models",llmplatform_dev_model="chat"}'
    assert requests["metadata"] == {
        "serverAddress": PROMETHEUS,
        "query": f"sum(vllm:num_requests_running{of}) + sum(vllm:num_requests_waiting{of})",
        "threshold": "20",
        "ignoreNullValues": "false",
    }
    assert cache["metadata"]["query"] == f"sum(vllm:kv_cache_usage_perc{of})"
    assert cache["metadata"]["threshold"] == "0.7"
    assert {each["metricType"] for each in (requests, cache)} == {"AverageValue"}, "a sum is divided by the servers"


def test_a_server_of_several_ranks_has_a_series_of_its_cache_for_each() -> None:
    """vLLM 0.33, wheel: v1/metrics/loggers.py, label `engine`; SGLang 0.5.23, wheel: srt/observability/
    metrics_collector.py, label `dp_rank`. Requests of all ranks are those of the server."""
    engine = served(
        {"instance_types": ["g5.12xlarge"], "max": 4},
        args={"prometheus_url": PROMETHEUS},
        scaling={**BY_LOAD, "kv_cache": 0.7},
        data_parallel=4,
    )
    requests, cache = spec(engine)["triggers"]
    assert cache["metadata"]["threshold"] == "2.8", "four times 0.7: the sum is divided by the servers alone"
    assert requests["metadata"]["threshold"] == "20"


def test_the_series_have_the_label_that_the_monitor_takes_from_the_service() -> None:
    """prometheus-operator replaces what a label of Prometheus cannot have by `_`: promcfg.go, sanitizeLabelName."""
    engine = scaled()
    (label,) = engine.named("chat-monitor").inputs["spec"]["targetLabels"]
    assert label.replace(".", "_").replace("/", "_") == "llmplatform_dev_model"
    assert engine.named("chat-service").inputs["metadata"]["labels"][label] == "chat"


def test_metrics_that_vanish_remove_no_server() -> None:
    kept = {"failureThreshold": 3, "behavior": "currentReplicasIfHigher"}
    assert spec(scaled())["fallback"] == {**kept, "replicas": 1}
    assert spec(scaled(fallback_replicas=3))["fallback"] == {**kept, "replicas": 3}


def test_it_grows_at_once_and_shrinks_slowly() -> None:
    found = behavior(scaled())
    assert found["scaleUp"]["stabilizationWindowSeconds"] == 0
    assert {"type": "Percent", "value": 100, "periodSeconds": 15} in found["scaleUp"]["policies"]
    assert found["scaleDown"]["stabilizationWindowSeconds"] == 300
    assert found["scaleDown"]["policies"] == [{"type": "Percent", "value": 10, "periodSeconds": 60}]
    other = behavior(scaled(scale_down={"window_seconds": 60, "percent_per_minute": 50}))["scaleDown"]
    assert (other["stabilizationWindowSeconds"], other["policies"][0]["value"]) == (60, 50)


def test_a_schedule_asks_for_servers_before_the_load_comes() -> None:
    times = {"start": "0 8 * * mon-fri", "end": "0 18 * * mon-fri", "timezone": "Europe/Berlin"}
    *_, schedule = spec(scaled(schedules=[{**times, "replicas": 3}]))["triggers"]
    assert schedule == {"type": "cron", "name": "schedule-0", "metadata": {**times, "desiredReplicas": "3"}}


def test_each_release_is_asked_by_its_own_names() -> None:
    older: dict[str, Any] = {"source": "Qwen/Qwen2.5-7B-Instruct", "engine": {"version": "0.6.6.post1"}}
    old = served(args={"prometheus_url": PROMETHEUS}, scaling=BY_LOAD, **older)
    assert spec(old)["triggers"][1]["metadata"]["query"].startswith("sum(vllm:gpu_cache_usage_perc{")


def test_without_a_prometheus_keda_has_nothing_to_ask() -> None:
    with pytest.raises(Exception, match="KEDA has no Prometheus to ask"):
        served(scaling=BY_LOAD)


def test_an_autoscaler_of_kubernetes_takes_cpu_memory_and_an_adapters_metrics() -> None:
    metrics = [
        {"name": "cpu", "utilization": 80},
        {"kind": "resource", "name": "memory", "utilization": 90},
        {"kind": "pods", "name": "vllm:num_requests_running", "average": 12.5},
    ]
    engine = served(scaling={"kind": "hpa", "max_replicas": 4, "metrics": metrics})
    found = engine.one(AUTOSCALER).inputs["spec"]
    assert found["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "chat"}
    assert (found["minReplicas"], found["maxReplicas"]) == (1, 4)
    targets = [each["resource"]["target"]["averageUtilization"] for each in found["metrics"][:2]]
    assert targets == [80, 90]
    assert found["metrics"][2]["pods"] == {
        "metric": {"name": "vllm:num_requests_running"},
        "target": {"type": "AverageValue", "averageValue": "12500m"},
    }
    assert found["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 300
    assert not engine.all(OBJECT), "two would fight over one Deployment"
    annotations = engine.one(AUTOSCALER).inputs["metadata"]["annotations"]
    assert annotations == {"validations.keda.sh/hpa-ownership": "false"}, "else KEDA could never take its place"


def test_the_program_sets_the_first_size_and_leaves_it_then() -> None:
    deployment = scaled(min_replicas=2).one(DEPLOYMENT)
    assert deployment.inputs["spec"]["replicas"] == 2
    assert deployment.ignore_changes == ("spec.replicas",)
    assert served(replicas=2).one(DEPLOYMENT).ignore_changes == (), "a fixed number is the program's"


def test_a_fixed_size_is_taken_back_from_what_has_scaled_it() -> None:
    """pulumi-kubernetes applies without force unless the annotation is there: await.go, patchForce."""
    for engine in (scaled(), served(replicas=2)):
        assert engine.one(DEPLOYMENT).inputs["metadata"]["annotations"] == {"pulumi.com/patchForce": "true"}


def test_a_server_that_may_have_others_is_replaced_one_at_a_time_and_moved_if_it_is_never_alone() -> None:
    one, two = (scaled(min_replicas=number).one(DEPLOYMENT).inputs["spec"] for number in (1, 2))
    for found in (one, two):
        assert found["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    key = "cluster-autoscaler.kubernetes.io/safe-to-evict"
    assert [each["template"]["metadata"]["annotations"][key] for each in (one, two)] == ["false", "true"]


@pytest.mark.parametrize(
    ("pool", "surge", "most"), [(ON_DEMAND, False, 2), (SPOT_FIRST, False, 6), (SPOT_FIRST, True, 5)]
)
def test_without_a_ceiling_it_may_fill_its_pool(pool: dict[str, Any], *, surge: bool, most: int) -> None:
    plan = model_plan(pool, surge=surge, scaling={"requests": 20})
    assert (plan.least_replicas, plan.most_replicas) == (1, most)


def test_a_ceiling_leaves_the_other_models_their_smallest_number() -> None:
    model = {"source": "Qwen/Qwen3-8B", "pool": "gpu", "context_length": 8192}
    found = stack(
        {"gpu": {"instance_types": ["g5.12xlarge"], "max": 2}},
        {
            "chat": {**model, "tensor_parallel": 2, "scaling": {"requests": 20}},
            "other": {**model, "scaling": {"requests": 20, "min_replicas": 3}},
        },
    )
    most = {plan.name: plan.most_replicas for plan in plan_models(found, plan_pools(found))}
    assert most == {"chat": 2, "other": 6}, "eight GPUs; the other always has three, or two"


def asked(metrics: EngineMetrics | None) -> list[dict[str, Any]]:
    """Triggers for a server that tells these series."""
    args = AutoscalingArgs(
        metadata=kubernetes.meta.v1.ObjectMetaArgs(namespace="models"),
        target="chat",
        model="chat",
        most_replicas=2,
        metrics=metrics,
        prometheus_url=PROMETHEUS,
    )
    return triggers(args, KedaScaling(requests=20))


def test_a_server_that_tells_only_its_running_requests_is_scaled_by_them() -> None:
    def program() -> dict[str, Any]:
        (only,) = asked(EngineMetrics(requests_running='llm_active_requests{kind="chat"}'))
        return {"query": only["metadata"]["query"]}

    query = (RecordingEngine().run(program).result or {})["query"]
    assert query == 'sum(llm_active_requests{kind="chat",namespace="models",llmplatform_dev_model="chat"})'


@pytest.mark.parametrize("metrics", [None, EngineMetrics()])
def test_a_server_that_tells_no_requests_cannot_be_scaled_by_them(metrics: EngineMetrics | None) -> None:
    with pytest.raises(ValueError, match="exposes no number of requests"):
        asked(metrics)

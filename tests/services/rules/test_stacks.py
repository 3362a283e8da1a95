"""The rules of the committed stacks over series of their own plans: all is quiet, or just these alerts fire."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from support.program import STACKS
from support.rules import NAMESPACE, Case, Fired, hold, planned, pod, served

from llmplatform.planning.models import ModelPlan
from llmplatform.planning.pools import PoolPlan

MINUTES = 480
FIRST = "vllm:time_to_first_token_seconds_bucket"
BETWEEN = "vllm:inter_token_latency_seconds_bucket"
Series = dict[str, str]


def lasting(value: float) -> str:
    return f"{value:g}x{MINUTES}"


def growing(rate: int) -> str:
    return f"0+{rate}x{MINUTES}"


def node(name: str, pool: PoolPlan, capacity: str, *, gpus: int | None = None) -> Series:
    if pool.shape.provider == "aws":
        bought = f'label_eks_amazonaws_com_capacity_type="{capacity}"'
    else:
        bought = f'label_node_alibabacloud_com_spot_strategy="{"SpotAsPriceGo" if capacity == "SPOT" else "NoSpot"}"'
    labels = f'label_llmplatform_dev_pool="{pool.name}",{bought}'
    found = {
        f'kube_node_labels{{node="{name}",{labels}}}': lasting(1),
        f'kube_node_status_condition{{node="{name}",condition="Ready",status="true"}}': lasting(1),
    }
    if pool.gpu:
        offered = pool.shape.gpus if gpus is None else gpus
        found[f'kube_node_status_allocatable{{node="{name}",resource="nvidia_com_gpu"}}'] = lasting(offered)
        for number in range(pool.shape.gpus):
            where = f'{{Hostname="{name}",gpu="{number}"}}'
            found |= {
                f"DCGM_FI_DEV_GPU_TEMP{where}": lasting(65),
                f"DCGM_FI_DEV_THERMAL_VIOLATION{where}": lasting(0),
                f"DCGM_FI_DEV_ROW_REMAP_FAILURE{where}": lasting(0),
                f"DCGM_FI_DEV_ECC_DBE_VOL_TOTAL{where}": lasting(0),
            }
    return found


def server(model: ModelPlan, number: int) -> Series:
    """A server that answers 30 requests a minute, all of them in time."""
    name = model.name
    found = dict(pod(f"{name}-{number}", name, ready=lasting(1), there=lasting(1)))
    for series, values in {
        "vllm:num_requests_running": lasting(4),
        "vllm:num_requests_waiting": lasting(0),
        "vllm:kv_cache_usage_perc": lasting(0.4),
        "vllm:num_preemptions_total": lasting(0),
        "vllm:prompt_tokens_total": growing(9000),
        "vllm:generation_tokens_total": growing(6000),
        'vllm:request_success_total{finished_reason="stop"}': growing(30),
        'http_requests_total{status="5xx"}': lasting(0),
        **{f'{FIRST}{{le="{bound}"}}': growing(30) for bound in ("1.0", "2.5", "5.0", "+Inf")},
        **{f'{BETWEEN}{{le="{bound}"}}': growing(6000) for bound in ("0.05", "0.1", "+Inf")},
    }.items():
        found |= served(name, number, series, values)
    return found


def steady(name: str) -> Series:
    """What the exporters tell of a stack that is just as its settings say."""
    pools, models, _ = planned(name)
    found: Series = {
        'cluster_autoscaler_last_activity{activity="main"}': lasting(1),
        "cluster_autoscaler_cluster_safe_to_autoscale": lasting(1),
        'certmanager_certificate_expiration_timestamp_seconds{exported_namespace="gateway",name="host"}': lasting(5e6),
        'certmanager_certificate_ready_status{exported_namespace="gateway",name="host",condition="True"}': lasting(1),
    }
    for pool in pools:
        for group in pool.groups:
            for number in range(group.minimum):
                found |= node(f"{group.name}-{number}", pool, group.capacity.upper())
    for model in models:
        for number in range(model.least_replicas * model.nodes):
            found |= server(model, number)
            found |= node(f"{model.name}-node-{number}", model.pool, "SPOT")
    return found


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_as_its_settings_say_fires_nothing(stack: str, tmp_path: Path) -> None:
    quiet: dict[str, Fired] = {"0m": {}, "20m": {}, "2h": {}, f"{MINUTES - 1}m": {}}
    hold(planned(stack)[2], [Case("as its settings say", steady(stack), quiet)], tmp_path)


def scene(name: str, changes: Series, moments: dict[str, Fired], *, gone: Sequence[str] = ()) -> Case:
    """What changes in the stack `prod`. `gone`: beginnings of series that are not there."""
    kept = {series: values for series, values in steady("prod").items() if not series.startswith(tuple(gone) or ("-",))}
    return Case(name, kept | changes, moments)


PROD = {"namespace": NAMESPACE, "model": "qwen3-8b"}
OURS = {**PROD, "environment": "prod"}
WAITS = {**PROD, "says": "20 requests wait for each server of qwen3-8b."}
FULL = {**OURS, "says": "The key-value cache of a server of qwen3-8b is full to 98%."}
STUCK = {**OURS, "pod": "qwen3-8b-0", "says": "qwen3-8b-0 of qwen3-8b has requests, and computes no token."}
DOWN = {**PROD, "says": "No replica of qwen3-8b is ready."}
MISSES = {**OURS, "objective": "time_to_first_token"}
FAST = {
    **MISSES,
    "says": "qwen3-8b misses its objective for time_to_first_token: the month's budget is gone within days.",
}
SLOW = {**MISSES, "says": "qwen3-8b misses its objective for time_to_first_token: the month's budget will not last."}
BARE = {
    "node": "qwen3-8b-node-0",
    "pool": "gpu-small",
    "environment": "prod",
    "says": "Node qwen3-8b-node-0 of pool gpu-small is ready and offers no GPU.",
}
SOON = {
    "exported_namespace": "gateway",
    "name": "host",
    "says": "Certificate host ends in 8d 6h 30m 0s, and is not renewed.",
}


def scenes() -> list[Case]:
    small = next(model for model in planned("prod")[1] if model.name == "qwen3-8b")
    load: Series = {}
    for number in range(3):
        load |= served("qwen3-8b", number, "vllm:num_requests_waiting", "0x60 20x60 0x360")
        load |= served("qwen3-8b", number, "vllm:kv_cache_usage_perc", "0.4x60 0.98x60 0.4x360")
    loss: Series = {}
    for number in range(3):
        loss |= pod(f"qwen3-8b-{number}", "qwen3-8b", ready="1x60 0x15 1x400", there=lasting(1))
    late: Series = {}
    for number in range(3):
        for bound in ("1.0", "2.5"):
            late |= served("qwen3-8b", number, f'{FIRST}{{le="{bound}"}}', "0+30x60 1800x120 1800+30x300")
    return [
        scene(
            "first tokens are late for two hours",
            late,
            {
                "60m": {},
                "170m": {"ModelObjectiveBurnsFast": FAST, "ModelObjectiveBurnsSlowly": SLOW},
                "240m": {"ModelObjectiveBurnsSlowly": SLOW},
            },
        ),
        scene(
            "a load spike",
            load,
            {"60m": {}, "90m": {"ModelQueueGrows": WAITS, "ModelCacheFull": FULL}, "140m": {}},
        ),
        scene(
            "a stuck engine",
            served("qwen3-8b", 0, "vllm:generation_tokens_total", "0+6000x60 360000x60 360000+6000x360"),
            {"60m": {}, "80m": {"ModelServerStuck": STUCK}, "140m": {}},
        ),
        scene(
            "all spot machines of a model are lost for a quarter of an hour",
            loss,
            {"60m": {}, "70m": {"ModelDown": DOWN}, "90m": {}},
        ),
        scene(
            "a node without its GPUs",
            node("qwen3-8b-node-0", small.pool, "SPOT", gpus=0),
            {"10m": {}, "30m": {"GpuNodeWithoutGpus": BARE}},
        ),
        scene(
            "a certificate that is not renewed",
            {
                'certmanager_certificate_expiration_timestamp_seconds{exported_namespace="gateway",name="host"}': (
                    lasting(722400)
                )
            },
            {"30m": {}, "130m": {"CertificateNotRenewed": SOON}},
        ),
    ]


def test_a_scene_fires_exactly_the_alerts_of_its_table(tmp_path: Path) -> None:
    hold(planned("prod")[2], scenes(), tmp_path)

"""Models of every engine on a cluster for some hours: the series of their servers and of the cluster's exporters.

The names of servers' series are those of the catalog, which `scripts/*_flags.py` read in the engines' own packages.
"""

import math
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import yaml

from llmplatform.addons.gpu_metrics import COUNTERS
from llmplatform.catalog.engine_metrics import EngineMetrics, select
from llmplatform.checks import parse
from llmplatform.planning.models import ModelPlan, plan_models
from llmplatform.planning.platform_rules import platform_rules
from llmplatform.planning.pools import PoolPlan, plan_pools
from llmplatform.planning.rules import Group, model_rules
from support.plans import T4, stack
from support.played_values import MINUTES, counter, gauge, lasting, load, phases, since
from support.program import ROOT
from support.replay import BEGIN, Values
from support.rules import PAGES

LATE = MINUTES - 50
"""When the last nodes come."""
SERVERS = 2
"""Servers of each model that is replayed."""
BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80)
"""Upper bounds of histograms, in seconds."""
GIB = 2**30
Series = dict[str, Values]


@dataclass(frozen=True)
class Served:
    """A model and where it runs."""

    environment: str
    namespace: str
    plan: ModelPlan

    @property
    def metrics(self) -> EngineMetrics:
        return self.plan.spec.engine_metrics

    @property
    def busy(self) -> float:
        """How full of requests it is, from 0: one of the engines has more than it can do."""
        return 1.4 if self.namespace == "sglang" else 0.8


@dataclass(frozen=True)
class Fleet:
    """Models, the pools that they run on, and the rules about them."""

    models: tuple[Served, ...]
    pools: Mapping[str, PoolPlan]
    groups: tuple[Group, ...]
    series: Mapping[str, Values]


@cache
def fleet() -> Fleet:
    """The models of examples/engines on AWS, each example in a namespace of its own, and the oldest release of vLLM."""
    models: list[Served] = []
    pools: dict[str, PoolPlan] = {}
    groups: list[Group] = []
    stacks = {
        path.name.split(".")[1]: path
        for path in sorted((ROOT / "examples/engines").glob("Pulumi.*.yaml"))
        if not path.name.endswith("-ack.yaml")
    }
    made = {name: parse(_sections(path), name) for name, path in stacks.items()}
    aged = {"source": "Qwen/Qwen2.5-1.5B-Instruct", "pool": "gpu", "context_length": 4096}
    made["vllm-old"] = stack({"gpu": T4}, {"assistant": {**aged, "engine": {"kind": "vllm", "version": "0.6.6.post1"}}})
    for name, each in made.items():
        planned = plan_pools(each)
        plans = plan_models(each, planned)
        pools |= {pool.name: pool for pool in planned}
        models += [Served(each.environment.name, name, plan) for plan in plans]
        rules = model_rules(plans, namespace=name, environment=each.environment.name, runbooks=PAGES)
        groups += [replace(group, name=f"{name}-{group.name}") for group in rules]
    groups += platform_rules(tuple(pools.values()), ["autoscaler", "certificates"], environment="dev", runbooks=PAGES)
    series: Series = {}
    for number, served in enumerate(models):
        for server in range(SERVERS):
            series |= _server(served, server) | _pod(served, server, node=f"node-{number}-{server}")
    return Fleet(tuple(models), pools, tuple(groups), {**series, **_autoscaler(), **_mlflow()})


def _sections(path: Path) -> dict[str, object]:
    config = yaml.safe_load(path.read_text())["config"]
    return {key.removeprefix("llmplatform:"): value for key, value in config.items() if key.startswith("llmplatform:")}


def _server(served: Served, number: int) -> Series:
    """What the server of a model tells of itself, under the names of its engine."""
    noise = random.Random(f"{served.namespace}/{served.plan.name}/{number}")  # noqa: S311 the same each time
    factor = served.busy * noise.uniform(0.85, 1.15)

    def busy(minute: int) -> float:
        return factor * load(minute) / 3

    def requests(minute: int) -> float:
        return 60 * factor * load(minute)

    values = {
        "requests_running": gauge(lambda at: min(64, round(64 * busy(at)))),
        "requests_waiting": gauge(lambda at: max(0, round(60 * (busy(at) - 0.9)))),
        "kv_cache_usage": gauge(lambda at: min(0.985, 0.08 + 0.85 * busy(at))),
        "requests_finished": counter(requests),
        "requests_failed": counter(lambda at: requests(at) * (0.004 if at < MINUTES * 0.6 else 0.012)),
        "prompt_tokens": counter(lambda at: 850 * requests(at)),
        "generation_tokens": counter(lambda at: 240 * requests(at)),
        "preemptions": counter(lambda at: 30 * max(0.0, busy(at) - 0.85)),
        "prefix_cache_queries": counter(lambda at: 850 * requests(at)),
        "prefix_cache_hits": counter(lambda at: 850 * requests(at) * 0.62),
    }
    middles = {"time_to_first_token": 0.22, "time_between_tokens": 0.028, "request_latency": 6.5}
    found: Series = {}
    named = {
        "namespace": served.namespace,
        "llmplatform_dev_model": served.plan.name,
        "pod": f"{served.plan.name}-{number}",
    }
    for field, series in served.metrics.model_dump(exclude_none=True).items():
        if field in middles:
            for bound in (*BOUNDS, math.inf):
                labels = {**named, "le": "+Inf" if bound == math.inf else f"{bound:g}"}
                found[_labelled(series, labels, "_bucket")] = counter(_below(bound, middles[field], requests, busy))
        else:
            # SGLang's tokens of prompts are what its cache is asked for as well.
            found.setdefault(_labelled(series, named), values[field])
    return found


def _below(
    bound: float, middle: float, requests: Callable[[int], float], busy: Callable[[int], float]
) -> Callable[[int], float]:
    """How many requests of a minute take no longer than a bound: slower, and less alike, the busier the server is."""

    def counted(minute: int) -> float:
        spread, typical = 0.35 + 0.35 * busy(minute), middle * (1 + 1.6 * busy(minute) ** 3)
        part = 1.0 if bound == math.inf else 0.5 * math.erfc(-math.log(bound / typical) / (spread * math.sqrt(2)))
        return requests(minute) * part

    return counted


def _labelled(series: str, labels: Mapping[str, str], suffix: str = "") -> str:
    """A series with labels that its own matchers take."""
    name, _, own = series.removesuffix("}").partition("{")
    matched = {label: _taken(kind, text) for label, kind, text in re.findall(r'(\w+)(=~|!~|!=|=)"([^"]*)"', own)}
    return select(name, {**labels, **matched}, suffix=suffix)


def _taken(kind: str, text: str) -> str:
    return {"=": text, "=~": text.split("|", maxsplit=1)[0].replace(".", "0")}.get(kind, "other")


def _pod(served: Served, number: int, *, node: str) -> Series:
    """What kube-state-metrics, the kubelet and DCGM's exporter tell of a server's pod and its node."""
    pool, name, space = served.plan.pool, f"{served.plan.name}-{number}", served.namespace
    where, waits = f'namespace="{space}",pod="{name}"', f'namespace="{space}",pod="{served.plan.name}-2"'
    labels = f'label_llmplatform_dev_model="{served.plan.name}",label_app_kubernetes_io_name="model-server"'
    capacity = "SPOT" if number else "ON_DEMAND"
    labelled = f'label_llmplatform_dev_pool="{pool.name}",label_eks_amazonaws_com_capacity_type="{capacity}"'
    # The second server comes in the last hour, on a node of its own.
    first = LATE if number else 0

    def there(value: float = 1) -> Values:
        return phases((first, None), last=value)

    found: Series = {
        f"kube_pod_labels{{{where},{labels}}}": there(),
        f'kube_pod_status_ready{{{where},condition="true"}}': phases((first, None), (3, 0), last=1),
        f'kube_pod_status_phase{{{where},phase="Running"}}': there(),
        f'kube_pod_container_resource_requests{{{where},node="{node}",resource="cpu"}}': there(3),
        f'kube_pod_container_resource_requests{{{where},node="{node}",resource="memory"}}': there(12 * GIB),
        f'kube_pod_container_resource_limits{{{where},node="{node}",resource="memory"}}': there(20 * GIB),
        f'kube_pod_container_status_restarts_total{{{where},container="server"}}': there(0),
        f'kube_pod_container_status_waiting_reason{{{where},reason="ContainerCreating"}}': phases(
            (first, None), (3, 1), last=0
        ),
        f'container_memory_working_set_bytes{{{where},container="server",image="server"}}': since(
            first, gauge(lambda at: (9 + load(at)) * GIB)
        ),
        f'kube_node_labels{{node="{node}",{labelled}}}': there(),
        f'kube_node_status_condition{{node="{node}",condition="Ready",status="true"}}': there(),
        f'kube_node_status_allocatable{{node="{node}",resource="cpu"}}': there(7.9),
        f'kube_node_status_allocatable{{node="{node}",resource="memory"}}': there(29 * GIB),
        f'kube_node_created{{node="{node}"}}': there(BEGIN + 60 * first),
        # A third server waits for a node all the time.
        f"kube_pod_status_unschedulable{{{waits}}}": phases((LATE - 40, None), last=1),
    }
    if served.plan.gpus:
        found |= {
            f'kube_pod_container_resource_requests{{{where},node="{node}",resource="nvidia_com_gpu"}}': there(),
            f'kube_pod_container_resource_requests{{{waits},resource="nvidia_com_gpu"}}': phases(
                (LATE - 40, None), last=1
            ),
            f'kube_node_status_allocatable{{node="{node}",resource="nvidia_com_gpu"}}': there(),
        }
        found |= _gpu(f'Hostname="{node}",gpu="0",{where}', served, first)
    return found


def _gpu(labels: str, served: Served, first: int) -> Series:
    """DCGM's metrics of one GPU: the exporter's whole list."""
    # Nothing is asked of the oldest engine: its GPUs are idle.
    part = 0.0 if served.namespace == "vllm-old" else served.busy

    def busy(minute: int) -> float:
        return min(0.99, part * load(minute) / 2.2)

    gauges: Mapping[str, Callable[[int], float]] = {
        "DCGM_FI_DEV_SM_CLOCK": lambda at: 1200 + 500 * busy(at),
        "DCGM_FI_DEV_MEM_CLOCK": lambda at: 6250,
        "DCGM_FI_DEV_GPU_TEMP": lambda at: 38 + 36 * busy(at),
        "DCGM_FI_DEV_MEMORY_TEMP": lambda at: 42 + 40 * busy(at),
        "DCGM_FI_DEV_POWER_USAGE": lambda at: 60 + 210 * busy(at),
        "DCGM_FI_DEV_GPU_UTIL": lambda at: 100 * busy(at),
        "DCGM_FI_DEV_MEM_COPY_UTIL": lambda at: 70 * busy(at),
        "DCGM_FI_DEV_FB_FREE": lambda at: 2500,
        "DCGM_FI_DEV_FB_USED": lambda at: 20200,
        "DCGM_FI_PROF_GR_ENGINE_ACTIVE": busy,
        "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE": lambda at: 0.34 * busy(at),
        "DCGM_FI_PROF_DRAM_ACTIVE": lambda at: 0.71 * busy(at),
        "DCGM_FI_PROF_PCIE_TX_BYTES": lambda at: 4e7 * busy(at),
        "DCGM_FI_PROF_PCIE_RX_BYTES": lambda at: 9e7 * busy(at),
    }
    found: Series = {
        f"{name}{{{labels}}}": since(first, gauge(gauges.get(name, lambda at: 0)))
        for name in COUNTERS
        if name != "DCGM_EXP_XID_ERRORS_COUNT"
    }
    # An application's fault, for which no alert fires.
    return {**found, f'DCGM_EXP_XID_ERRORS_COUNT{{{labels},xid="31"}}': since(first, phases((200, 0), (5, 1), last=0))}


def _autoscaler() -> Series:
    """cluster-autoscaler's own series, as its metrics.go has them."""
    return {
        'cluster_autoscaler_last_activity{activity="main"}': gauge(lambda at: BEGIN - 12 + 60 * at),
        "cluster_autoscaler_cluster_safe_to_autoscale": lasting(1),
        'cluster_autoscaler_nodes_count{state="ready"}': phases((LATE, 12), last=24),
        'cluster_autoscaler_nodes_count{state="notStarted"}': phases((LATE - 8, 0), (8, 12), last=0),
        'cluster_autoscaler_unschedulable_pods_count{type="unschedulable"}': phases((LATE - 40, 0), last=10),
        "cluster_autoscaler_unneeded_nodes_count": lasting(0),
        "cluster_autoscaler_scaled_up_nodes_total": phases((LATE - 8, 0), last=12),
        'cluster_autoscaler_scaled_down_nodes_total{reason="empty"}': phases((200, 0), last=2),
        'cluster_autoscaler_failed_scale_ups_total{reason="timeout"}': phases((LATE - 20, 0), last=2),
        'cluster_autoscaler_errors_total{type="cloudProviderError"}': lasting(0),
    }


def _mlflow() -> Series:
    """What a server of MLflow tells, and what is told of its pod."""
    where = 'namespace="mlflow",pod="mlflow-0"'
    found: Series = {
        f"mlflow_exporter_info{{{where}}}": lasting(1),
        f'mlflow_http_request_total{{{where},method="POST",status="200"}}': counter(lambda at: 120 * load(at)),
        f'mlflow_http_request_total{{{where},method="POST",status="500"}}': counter(lambda at: 0.2 * load(at)),
        f'kube_pod_status_ready{{{where},condition="true"}}': lasting(1),
        f'kube_pod_container_status_restarts_total{{{where},container="mlflow"}}': lasting(0),
        f'container_memory_working_set_bytes{{{where},container="mlflow",image="mlflow"}}': gauge(
            lambda at: (0.7 + load(at) / 20) * GIB
        ),
    }
    for bound in (*BOUNDS, math.inf):
        le = "+Inf" if bound == math.inf else f"{bound:g}"
        series = f'mlflow_http_request_duration_seconds_bucket{{{where},method="POST",le="{le}"}}'
        found[series] = counter(_below(bound, 0.06, lambda at: 120 * load(at), lambda at: load(at) / 4))
    return found

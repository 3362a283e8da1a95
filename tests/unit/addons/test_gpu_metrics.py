"""GPU metrics where the cloud brings driver and device plugin: where the exporter runs, and what it exports."""

import re
from dataclasses import replace
from typing import Any

import pytest
from support.addons import gpu_metrics
from support.plans import ON_DEMAND, SPOT_FIRST, SYSTEM, pool_plans
from support.program import STACKS, committed, stack_config
from support.sites import on_sites

from llmplatform.addons.gpu_metrics import COUNTERS
from llmplatform.testing import RecordingEngine, Registered, walk

_RELEASE = "kubernetes:helm.sh/v3:Release"
_METRIC = re.compile(r"\bDCGM_[A-Z0-9_]+\b")
_LISTS = ("customMetrics", "dcgmExporter.config.data")

VARIANTS = on_sites("gpu-metrics", gpu_metrics)

FIELD_IDS = {
    "DCGM_FI_DEV_SM_CLOCK": 100,
    "DCGM_FI_DEV_MEM_CLOCK": 101,
    "DCGM_FI_DEV_GPU_TEMP": 150,
    "DCGM_FI_DEV_MEMORY_TEMP": 140,
    "DCGM_FI_DEV_POWER_USAGE": 155,
    "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": 156,
    "DCGM_FI_DEV_PCIE_REPLAY_COUNTER": 202,
    "DCGM_FI_DEV_GPU_UTIL": 203,
    "DCGM_FI_DEV_MEM_COPY_UTIL": 204,
    "DCGM_FI_DEV_FB_FREE": 251,
    "DCGM_FI_DEV_FB_USED": 252,
    "DCGM_FI_DEV_XID_ERRORS": 230,
    "DCGM_FI_DEV_ECC_SBE_VOL_TOTAL": 310,
    "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL": 311,
    "DCGM_FI_DEV_ECC_DBE_AGG_TOTAL": 313,
    "DCGM_FI_DEV_POWER_VIOLATION": 240,
    "DCGM_FI_DEV_THERMAL_VIOLATION": 241,
    "DCGM_FI_DEV_ROW_REMAP_PENDING": 396,
    "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS": 393,
    "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS": 394,
    "DCGM_FI_DEV_ROW_REMAP_FAILURE": 395,
    "DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL": 449,
    "DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL": 409,
    "DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL": 429,
    "DCGM_FI_PROF_GR_ENGINE_ACTIVE": 1001,
    "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE": 1004,
    "DCGM_FI_PROF_DRAM_ACTIVE": 1005,
    "DCGM_FI_PROF_PCIE_TX_BYTES": 1009,
    "DCGM_FI_PROF_PCIE_RX_BYTES": 1010,
}
"""NVIDIA/go-dcgm at b7fa315, `pkg/dcgm/const_fields.go`: the tables of present and of older names."""
OF_THE_EXPORTER = {"DCGM_EXP_XID_ERRORS_COUNT"}
"""NVIDIA/dcgm-exporter 4.5.3-4.8.2, `internal/pkg/counters/const.go`."""


def _values(**changes: Any) -> dict[str, Any]:
    return RecordingEngine().run(lambda: gpu_metrics(**changes).namespace).one(_RELEASE).inputs["values"]


def queried(registered: list[Registered]) -> set[str]:
    """GPU metrics that rules and dashboards ask for: every name outside the exporter's own list."""
    return {
        name
        for found in registered
        for path, value in walk(found.inputs)
        if isinstance(value, str) and not path.endswith(_LISTS)
        for name in _METRIC.findall(value)
    }


def test_it_runs_on_nodes_with_gpus_and_on_no_others() -> None:
    values = _values(pools=pool_plans(gpu=SPOT_FIRST, other=ON_DEMAND))
    (term,) = values["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert term["matchExpressions"] == [{"key": "llmplatform.dev/pool", "operator": "In", "values": ["gpu", "other"]}]
    assert values["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]


def test_it_runs_on_nodes_with_further_taints_and_on_those_that_others_make() -> None:
    tainted = {**ON_DEMAND, "taints": [{"key": "team", "value": "search", "effect": "NoExecute"}]}
    pools = pool_plans(gpu=SPOT_FIRST, other=tainted, cpu={**SYSTEM, "taints": [{"key": "batch"}]})
    karpenters = replace(pools[1], name="theirs", selector={"karpenter.sh/nodepool": "gpu"})
    values = _values(pools=(*pools, karpenters))
    terms = values["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert terms[1:] == [
        {"matchExpressions": [{"key": "karpenter.sh/nodepool", "operator": "In", "values": ["gpu"]}]}
    ], "terms are alternatives"
    assert values["tolerations"][1:] == [{"key": "team", "operator": "Exists", "effect": "NoExecute"}], (
        "of pools with GPUs alone"
    )


def test_it_exports_what_is_listed_and_nothing_else() -> None:
    lines = _values()["customMetrics"].splitlines()
    assert {line.split(",")[0] for line in lines} == set(COUNTERS)
    assert all(len(line.split(", ", 2)) == 3 for line in lines), "field, type, meaning: a line that differs is skipped"
    assert {line.split(", ")[1] for line in lines} == {"gauge", "counter"}


def test_utilisation_memory_and_errors_are_among_them() -> None:
    wanted = {
        "DCGM_FI_DEV_GPU_UTIL",
        "DCGM_FI_DEV_FB_USED",
        "DCGM_FI_DEV_XID_ERRORS",
        "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE",
    }
    assert wanted <= set(COUNTERS)


def test_the_exporter_knows_every_name() -> None:
    """It ends at its start with "could not find DCGM field" otherwise (`counter_config.go`, `ExtractCounters`)."""
    assert set(COUNTERS) == set(FIELD_IDS) | OF_THE_EXPORTER


def test_what_a_cloud_alerts_on_for_broken_gpus_is_among_them() -> None:
    """Amazon SageMaker HyperPod, preconfigured alerts; NVIDIA's "GPU debug guidelines" on row remapping."""
    on_memory = {"DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", "DCGM_FI_DEV_ECC_DBE_AGG_TOTAL", "DCGM_FI_DEV_ROW_REMAP_PENDING"}
    assert {"DCGM_FI_DEV_GPU_TEMP", "DCGM_FI_DEV_XID_ERRORS"} | on_memory <= set(COUNTERS)


def test_both_clouds_export_one_list() -> None:
    """On EKS by the operator (its chart at v26.7.0, `templates/dcgm_exporter_config.yaml`), on ACK by the chart."""
    lists: dict[str, str] = {}
    for stack in STACKS:
        for found in committed(stack).all(_RELEASE):
            if found.inputs["name"] == "gpu-operator":
                config = found.inputs["values"]["dcgmExporter"]["config"]
                assert config["create"], "else it has to be there already"
                lists[stack] = config["data"]
            elif found.inputs["name"] == "dcgm-exporter":
                lists[stack] = found.inputs["values"]["customMetrics"]
    assert set(lists) == set(STACKS)
    assert len(set(lists.values())) == 1


@pytest.mark.parametrize("monitored", [True, False])
def test_it_is_scraped_only_with_a_prometheus(monitored: bool) -> None:
    assert _values(monitored=monitored)["serviceMonitor"]["enabled"] is monitored, "the kind would be missing"


@pytest.mark.parametrize("stack", STACKS)
def test_every_queried_gpu_metric_is_exported(stack: str) -> None:
    assert queried(committed(stack).registered) <= set(COUNTERS)


def test_a_query_of_another_metric_is_found() -> None:
    import pulumi_kubernetes as k8s

    def program() -> None:
        k8s.apiextensions.CustomResource(
            "rule",
            api_version="monitoring.coreos.com/v1",
            kind="PrometheusRule",
            metadata=k8s.meta.v1.ObjectMetaArgs(name="gpu"),
            spec={"groups": [{"name": "gpu", "rules": [{"expr": "avg(DCGM_CUSTOM_PROCESS_SM_UTIL) > 90"}]}]},
        )

    assert queried(RecordingEngine().run(program).registered) - set(COUNTERS) == {"DCGM_CUSTOM_PROCESS_SM_UTIL"}


@pytest.mark.parametrize("stack", STACKS)
def test_gpus_have_one_owner(stack: str) -> None:
    engine = committed(stack)
    charts = {found.inputs["name"] for found in engine.all(_RELEASE)}
    owners = charts & {"gpu-operator", "nvidia-device-plugin"}
    on_ack = stack_config(stack)["llmplatform:cloud"]["provider"] == "alicloud"
    assert owners == (set() if on_ack else {"gpu-operator"}), "ACK brings driver and device plugin with the node"
    assert ("dcgm-exporter" in charts) is on_ack, "the operator brings its own exporter: two would count twice"

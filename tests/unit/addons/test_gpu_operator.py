"""NVIDIA's operator: what it owns on a node, and what it leaves to the node's image."""

from functools import partial
from typing import Any

import pytest
from support.addons import BOTTLEROCKET, TAINTED, gpu_metrics, gpu_operator
from support.plans import ON_DEMAND, SPOT_FIRST, SYSTEM, pool_plans
from support.sites import on_sites

from llmplatform.testing import RecordingEngine

RELEASE = "kubernetes:helm.sh/v3:Release"

VARIANTS = {
    name: program
    for image, pool in {"al2023": SPOT_FIRST, "bottlerocket": BOTTLEROCKET, "tainted": TAINTED}.items()
    for name, program in on_sites(f"gpu-operator, {image}", partial(gpu_operator, pools=pool_plans(gpu=pool))).items()
}


def values(engine: RecordingEngine, release: str) -> dict[str, Any]:
    return engine.one(RELEASE, release).inputs["values"]


def test_what_the_gpu_operator_runs_on_nodes_bears_the_taints_of_pools_with_gpus() -> None:
    pools = pool_plans(
        gpu={
            **ON_DEMAND,
            "taints": [{"key": "team", "value": "search"}, {"key": "wish", "effect": "PreferNoSchedule"}],
        },
        cpu={**SYSTEM, "taints": [{"key": "batch"}]},
    )
    found = values(RecordingEngine().run(lambda: gpu_operator(pools=pools)), "gpu-operator-release")
    borne = [
        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},
        {"key": "team", "operator": "Exists", "effect": "NoSchedule"},
    ]
    # values.yaml of the chart, 26.7.0: of what it runs on nodes, feature discovery has tolerations of its own.
    assert found["daemonsets"]["tolerations"] == borne
    assert found["node-feature-discovery"]["worker"]["tolerations"] == borne


def test_the_gpu_operator_leaves_driver_and_toolkit_to_the_node_image() -> None:
    found = values(RecordingEngine().run(gpu_operator), "gpu-operator-release")
    assert found["driver"] == found["toolkit"] == {"enabled": False}, "a second toolkit breaks new nodes' runtime"
    assert found["operator"] == {"upgradeCRD": True, "cleanupCRD": False}
    assert found["validator"]["plugin"]["env"], "empty, it has rendered as null"


@pytest.mark.parametrize(
    ("pools", "brings"), [({"gpu": SPOT_FIRST}, True), ({"gpu": BOTTLEROCKET}, False), ({}, False)]
)
def test_nvidia_gpus_have_exactly_one_device_plugin(pools: dict[str, Any], brings: bool) -> None:
    engine = RecordingEngine().run(lambda: gpu_operator(pools=pool_plans(**pools)))
    assert values(engine, "gpu-operator-release")["devicePlugin"] == {"enabled": brings}, "Bottlerocket carries its own"


def test_gpu_metrics_are_scraped_with_a_prometheus() -> None:
    for monitored in (True, False):
        engine = RecordingEngine().run(lambda monitored=monitored: gpu_operator(monitored=monitored))
        monitor = values(engine, "gpu-operator-release")["dcgmExporter"]["serviceMonitor"]
        assert (monitor["enabled"], monitor["interval"]) == (monitored, "15s")


def test_gpu_metrics_have_the_same_job_on_every_cloud_and_say_whose_gpu_it_is() -> None:
    """Prometheus, `honor_labels`: else pod and namespace of the exporter take the place of those it tells of."""
    operator = values(RecordingEngine().run(gpu_operator), "gpu-operator-release")["dcgmExporter"]["serviceMonitor"]
    alone = values(RecordingEngine().run(gpu_metrics), "gpu-metrics-release")["serviceMonitor"]
    assert operator == alone
    assert operator["honorLabels"] is True
    assert {"targetLabel": "job", "replacement": "dcgm-exporter"} in operator["relabelings"]


def test_the_operator_leaves_out_what_no_machine_of_ours_has() -> None:
    """Its chart has both on; with `ccManager.defaultMode: on` GPUs that can would compute confidentially."""
    found = values(RecordingEngine().run(gpu_operator), "gpu-operator-release")
    assert found["ccManager"] == found["kataSandboxDevicePlugin"] == {"enabled": False}

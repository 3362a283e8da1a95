"""Alerts about capacity: each fires, stays silent, and resolves, in the real promtool."""

from pathlib import Path

from support.platform_series import ANOTHER, CALM, GROUPS, NODE, ON_ACK, waiting, without
from support.rules import Case, alerts, hold, kube

CASES = [
    Case(
        "a pod waits for a GPU, a placeholder as well",
        {
            **CALM,
            **kube("kube_pod_status_unschedulable", "chat-1", "_x30 1x60 stale"),
            **kube("kube_pod_container_resource_requests", "chat-1", "1x240", resource="nvidia_com_gpu"),
            **kube("kube_pod_status_unschedulable", "placeholder-gpu-1", "1x240"),
            **kube("kube_pod_container_resource_requests", "placeholder-gpu-1", "1x240", resource="nvidia_com_gpu"),
        },
        {
            "59m": {},
            "65m": {
                "GpuPodsUnschedulable": {
                    "namespace": "models",
                    "says": "1 pods in models wait for a node with GPUs.",
                }
            },
            "100m": {},
        },
    ),
    Case(
        "machines are sold out",
        {**CALM, 'cluster_autoscaler_failed_scale_ups_total{reason="timeout"}': "0x30 1x200"},
        {
            "30m": {},
            "40m": {
                "AutoscalerGetsNoMachines": {
                    "reason": "timeout",
                    "says": "The autoscaler got no machine 1 times within half an hour: timeout.",
                }
            },
            "90m": {},
        },
    ),
    Case(
        "the autoscaler's rounds fail",
        {**CALM, 'cluster_autoscaler_errors_total{type="cloudProviderError"}': "0x30 0+1x40 40x200"},
        {
            "40m": {},
            "60m": {
                "AutoscalerErrors": {
                    "type": "cloudProviderError",
                    "says": "The autoscaler's rounds fail: cloudProviderError.",
                }
            },
            "100m": {},
        },
    ),
    Case(
        "the autoscaler sees too many broken nodes",
        {
            **without("cluster_autoscaler_cluster_safe_to_autoscale"),
            "cluster_autoscaler_cluster_safe_to_autoscale": "1x30 0x40 1x200",
        },
        {
            "40m": {},
            "50m": {
                "AutoscalerStopped": {
                    "says": "The autoscaler adds no nodes: too many of those that there are do not become ready."
                }
            },
            "72m": {},
        },
    ),
    Case(
        "the autoscaler is away for half an hour",
        {
            **without('cluster_autoscaler_last_activity{activity="main"}'),
            'cluster_autoscaler_last_activity{activity="main"}': "1x30 stale _x29 1x200",
        },
        {
            "40m": {},
            "50m": {"AutoscalerAway": {"says": "No autoscaler tells of itself: pools do not grow."}},
            "65m": {},
        },
    ),
    Case(
        "a spot pool has nodes on demand for seven hours",
        {**without(NODE % "SPOT"), NODE % "ON_DEMAND": "1x420 stale", NODE % "SPOT": "_x421 1x60"},
        {
            "350m": {},
            "370m": {"SpotPoolOnDemand": {"pool": "gpu", "says": "1 nodes of the spot pool gpu are bought on demand."}},
            "430m": {},
        },
    ),
    Case(
        "ACK says itself which nodes are spot machines",
        {**without(NODE % "SPOT"), ON_ACK % "NoSpot": "1x420 stale", ON_ACK % "SpotAsPriceGo": "_x421 1x60"},
        {
            "350m": {},
            "370m": {"SpotPoolOnDemand": {"pool": "gpu", "says": "1 nodes of the spot pool gpu are bought on demand."}},
            "430m": {},
        },
    ),
    Case(
        "spot machines are reclaimed while pods wait",
        {**CALM, ANOTHER: "1x30 stale", waiting("waits"): "_x32 1x20 stale"},
        {
            "30m": {},
            "40m": {
                "SpotMachinesLost": {
                    "pool": "gpu",
                    "says": "The pool gpu has lost 1 spot machines within half an hour, and pods wait for nodes.",
                }
            },
            "56m": {},
        },
    ),
    Case("the autoscaler removes a spot machine", {**CALM, ANOTHER: "1x30 stale"}, {"40m": {}}),
]


def test_these_alerts_fire_and_no_others(tmp_path: Path) -> None:
    hold(GROUPS, CASES, tmp_path)


def test_every_alert_about_capacity_fires_and_resolves() -> None:
    for name in alerts([group for group in GROUPS if group.name == "capacity"]):
        moments = [[name in fired for fired in case.moments.values()] for case in CASES]
        assert any(True in found and not found[-1] for found in moments), f"{name} does not both fire and resolve"

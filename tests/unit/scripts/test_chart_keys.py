"""Keys and kinds of the pinned charts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from llmplatform.catalog import chart_crds, chart_keys
from llmplatform.catalog.versions import CHARTS

SCRIPT = Path(__file__).parents[3] / "scripts" / "chart_keys.py"


def unknown(chart: str, values: dict[str, object]) -> list[str]:
    return chart_keys(chart, CHARTS[chart].version).unknown(values)


@pytest.mark.parametrize("chart", CHARTS)
def test_the_keys_of_every_chart_are_on_record(chart: str) -> None:
    found = chart_keys(chart, CHARTS[chart].version)
    assert found.tree, "without its keys, no value can be checked"
    assert found.source.startswith("https://"), "where the keys were taken from"


def test_the_keys_of_another_version_are_not_taken_for_this_one() -> None:
    with pytest.raises(KeyError, match=r"cert-manager v9\.9\.9"):
        chart_keys("cert-manager", "v9.9.9")
    with pytest.raises(KeyError, match="scripts/chart_keys"):
        chart_keys("no-such-chart", "1.0.0")


@pytest.mark.parametrize(
    ("chart", "values", "lines"),
    [
        (
            "gpu-operator",
            {"driver": {"enabledd": False}},
            ["driver.enabledd: the chart has no such key; did you mean 'enabled'?"],
        ),
        (
            "cluster-autoscaler",
            {"autodiscovery": {"clusterName": "a"}},
            ["autodiscovery: the chart has no such key; did you mean 'autoDiscovery'?"],
        ),
        (
            "cert-manager",
            {"prometheus": {"serviceMonitor": {"enabled": True}}},
            ["prometheus.serviceMonitor: the chart has no such key; did you mean 'servicemonitor'?"],
        ),
        (
            "kube-prometheus-stack",
            {"prometheus": {"prometheusSpec": {"serviceMonitorSelectorNilUsesHelmValue": False}}},
            [
                (
                    "prometheus.prometheusSpec.serviceMonitorSelectorNilUsesHelmValue: the chart has no such key; "
                    "did you mean 'serviceMonitorSelectorNilUsesHelmValues'?"
                )
            ],
        ),
        ("cert-manager", {"xyzzy": 1}, ["xyzzy: the chart has no such key; remove it, or see the chart's values.yaml"]),
    ],
)
def test_a_misspelt_key_is_refused_with_the_nearest(chart: str, values: dict[str, object], lines: list[str]) -> None:
    assert unknown(chart, values) == lines, "Helm itself would take the key and do nothing"


@pytest.mark.parametrize(
    ("chart", "values"),
    [
        ("cluster-autoscaler", {"extraArgs": {"expander": "priority", "no-such-flag-is-checked-here": "1"}}),
        (
            "cluster-autoscaler",
            {"nodeSelector": {"llmplatform.dev/pool": "system"}, "expanderPriorities": {"50": [".*-spot"]}},
        ),
        ("gpu-operator", {"node-feature-discovery": {"worker": {"tolerations": []}}, "nfd": {"enabled": True}}),
        ("cert-manager", {"serviceAccount": {"annotations": {"a": "b"}}, "crds": {"enabled": True, "keep": True}}),
        ("kube-prometheus-stack", {"grafana": {"admin": {"existingSecret": "x"}, "persistence": {"enabled": True}}}),
        ("kube-prometheus-stack", {"global": {"imageRegistry": "registry.example.org"}, "crds": {"enabled": False}}),
        (
            "kube-prometheus-stack",
            {
                "prometheus": {
                    "prometheusSpec": {"storageSpec": {"volumeClaimTemplate": {"spec": {"storageClassName": "a"}}}}
                }
            },
        ),
    ],
)
def test_keys_that_a_chart_has_are_taken(chart: str, values: dict[str, object]) -> None:
    assert unknown(chart, values) == []


def test_keys_of_a_dependency_are_checked_below_its_alias() -> None:
    assert unknown("kube-prometheus-stack", {"grafana": {"persistenc": {}}}) == [
        "grafana.persistenc: the chart has no such key; did you mean 'persistence'?"
    ]
    assert unknown("gpu-operator", {"node-feature-discovery": {"workr": {}}}) == [
        "node-feature-discovery.workr: the chart has no such key; did you mean 'worker'?"
    ]


def test_the_kinds_that_a_chart_brings_are_on_record() -> None:
    kinds = {(crd.group, crd.kind): crd for crd in chart_crds("cert-manager")}
    issuer = kinds["cert-manager.io", "ClusterIssuer"]
    assert (issuer.versions, issuer.plural, issuer.scope) == (("v1",), "clusterissuers", "Cluster")
    assert {crd.kind for crd in chart_crds("prometheus-operator-crds")} >= {"ServiceMonitor", "PrometheusRule"}
    assert {crd.kind for crd in chart_crds("gpu-operator")} >= {"ClusterPolicy"}
    assert chart_crds("cluster-autoscaler") == ()


@pytest.mark.skipif(not os.environ.get("LLMPLATFORM_CHARTS"), reason="LLMPLATFORM_CHARTS names no folder of charts")
def test_the_data_are_those_of_the_charts() -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"run scripts/chart_keys.py: {done.stdout}{done.stderr}"

"""Every value that an add-on sets is one that its chart reads, whatever is switched on."""

import re
from functools import cache
from pathlib import PurePosixPath
from typing import Any

import pytest
from support.sites import CHARTS_DIR, MIRRORED, variants

from llmplatform.catalog.chart_values import chart_keys
from llmplatform.catalog.versions import CHARTS
from llmplatform.specs.addons.cert_manager import ALIDNS_WEBHOOK
from llmplatform.specs.capabilities import ALL as CAPABILITIES
from llmplatform.testing import RecordingEngine, Registered, walk

RELEASE = "kubernetes:helm.sh/v3:Release"
VARIANTS = variants()


@cache
def releases(variant: str) -> list[Registered]:
    return RecordingEngine().run(VARIANTS[variant]).all(RELEASE)


def chart_of(release: Registered) -> str:
    archive = PurePosixPath(release.inputs["chart"])
    (chart,) = [chart for chart in CHARTS.values() if archive.name == f"{chart.name}-{chart.version}.tgz"]
    return chart.name


def test_every_chart_of_a_capability_is_installed_by_a_variant() -> None:
    wanted = {chart for kind in CAPABILITIES for chart in kind.charts} | {ALIDNS_WEBHOOK}
    assert {chart_of(release) for variant in VARIANTS for release in releases(variant)} == wanted


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_value_that_is_set_exists_in_the_chart(variant: str) -> None:
    for release in releases(variant):
        keys = chart_keys(chart_of(release), CHARTS[chart_of(release)].version)
        assert keys.unknown(release.inputs.get("values", {})) == [], "the chart would take it without a word"


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_release_is_named_and_comes_from_a_pinned_local_archive(variant: str) -> None:
    for release in releases(variant):
        assert release.inputs["chart"].startswith(f"{CHARTS_DIR}/"), "from a repository it cannot be previewed offline"
        assert release.inputs["name"] == chart_of(release), "a random name breaks references to the chart's objects"
        assert release.inputs["namespace"]
        assert release.inputs["atomic"] is True


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_image_is_pinned_to_latest(variant: str) -> None:
    for release in releases(variant):
        tags = [value for path, value in walk(release.inputs.get("values", {})) if path.endswith((".tag", ".version"))]
        assert all(re.fullmatch(r"v?\d+\.\d+.*", tag) for tag in tags)


@pytest.mark.parametrize("variant", [name for name in VARIANTS if "mirrored" in name.split(", ")])
def test_no_address_of_a_mirrored_registry_is_left(variant: str) -> None:
    for release in releases(variant):
        values = release.inputs.get("values", {})
        public = {
            path: value
            for path, value in walk(values)
            if isinstance(value, str) and value.startswith(tuple(MIRRORED.images))
        }
        assert not public
        mirrored = [value for _, value in walk(values) if isinstance(value, str) and "registry.example.org" in value]
        assert mirrored or not values, f"{chart_of(release)} pulls from the public registries"


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_secret_is_in_a_releases_values(variant: str) -> None:
    for release in releases(variant):
        assert "values" not in release.secrets
        assert not [path for path, value in walk(release.inputs) if value == "Generated-passw0rd"]


def test_a_misspelt_key_is_found_and_the_right_one_named() -> None:
    typo: dict[str, Any] = {"prometheus": {"prometheusSpec": {"retension": "7d"}}}
    chart = CHARTS["kube-prometheus-stack"]
    (line,) = chart_keys(chart.name, chart.version).unknown(typo)
    assert line.startswith("prometheus.prometheusSpec.retension:")
    assert "retention" in line, "the line tells what was meant"


@pytest.mark.parametrize("chart", CHARTS)
def test_an_invented_key_is_found_in_every_chart(chart: str) -> None:
    assert chart_keys(chart, CHARTS[chart].version).unknown({"noSuchKeyAnywhere": True})

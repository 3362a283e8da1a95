"""Which dashboards a cluster gets, and where Grafana finds them."""

import json

import pytest
from support import panels
from support.plans import environment, pool_plans
from support.sites import site

from llmplatform.addons.dashboards import show
from llmplatform.addons.monitoring import install
from llmplatform.specs import addons as specs
from llmplatform.specs.services import Mlflow
from llmplatform.testing import RecordingEngine

CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
LARGEST = 1024 * 1024
"""Bytes of an object's data: Kubernetes, pkg/apis/core/validation, `MaxSecretSize`."""


def shown(spec: specs.Monitoring, **changes: object) -> dict[str, dict[str, object]]:
    """The objects by name."""
    at = site(environment=environment(), **changes)
    engine = RecordingEngine().run(lambda: show(at, spec, "monitoring"))
    return {each.inputs["metadata"]["name"]: each.inputs for each in engine.all(CONFIG_MAP)}


def test_grafana_finds_every_dashboard_by_its_label() -> None:
    for made in shown(specs.Monitoring()).values():
        metadata = made["metadata"]
        assert isinstance(metadata, dict)
        assert metadata["labels"]["grafana_dashboard"] == "1"
        assert metadata["namespace"] == "monitoring"


def test_a_dashboard_is_there_with_what_it_shows() -> None:
    assert set(shown(specs.Monitoring())) == {
        f"dashboards-test-{each}" for each in ("fleet", "model", "capacity", "gpus")
    }
    without = shown(specs.Monitoring(), pools=pool_plans())
    assert set(without) == {f"dashboards-test-{each}" for each in ("fleet", "model", "capacity")}
    assert "dashboards-test-mlflow" in shown(specs.Monitoring(), sections=(Mlflow(),))
    scaled = shown(specs.Monitoring(), sections=(specs.ClusterAutoscaler(),))
    assert "dashboards-test-autoscaler" not in scaled, "the cloud's own autoscaler tells nothing"


def test_an_existing_grafana_gets_dashboards_where_the_settings_ask_for_them() -> None:
    assert not shown(specs.Monitoring(kind="existing"))
    assert shown(specs.Monitoring(kind="existing", dashboards=True))
    assert not shown(specs.Monitoring(dashboards=False))


def test_monitoring_brings_dashboards() -> None:
    at = site(monitored=False, sections=(specs.Monitoring(),))
    engine = RecordingEngine().run(lambda: install(at))
    assert engine.all(CONFIG_MAP)


@pytest.mark.parametrize("name", panels.NAMES)
def test_a_dashboard_fits_into_an_object(name: str) -> None:
    assert len(json.dumps(panels.board(name)).encode()) < LARGEST / 4


def test_dashboards_have_addresses_and_titles_of_their_own() -> None:
    boards = [panels.board(name) for name in panels.NAMES]
    assert len({each["uid"] for each in boards}) == len({each["title"] for each in boards}) == len(boards)
    assert all(len(each["uid"]) <= 40 for each in boards), "Grafana takes no longer ones"


@pytest.mark.parametrize("name", panels.NAMES)
def test_panels_say_what_they_show_and_lie_beside_each_other(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    titles: set[tuple[str, str]] = set()
    for panel in panels.panels(name):
        column, row, width, height = panel.place
        cells = {(x, y) for x in range(column, column + width) for y in range(row, row + height)}
        assert not taken & cells, f"{panel.title} lies over another panel"
        assert column + width <= panels.GRID
        assert panel.says.endswith("."), panel.title
        assert (panel.kind, panel.title) not in titles, f"{panel.title}: twice"
        taken |= cells
        titles.add((panel.kind, panel.title))


@pytest.mark.parametrize("name", panels.NAMES)
def test_every_query_asks_the_chosen_data_source(name: str) -> None:
    source = {"type": "prometheus", "uid": "${datasource}"}
    for panel in panels.board(name)["panels"]:
        for query in panel.get("targets") or ():
            assert panel["datasource"] == query["datasource"] == source

"""Every panel of every dashboard has data in a real Prometheus, over series of every engine, with unit and legend."""

import math
import re
from collections.abc import Iterator
from typing import Any

import pytest
from support import fleet, panels
from support.fleet import Served
from support.panels import Panel
from support.replay import Server, played

from llmplatform.addons.gpu_metrics import COUNTERS
from llmplatform.catalog import engine_flags, engines
from llmplatform.serving.engines import ENGINES

EMPTY: dict[str, set[str]] = {
    "requests_running": {"Active requests by server"},
    "kv_cache_usage": {"Cache", "Use of the key-value cache"},
    "requests_failed": {"Errors", "Speed at which budgets are spent"},
    "prompt_tokens": set(),
    "generation_tokens": {"Tokens of answers by server"},
    "preemptions": {"Preemptions"},
    "prefix_cache_queries": {"Hits of the prefix cache"},
    "time_to_first_token": {"First token, p95", "Time to first token"},
    "time_between_tokens": {"Time between tokens"},
    "request_latency": {"Whole requests"},
}
"""Series that an engine may not have, and the panels of a model's dashboard that show nothing without it."""
EMPTY_TOGETHER: dict[tuple[str, ...], set[str]] = {
    ("requests_finished", "requests_failed"): {"Requests"},
    ("requests_running", "requests_waiting"): {"Active and waiting requests"},
    ("prompt_tokens", "generation_tokens"): {"Tokens"},
}
"""… without all of them."""
WITHOUT_GPUS = {"Use of GPUs"}
MODELS = {f"{each.namespace}/{each.plan.name}": each for each in fleet.fleet().models}
ALL = dict.fromkeys(("environment", "namespace", "model", "node", "pool"), ".*")
EVERY = [panel for name in panels.NAMES for panel in panels.panels(name)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    known = fleet.fleet()
    with played(known.groups, known.series, tmp_path_factory.mktemp("prometheus")) as running:
        yield running


def results(server: Server, panel: Panel, values: dict[str, str]) -> list[list[dict[str, Any]]]:
    """The series of each query that have a number somewhere."""
    found: list[list[dict[str, Any]]] = []
    for query in panel.queries:
        expr = panels.filled(query.expr, values)
        series = server.instant(expr) if query.instant else server.over(expr, seconds=60 * fleet.MINUTES, step=300)
        found.append([each for each in series if any(not math.isnan(value) for value in numbers(each))])
    return found


def numbers(series: dict[str, Any]) -> list[float]:
    return [float(value) for _, value in series.get("values") or [series["value"]]]


def of(served: Served) -> dict[str, str]:
    return {"environment": served.environment, "namespace": served.namespace, "model": served.plan.name}


@pytest.mark.parametrize("panel", [each for each in EVERY if each.board != "model"], ids=lambda each: each.title)
def test_a_panel_about_the_platform_has_data_and_names_for_all_of_it(server: Server, panel: Panel) -> None:
    found = results(server, panel, ALL)
    assert all(found), f"{panel.board}, {panel.title}: a query has no data"
    if panel.kind != "table":
        named(panel, found)


@pytest.mark.parametrize("name", MODELS)
def test_a_models_panels_have_data_but_where_its_engine_tells_nothing(server: Server, name: str) -> None:
    served = MODELS[name]
    has = set(served.metrics.model_dump(exclude_none=True))
    expected = {title for series, titles in EMPTY.items() if series not in has for title in titles}
    expected |= {title for series, titles in EMPTY_TOGETHER.items() if not has & set(series) for title in titles}
    expected |= set() if served.plan.gpus else WITHOUT_GPUS
    empty: set[str] = set()
    for panel in panels.panels("model"):
        found = results(server, panel, of(served))
        if not any(found):
            empty.add(panel.title)
        named(panel, found)
    assert empty == expected


def test_every_query_of_a_models_dashboard_has_data_with_some_engine(server: Server) -> None:
    every = {(panel.title, query.expr) for panel in panels.panels("model") for query in panel.queries}
    seen = {
        (panel.title, query.expr)
        for served in MODELS.values()
        for panel in panels.panels("model")
        for query, found in zip(panel.queries, results(server, panel, of(served)), strict=True)
        if found
    }
    assert not every - seen


def named(panel: Panel, found: list[list[dict[str, Any]]]) -> None:
    """Hold that each series of a panel has a name of its own, of labels that it has."""
    names: list[str] = []
    for query, series in zip(panel.queries, found, strict=True):
        for each in series:
            wanted = re.findall(r"\{\{(\w+)\}\}", query.legend)
            # A label that nodes of another cloud do not have is empty.
            missing = {label for label in wanted if label not in each["metric"]}
            assert not missing, f"{panel.title}: {query.legend} has no {missing} in {each['metric']}"
            names.append(re.sub(r"\{\{(\w+)\}\}", lambda label, of=each: of["metric"][label[1]], query.legend))
        assert query.legend != "__auto" or len(series) <= 1 or panel.kind == "table", f"{panel.title}: no legend"
    assert len(names) == len(set(names)), f"{panel.board}, {panel.title}: series with one name: {sorted(names)}"


@pytest.mark.parametrize("name", panels.NAMES)
def test_variables_have_values(server: Server, name: str) -> None:
    for variable in panels.variables(name):
        chosen = ALL if variable.several else of(MODELS["sglang/assistant"])
        assert server.values(variable.label, panels.filled(variable.selector, chosen)), variable


def test_some_alerts_fire_in_what_is_replayed(server: Server) -> None:
    firing = server.instant('count by (severity) (ALERTS{alertstate="firing"})')
    assert {each["metric"]["severity"] for each in firing} >= {"warning"}


def test_what_is_replayed_are_series_that_the_engines_have() -> None:
    for kind in ENGINES:
        facts = engines.facts(kind)
        for release in facts.releases:
            known = engine_flags.names(kind, release.version, "metric")
            for series in release.metrics.model_dump(exclude_none=True).values():
                name = re.sub(r"\{.*", "", series)
                assert name in known or re.sub(r"_(sum|count)$", "", name) in known, f"{kind} has no {name}"


UNITS = {
    r"objective": "short",
    r"^time\(\)|^min by .*time\(\)|histogram_quantile": "s",
    r" / ": "percentunit",
    r"rate\(mlflow_http_request_total": "reqps",
    r"count|increase": "short",
    r":ratio_|_usage:|DCGM_FI_PROF_\w+_ACTIVE": "percentunit",
    r"tokens:rate5m": "suffix: tokens/s",
    r":(requests|requests_failed|preemptions):rate5m": "reqps",
    r"PCIE_[RT]X_BYTES": "binBps",
    r"rate\(DCGM_FI_DEV_PCIE": "cps",
    r"_bytes|limits": "bytes",
    r"CLOCK.* 1e6": "hertz",
    r"safe_to_autoscale": "bool_yes_no",
    **{name: {"C": "celsius", "W": "watt"}[says[-3]] for name, (_, says) in COUNTERS.items() if says[-3] in "CW"},
}
"""What a query says to the unit of its values: the first that it says. Else they are numbers of things."""


@pytest.mark.parametrize("panel", EVERY, ids=lambda each: f"{each.board}: {each.title}")
def test_units_are_those_of_the_values(panel: Panel) -> None:
    for query in panel.queries:
        wanted = next((unit for words, unit in UNITS.items() if re.search(words, query.expr, re.DOTALL)), "short")
        assert query.unit == wanted, f"{panel.board}, {panel.title}: {query.expr}"


def test_parts_of_a_whole_are_between_nothing_and_all(server: Server) -> None:
    for panel in EVERY:
        if panel.board != "model" and {query.unit for query in panel.queries} == {"percentunit"}:
            values = [value for found in results(server, panel, ALL) for each in found for value in numbers(each)]
            assert all(math.isnan(value) or 0 <= value <= 1 for value in values), f"{panel.title}: {max(values)}"

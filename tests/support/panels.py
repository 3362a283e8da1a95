"""Panels and variables of our dashboards, read from what stacks install, as Grafana reads it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llmplatform.catalog.dashboards import FOLDER, dashboard

NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
GRID = 24
"""Columns of Grafana's grid."""


@dataclass(frozen=True)
class Query:
    """One query of a panel."""

    expr: str
    legend: str
    unit: str
    instant: bool


@dataclass(frozen=True)
class Panel:
    """One panel."""

    board: str
    kind: str
    title: str
    says: str
    place: tuple[int, int, int, int]
    """Column, row, width and height in the grid."""
    queries: tuple[Query, ...]
    stacked: bool
    bad_from: float | None
    """A number is bad from here on."""
    labels: tuple[str, ...]
    """The labels of a table's lines, from left to right."""


@dataclass(frozen=True)
class Variable:
    """One variable whose values come from the series."""

    name: str
    label: str
    selector: str
    several: bool


def board(name: str) -> dict[str, Any]:
    """A dashboard as stacks install it."""
    return json.loads(dashboard(name))


def panels(name: str) -> Iterator[Panel]:
    """All panels of a dashboard but the titles of rows."""
    for panel in board(name)["panels"]:
        if panel["type"] == "row":
            assert not panel["panels"], "rows are open"
            continue
        place, defaults = panel["gridPos"], panel["fieldConfig"]["defaults"]
        steps = defaults.get("thresholds", {}).get("steps", ())
        queries = tuple(
            Query(each["expr"], each["legendFormat"], _unit(panel, each["refId"]), bool(each.get("instant")))
            for each in panel["targets"]
        )
        yield Panel(
            name,
            panel["type"],
            panel["title"],
            panel["description"],
            (place["x"], place["y"], place["w"], place["h"]),
            queries,
            stacked=defaults.get("custom", {}).get("stacking", {}).get("mode") == "normal",
            bad_from=next((step["value"] for step in steps if step["color"] == "red"), None),
            labels=tuple(
                label for each in panel.get("transformations") or () for label in each["options"].get("indexByName", ())
            ),
        )


def _unit(panel: dict[str, Any], query: str) -> str:
    """The unit of a query's values: the panel's, or that of its column in a table."""
    columns = {f"Value #{query}", *(["Value"] if len(panel["targets"]) == 1 else [])}
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"]["options"] in columns:
            return next(each["value"] for each in override["properties"] if each["id"] == "unit")
    return panel["fieldConfig"]["defaults"]["unit"]


def variables(name: str) -> Iterator[Variable]:
    """The variables of a dashboard that are asked of the data source."""
    for each in board(name)["templating"]["list"]:
        if each["type"] == "query":
            asked = re.fullmatch(r"label_values\((.+), (\w+)\)", each["query"])
            assert asked, f"{name}: {each['query']} asks for no label's values"
            yield Variable(each["name"], asked[2], asked[1], each["multi"])


def filled(text: str, values: Mapping[str, str]) -> str:
    """A query with Grafana's variables filled in. All values are `.*`, as the variables say."""
    # Grafana takes at least four intervals of scraping; those of the replay are a minute.
    found = {"__rate_interval": "5m", **values}
    return re.sub(r"\$(\w+)", lambda name: found[name[1]], text)

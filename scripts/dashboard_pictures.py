"""Draws docs/pictures/dashboard-*.svg: our dashboards with a real Prometheus' answers about series that are replayed.

They are no pictures of Grafana, which no package registry has: place, title, unit, legend and kind of each panel are
those of the dashboard's file, and the values are the answers. `make dashboard-pictures` draws them, in two widths.
"""

import io
import math
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from support import fleet, panels
from support.panels import GRID, Panel
from support.replay import BEGIN, Server, played

FOLDER = Path(__file__).parents[1] / "docs/pictures"
WIDTHS = (1440, 800)
NARROW = ("fleet", "model")
"""Dashboards that are kept in the lesser width as well."""
ROW = 38
"""Pixels of a row of Grafana's grid, with the space below it."""
DPI = 100
COLOURS = ("#7eb26d", "#eab839", "#6ed0e0", "#ef843c", "#e24d42", "#1f78c1", "#ba43a9", "#705da0", "#508642", "#cca300")
CHOSEN: Mapping[str, Mapping[str, str]] = {
    "model": {"environment": "dev-sglang", "namespace": "sglang", "model": "assistant"},
}
"""What is chosen at the top of a dashboard. Else it is all."""
SHOWN = 5
"""Names in a legend."""
STEP = 300
_SCALES = {"bytes": (1024, ("B", "KiB", "MiB", "GiB")), "binBps": (1024, ("B/s", "KiB/s", "MiB/s", "GiB/s"))}
_ENDINGS = {"reqps": " req/s", "celsius": " °C", "watt": " W", "suffix: tokens/s": " tokens/s", "cps": " c/s"}


def main() -> int:
    """Draw every dashboard in every width."""
    known = fleet.fleet()
    rcParams.update({"svg.hashsalt": "dashboards", "svg.fonttype": "none", "font.family": "sans-serif"})
    with tempfile.TemporaryDirectory() as folder, played(known.groups, known.series, Path(folder)) as server:
        for name in panels.NAMES:
            for width in WIDTHS if name in NARROW else WIDTHS[:1]:
                figure = drawn(server, name, width)
                path = FOLDER / f"dashboard-{name}-{width}.svg"
                text = io.StringIO()
                figure.savefig(text, format="svg", metadata={"Date": None})
                # A tenth of a pixel is enough.
                path.write_text(re.sub(r"(\d\.\d)\d+", r"\1", text.getvalue()), encoding="utf-8")
                print(path.name, f"{path.stat().st_size // 1024} KiB")
    return 0


def drawn(server: Server, name: str, width: int) -> Figure:
    """A dashboard."""
    rows = [(each["title"], each["gridPos"]["y"]) for each in panels.board(name)["panels"] if each["type"] == "row"]
    every = list(panels.panels(name))
    height = ROW * max(panel.place[1] + panel.place[3] for panel in every)
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="#f4f5f5")
    for title, row in rows:
        figure.text(8 / width, 1 - (ROW * row + 26) / height, title, size=_points(15), weight="bold", color="#24292e")
    for panel in every:
        _panel(figure, server, panel, width, height)
    return figure


def _points(pixels: float) -> float:
    return pixels * 72 / DPI


def _panel(figure: Figure, server: Server, panel: Panel, width: int, height: int) -> None:
    column, row, wide, high = panel.place
    left, top, across, down = column * width / GRID + 4, ROW * row + 4, wide * width / GRID - 8, ROW * high - 8
    frame = _axes(figure, (left, top, across, down), width, height)
    frame.set_xticks([])
    frame.set_yticks([])
    for side in frame.spines.values():
        side.set_color("#d5d8db")
    letters = int(across / 7.4)
    title = panel.title if len(panel.title) <= letters else panel.title[: letters - 1] + "…"
    frame.text(8 / across, 1 - 18 / down, title, size=_points(13), weight="bold", color="#24292e")
    values = CHOSEN.get(panel.board, dict.fromkeys(("environment", "namespace", "model", "node", "pool"), ".*"))
    asked = [panels.filled(query.expr, values) for query in panel.queries]
    if panel.kind == "table":
        _table(frame, panel, [server.instant(expr) for expr in asked], across, down)
        return
    found = [server.over(expr, seconds=60 * fleet.MINUTES, step=STEP) for expr in asked]
    if panel.kind == "stat":
        _number(frame, panel, found[0], across, down)
    elif panel.kind == "bargauge":
        _bars(frame, panel, found[0], across, down)
    else:
        names = [
            (_name(query.legend, series["metric"]), series["values"])
            for query, every in zip(panel.queries, found, strict=True)
            for series in every
        ]
        legend = 16 * min(len(names), SHOWN + 1) + 8
        plot = _axes(figure, (left + 58, top + 30, across - 70, down - 58 - legend), width, height)
        _lines(plot, panel, names)
        _legend(frame, panel, names, across, down)


def _axes(figure: Figure, place: tuple[float, float, float, float], width: int, height: int) -> Axes:
    left, top, across, down = place
    return figure.add_axes((left / width, 1 - (top + down) / height, across / width, down / height))


def _name(legend: str, metric: Mapping[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda label: metric.get(label[1], ""), legend)


def _lines(plot: Axes, panel: Panel, names: Sequence[tuple[str, Any]]) -> None:
    colours = [COLOURS[at % len(COLOURS)] for at in range(len(names))]
    below: dict[float, float] = {}
    for (_, points), colour in zip(names, colours, strict=True):
        x = [(at - BEGIN) / 3600 for at, _ in points]
        y = [float(value) + below.get(at, 0.0) for at, (_, value) in zip(x, points, strict=True)]
        if panel.stacked:
            plot.fill_between(x, [below.get(at, 0.0) for at in x], y, color=colour, alpha=0.3, linewidth=0)
            below |= dict(zip(x, y, strict=True))
        plot.plot(x, y, color=colour, linewidth=1.1)
    unit = panel.queries[0].unit
    low, high = plot.get_ylim()
    plot.set_ylim(0, 1 if unit == "percentunit" and high > 0.5 else max(high, 1e-9 if low < high else 1))
    plot.set_xlim(0, fleet.MINUTES / 60)
    plot.set_xticks(range(fleet.MINUTES // 60 + 1), [f"{8 + hour:02}:00" for hour in range(fleet.MINUTES // 60 + 1)])
    ticks = [tick for tick in plot.get_yticks() if 0 <= tick <= plot.get_ylim()[1]][::2]
    # Grafana writes the whole unit, too; its axis is as wide as it needs.
    plot.set_yticks(ticks, [said(tick, unit).removesuffix(_ENDINGS.get(unit, "")) for tick in ticks])
    plot.tick_params(labelsize=_points(10), length=0, colors="#6e7680")
    plot.grid(color="#e4e7e7", linewidth=0.6)
    for side in plot.spines.values():
        side.set_visible(False)


def _legend(frame: Axes, panel: Panel, names: Sequence[tuple[str, Any]], across: float, down: float) -> None:
    unit = panel.queries[0].unit
    listed = list(names[:SHOWN])
    for at, (name, points) in enumerate(listed):
        below = 16 * (min(len(names), SHOWN + 1) - at) - 4
        frame.text(8 / across, below / down, "▬", size=_points(11), color=COLOURS[at % len(COLOURS)])
        frame.text(26 / across, below / down, name, size=_points(11), color="#24292e")
        last = said(float(points[-1][1]), unit)
        frame.text(1 - 8 / across, below / down, last, size=_points(11), color="#24292e", ha="right")
    if len(names) > SHOWN:
        frame.text(26 / across, 12 / down, f"… {len(names) - SHOWN} more", size=_points(11), color="#6e7680")


def _number(frame: Axes, panel: Panel, found: Sequence[Any], across: float, down: float) -> None:
    value = float(found[0]["values"][-1][1]) if found else math.nan
    text = said(value, panel.queries[0].unit)
    bad = panel.bad_from is not None and value >= panel.bad_from
    size = _points(min(30, 1.5 * across / max(6, len(text))))
    frame.text(0.5, 0.34, text, size=size, ha="center", color="#c4162a" if bad else "#37872d")


def _bars(frame: Axes, panel: Panel, found: Sequence[Any], across: float, down: float) -> None:
    for at, series in enumerate(found):
        value, below = float(series["values"][-1][1]), 1 - (62 + 46 * at) / down
        frame.text(8 / across, below + 20 / down, _name(panel.queries[0].legend, series["metric"]), size=_points(11))
        frame.barh(below + 6 / down, 0.82, height=16 / down, left=8 / across, color="#e9edf2")
        frame.barh(below + 6 / down, 0.82 * min(1, value), height=16 / down, left=8 / across, color="#7eb26d")
        frame.text(0.86, below, said(value, panel.queries[0].unit), size=_points(12))
    frame.set_xlim(0, 1)
    frame.set_ylim(0, 1)


def _table(frame: Axes, panel: Panel, found: Sequence[Any], across: float, down: float) -> None:
    titles = columns(panel)
    labels = panel.labels
    lines = sorted({tuple(series["metric"].get(each, "") for each in labels) for every in found for series in every})
    wide = (across - 16) / (len(labels) + len(titles))
    letters = max(4, int(wide / 6.2))

    def write(at: int, row: int, text: str, *, head: bool = False) -> None:
        short = text if len(text) <= letters else text[: letters - 1] + "…"
        place = (8 + at * wide) / across, 1 - (44 + 20 * row) / down
        frame.text(*place, short, size=_points(11), color="#6e7680" if head else "#24292e")

    for at, text in enumerate([*labels, *titles]):
        write(at, 0, text, head=True)
    most = int((down - 64) / 20)
    for row, line in enumerate(lines[:most], start=1):
        for at, text in enumerate(line):
            write(at, row, text)
        for at, (every, query) in enumerate(zip(found, panel.queries, strict=True), start=len(labels)):
            value = [each for each in every if tuple(each["metric"].get(label, "") for label in labels) == line]
            write(at, row, said(float(value[0]["value"][1]), query.unit) if value else "")
    if len(lines) > most:
        frame.text(8 / across, 10 / down, f"… {len(lines) - most} more", size=_points(11), color="#6e7680")


def columns(panel: Panel) -> list[str]:
    """The titles of a table's columns with values."""
    every = panels.board(panel.board)["panels"]
    (found,) = [each for each in every if (each["title"], each["type"]) == (panel.title, "table")]
    named = [each["properties"] for each in found["fieldConfig"]["overrides"]]
    return [next(each["value"] for each in properties if each["id"] == "displayName") for properties in named]


def said(value: float, unit: str) -> str:
    """A value with its unit, as Grafana writes it."""
    if math.isnan(value):
        return "No data"
    if unit == "percentunit":
        return f"{100 * value:.3g}%"
    if unit == "bool_yes_no":
        return "Yes" if value else "No"
    if unit == "s":
        return _seconds(value)
    if unit in _SCALES:
        base, names = _SCALES[unit]
        at = min(len(names) - 1, int(math.log(value, base))) if value >= 1 else 0
        return f"{value / base**at:.3g} {names[at]}"
    if unit == "hertz":
        return f"{value / 1e9:.3g} GHz" if value >= 1e9 else f"{value / 1e6:.3g} MHz"
    number = f"{value / 1000:.3g} K" if value >= 10000 else f"{value:.3g}" if value < 100 else f"{value:.0f}"
    return number + _ENDINGS.get(unit, "")


def _seconds(value: float) -> str:
    for size, name in ((3600, "h"), (60, "min"), (1, "s")):
        if value >= size:
            return f"{value / size:.3g} {name}"
    return f"{1000 * value:.3g} ms"


if __name__ == "__main__":
    sys.exit(main())

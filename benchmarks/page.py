"""Writes the measurements into `docs/benchmarks.md`, between two marks, and draws its picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.platforms import ROOT
from benchmarks.summary import Row, Spread, rows

PAGE = ROOT / "docs" / "benchmarks.md"
PICTURE = ROOT / "docs" / "pictures" / "benchmarks.svg"
_GREY, _COLOURS = "#808080", {"preview": "#1f88d1", "up": "#d1661f"}
"""Visible on white and on black."""
TIME, MEMORY = 1.10, 1.15
"""Limit of the components' cost, relative to raw."""
LARGE = 100
"""Number of models above which loading the SDKs is no longer most of a preview."""


def write(result: Mapping[str, Any]) -> None:
    """Bring page and picture up to date."""
    measured = list(rows(result["samples"]))
    between(PAGE, "measured", text(result, measured))
    PICTURE.parent.mkdir(exist_ok=True)
    draw(measured, PICTURE)


def between(page: Path, mark: str, text: str) -> None:
    """Put a text between two marks of a page."""
    start, end = f"<!-- {mark}: start -->", f"<!-- {mark}: end -->"
    before, _, rest = page.read_text().partition(start)
    page.write_text(f"{before}{start}\n{text}{end}{rest.partition(end)[2]}")


def text(result: Mapping[str, Any], measured: Sequence[Row]) -> str:
    """The tables, with the measured machine."""
    machine = result["machine"]
    loads = [sample["load"] for sample in result["samples"]]
    lines = [
        (
            f"Measured on {result['began'][:10]} in {result['minutes']:.0f} minutes: {machine['processors']} "
            f"processors ({machine['processor']}), {machine['memory_gib']} GiB, {machine['system']}, "
            f"Python {machine['python']}, Pulumi SDK {machine['pulumi']}, engine {machine['engine']}. "
            f"Load average during the run: {min(loads):.1f} to {max(loads):.1f}, "
            f"{median(loads):.1f} in the middle; this run alone makes one or two of it."
        ),
        "",
        f"![CPU seconds over registered resources](pictures/{PICTURE.name})",
        "",
        *verdicts(measured),
        "",
        (
            "| | Models | Resources | Seconds | CPU seconds | CPU ms per resource | Raw: resources | Raw: CPU seconds "
            "| CPU per resource, to raw | Program + engine, MiB | Memory, to raw |"
        ),
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
        *(_line(row) for row in measured),
        "",
        "| Command | Models | Seconds | CPU seconds |",
        "|---|--:|--:|--:|",
        *(
            f"| `llmplatform {command}` | {found['models']:,} | {_figures(found[command]['seconds'])} "
            f"| {_figures(found[command]['cpu'])} |"
            for command in ("validate", "schema")
            for found in result["settings"]
            if command == "validate" or found["models"] == 1
        ),
        "",
    ]
    return "\n".join(lines)


def draw(measured: Sequence[Row], file: Path) -> None:
    """Processor time over registered resources: a straight line of slope one is linear."""
    from matplotlib import rcParams
    from matplotlib.figure import Figure

    # No date and no random names: the same figures give the same file.
    rcParams["svg.hashsalt"] = "benchmarks"
    figure = Figure(figsize=(7.2, 3.8), layout="constrained")
    axes = figure.subplots()
    for operation, colour in _COLOURS.items():
        for checkpoints, style in ((True, "-"), (False, "--")):
            mine = [row for row in measured if (row.operation, row.checkpoints) == (operation, checkpoints)]
            points = sorted((row.resources, row.cpu.middle) for row in mine if row.stacks == 1)
            if points:
                label = operation if checkpoints else f"{operation}, state written once"
                axes.plot(*zip(*points, strict=True), style, color=colour, marker="o", label=label)
    axes.set(xscale="log", yscale="log", xlabel="registered resources", ylabel="CPU seconds, program + engine")
    axes.legend(frameon=False, labelcolor=_GREY)
    axes.grid(color=_GREY, alpha=0.25)
    axes.tick_params(colors=_GREY, which="both")
    for part in (axes.xaxis.label, axes.yaxis.label):
        part.set_color(_GREY)
    for spine in axes.spines.values():
        spine.set_color(_GREY)
    figure.savefig(file, transparent=True, metadata={"Date": None})


def verdicts(measured: Sequence[Row]) -> list[str]:
    """Whether the targets were met: a line each."""
    worst = max(measured, key=lambda row: row.time_ratio.middle)
    heaviest = max(measured, key=lambda row: row.memory_ratio.middle)
    lines = [
        _verdict("Processor time per registered resource, to raw", worst.time_ratio.middle, TIME, worst),
        _verdict("Memory, to raw", heaviest.memory_ratio.middle, MEMORY, heaviest),
    ]
    previews = sorted((row for row in measured if _is_growth(row)), key=lambda row: row.resources)
    if len(previews) > 1:
        least, most = previews[0], previews[-1]
        first, last = (1000 * row.cpu.middle / row.resources for row in (least, most))
        times = most.resources / least.resources
        lines.append(
            f"- A preview's processor time per resource, from {least.name} to {most.name} models: {first:.1f} → "
            f"{last:.1f} ms, a factor of {last / first:.2f} for {times:.1f} times the resources; "
            "1.00 is linear."
        )
    return lines


def _verdict(what: str, figure: float, target: float, row: Row) -> str:
    met = "met" if round(figure, 2) <= target else "**missed**"
    return f"- {what}: target {target:.2f}, {met}; at most {figure:.2f} ({_operation(row)}, {row.name} models)."


def _is_growth(row: Row) -> bool:
    return row.operation == "preview" and row.stacks == 1 and row.models >= LARGE


def _operation(row: Row) -> str:
    return row.operation if row.checkpoints or row.operation == "preview" else f"{row.operation}, state once"


def _line(row: Row) -> str:
    memory = f"{row.program_mib:.0f} + {row.engine_mib:.0f}"
    each = 1000 * row.cpu.middle / row.resources
    return (
        f"| {_operation(row)} | {row.name} | {row.resources:,} | {_spread(row.seconds, 1)} | {_spread(row.cpu, 1)} "
        f"| {each:.1f} | {row.raw_resources:,} | {_spread(row.raw_cpu, 1)} | {_spread(row.time_ratio, 2)} | {memory} "
        f"| {_spread(row.memory_ratio, 2)} |"
    )


def _figures(values: Sequence[float]) -> str:
    return _spread(Spread.of(values), 2)


def _spread(spread: Spread, digits: int) -> str:
    middle = f"{spread.middle:.{digits}f}"
    if spread.least == spread.most:
        return middle
    return f"{middle} ({spread.least:.{digits}f} to {spread.most:.{digits}f})"

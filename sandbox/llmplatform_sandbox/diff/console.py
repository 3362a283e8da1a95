"""A difference on a terminal: what needs attention first, then by component."""

from collections.abc import Iterator
from itertools import groupby

from rich.console import Console
from rich.text import Text

from llmplatform_sandbox.diff.difference import Difference
from llmplatform_sandbox.diff.plan import ResourceChange
from llmplatform_sandbox.diff.properties import PropertyChange
from llmplatform_sandbox.diff.texts import PAST, SIGNS, follows, lines, noun, sides, summary, what_happens

_STYLES = {"create": "green", "update": "yellow", "replace": "magenta", "delete": "red"}
_LINE_STYLES = {"+": "green", "-": "red", "~": "yellow"}
_MOST_LINES = 40


def print_difference(console: Console, difference: Difference) -> None:
    """All of it."""
    plan = difference.plan
    title = f"{difference.stack}: the working tree against {difference.against} ({difference.commit[:10]})"
    console.print(Text(title, style="bold"))
    for note in difference.notes:
        console.print(Text(f"  {note}", style="yellow"), soft_wrap=True)
    risky = [one for one in plan.changes if one.risky]
    if risky or plan.unprotected:
        console.print(Text("\nNeeds attention", style="bold red"))
        for one in risky:
            console.print(_line(one, what_happens(one)), soft_wrap=True)
        for name in plan.unprotected:
            console.print(Text(f"  ! {name} loses its protection", style="red"), soft_wrap=True)
    for component, members in by_component(plan.changes):
        console.print(Text(f"\n{component}", style="bold"))
        for text in _section(members):
            console.print(text, soft_wrap=True)
    if plan.outputs:
        console.print(Text("\nOutputs", style="bold"))
        for change in plan.outputs:
            for text in _property(change):
                console.print(text, soft_wrap=True)
    console.print(Text(f"\n{', '.join(summary(plan))}", style="bold"))


def by_component(changes: tuple[ResourceChange, ...]) -> list[tuple[str, list[ResourceChange]]]:
    """The changes of each component, the component with the most serious change first."""
    first = {one.component: index for index, one in reversed(list(enumerate(changes)))}
    ordered = sorted(changes, key=lambda one: first[one.component])
    return [(name, list(members)) for name, members in groupby(ordered, key=lambda one: one.component)]


def _section(members: list[ResourceChange]) -> Iterator[Text]:
    for one in members:
        if one.follows:
            continue
        yield _line(one, f"is {PAST[one.op]}" if one.risky else what_happens(one))
        for change in one.properties:
            yield from _property(change)
    following = sorted((one for one in members if one.follows), key=lambda one: (one.op, one.roots))
    for (op, roots), group in groupby(following, key=lambda one: (one.op, one.roots)):
        names = [f"{noun(one.type)} {one.name}" for one in group]
        because = "because of it" if len(roots) == 1 else "because of them"
        what = f"{len(names)} replaced {because}" if op == "replace" else f"{len(names)} may change {because}"
        yield Text(f"  {SIGNS[op]} {follows(roots)}: {what}: {', '.join(names)}", style="dim")


def _line(one: ResourceChange, clause: str) -> Text:
    style = _STYLES[one.op]
    return Text.assemble(
        ("  " + SIGNS[one.op] + " ", style), (one.name, "bold"), (f" {one.type}", "dim"), (f" {clause}", style)
    )


def _property(change: PropertyChange) -> Iterator[Text]:
    mark = ("  forces a replacement", "magenta") if change.replaces else ""
    block = lines(change)
    if not block:
        old, new = sides(change)
        style = "dim" if change.follows else ""
        yield Text.assemble(("      " + change.path + "  ", "cyan"), (f"{old} → {new}", style), mark)
        return
    yield Text.assemble(("      " + change.path, "cyan"), mark)
    for line in block[:_MOST_LINES]:
        yield Text("        " + line, style=_LINE_STYLES.get(line[:1], "dim"))
    if len(block) > _MOST_LINES:
        yield Text(f"        … {len(block) - _MOST_LINES} more lines; --json has all of them", style="dim")

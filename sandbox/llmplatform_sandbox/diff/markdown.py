"""A difference as a comment in a pull request: Markdown of GitHub, within its limit of a comment's length."""

import re
from collections.abc import Collection
from html import escape

from llmplatform_sandbox.diff.console import by_component
from llmplatform_sandbox.diff.difference import Difference
from llmplatform_sandbox.diff.plan import Op, Plan, ResourceChange
from llmplatform_sandbox.diff.properties import PropertyChange
from llmplatform_sandbox.diff.texts import PAST, SIGNS, follows, lines, noun, sides, summary, what_happens

LIMIT = 65_536
"""GitHub's limit of a comment, in characters."""
COST = "<!-- llmplatform cost -->"
"""Mark for a later step, which writes the cost of the change there."""
_RESERVE = 1_000
_ROOM = 8_000
"""Characters for each of the four lists above the sections, so that there is room for these."""
_MOST_RISKS = 15
_MOST_ROWS = 40
_MOST_LINES = 80


def marker(stack: str) -> str:
    """The first line of a comment, by which the next run finds it."""
    return f"<!-- llmplatform diff {stack} -->"


def markdown(difference: Difference) -> str:
    """All of it, as far as the limit allows; the rest is mentioned."""
    plan = difference.plan
    head, tail = _head(difference), _tail()
    room = LIMIT - _RESERVE - len(head) - len(tail)
    sections: list[str] = []
    hidden, no_outputs = 0, False
    for component, members in by_component(plan.changes):
        section = _section(component, members)
        if len(section) > room:
            hidden += 1
            continue
        sections.append(section)
        room -= len(section)
    if plan.outputs:
        section = _outputs(plan)
        no_outputs = len(section) > room
        sections += [] if no_outputs else [section]
    if hidden or no_outputs:
        what = [f"{hidden} of the components above"] * bool(hidden) + ["the outputs"] * no_outputs
        sections.append(
            f"**Too long for a comment:** {' and '.join(what)} are not shown in detail; "
            f"`llmplatform sandbox diff {difference.stack} --against {difference.commit[:10]}` shows all.\n\n"
        )
    return head + "".join(sections) + tail


def failure(stack: str, errors: Collection[str]) -> str:
    """A comment that replaces an earlier one, which is outdated, if there is no plan."""
    lines = [line for error in errors for line in error.splitlines()]
    shown, hidden = _first(lines, _MOST_LINES - 1)
    more = [f"… {hidden} more lines"] if hidden else []
    title = f"### Changes to {_code(stack)} could not be planned\n"
    return "\n".join([marker(stack), title, _fenced([*shown, *more], "text")])


def _head(difference: Difference) -> str:
    plan = difference.plan
    parts = [
        marker(difference.stack),
        f"### Changes to {_code(difference.stack)} against {_code(difference.commit[:10])}\n",
        f"**{' · '.join(summary(plan))}**\n",
    ]
    risky = [f"> - **{_code(one.name)}** {escape(what_happens(one))}" for one in plan.changes if one.risky]
    if risky or plan.unprotected:
        shown, hidden = _first(risky, _MOST_RISKS)
        bare, more = _first([f"> - **{_code(name)}** loses its protection" for name in plan.unprotected], _MOST_RISKS)
        parts += ["> [!CAUTION]", *shown, *bare]
        parts += [f"> - … and {hidden + more} more"] if hidden + more else []
        parts.append("")
    if difference.notes:
        shown, hidden = _first([f"> - {escape(note)}" for note in difference.notes], _MOST_RISKS)
        parts += ["> [!NOTE]", *shown]
        parts += [f"> - … and {hidden} more"] if hidden else []
        parts.append("")
    parts.append(_overview(by_component(plan.changes)))
    parts.append(f"{COST}\n")
    return "\n".join(parts)


def _first(lines: Collection[str], most: int) -> tuple[list[str], int]:
    """As many lines as fit, and the number of the others."""
    shown: list[str] = []
    room = _ROOM
    for line in lines:
        if len(shown) < most and len(line) < room:
            shown.append(line)
            room -= len(line) + 1
    return shown, len(lines) - len(shown)


def _overview(components: Collection[tuple[str, list[ResourceChange]]]) -> str:
    if not components:
        return ""
    ops: tuple[Op, ...] = ("replace", "delete", "update", "create")
    head = [
        "| Component | " + " | ".join(PAST[op].capitalize() for op in ops) + " | May change |",
        "|:--|" + "--:|" * (len(ops) + 1),
    ]
    rows: list[str] = []
    for name, members in components:
        numbers = [sum(1 for one in members if one.op == op and one.rank != 5) for op in ops]
        cells = [str(number or "") for number in [*numbers, sum(1 for one in members if one.rank == 5)]]
        rows.append(f"| {_code(name)} | " + " | ".join(cells) + " |")
    shown, hidden = _first(rows, _MOST_ROWS)
    more = [f"| … {hidden} more components |" + " |" * (len(ops) + 1)] if hidden else []
    return "\n".join([*head, *shown, *more]) + "\n"


def _section(component: str, members: list[ResourceChange]) -> str:
    own = [one for one in members if not one.follows]
    counted: dict[Op, int] = {op: sum(1 for one in members if one.op == op and one.rank != 5) for op in PAST}
    may = sum(1 for one in members if one.rank == 5)
    words = [f"{count} {PAST[op]}" for op, count in counted.items() if count] + ([f"{may} may change"] if may else [])
    body: list[str] = []
    rows = [row for one in own for row in _rows(one)]
    if rows:
        body.append("\n".join(["| Resource | Property | Before | After |", "|:--|:--|:--|:--|", *rows]) + "\n")
    body += [_block(one, change) for one in own for change in one.properties if lines(change)]
    following = [one for one in members if one.follows]
    for roots in dict.fromkeys(one.roots for one in following):
        names = [f"{SIGNS[one.op]} {_code(f'{noun(one.type)} {one.name}')}" for one in following if one.roots == roots]
        body.append(f"Because of {_code(follows(roots))}: {', '.join(names)}\n")
    return _folded(f"{_code(component)} {', '.join(words)}", "\n".join(body))


def _block(one: ResourceChange, change: PropertyChange) -> str:
    return f"{_resource(one)}{_clause(one)} {_code(change.path)}{_mark(change)}\n\n{_fenced(lines(change))}"


def _resource(one: ResourceChange) -> str:
    return f"**{SIGNS[one.op]}** {_code(f'{noun(one.type)} {one.name}')}"


def _rows(one: ResourceChange) -> list[str]:
    """A table line for each property that fits into one; the first names the resource."""
    cells = [
        f"{_code(change.path)}{_mark(change)} | {_code(before)} | {_code(after)}"
        for change in one.properties
        if not lines(change)
        for before, after in [sides(change)]
    ]
    first = f"{_resource(one)}{_clause(one)}"
    # A resource without properties, or with only long ones, has one line.
    alone = [] if one.properties else [" | | "]
    return [f"| {'' if index else first} | {cell} |" for index, cell in enumerate(cells or alone)]


def _clause(one: ResourceChange) -> str:
    """What to know about a change that does not need attention."""
    order = "the old one goes before the new one comes" if one.first_deleted and not one.risky else ""
    return f"<br><sub>{one.restarts or order}</sub> " if one.restarts or order else ""


def _outputs(plan: Plan) -> str:
    """The changed outputs of the stack."""
    blocks = [f"{_code(one.path)}\n\n{_fenced(lines(one))}" for one in plan.outputs if lines(one)]
    inline = [one for one in plan.outputs if not lines(one)]
    return _folded("Outputs", "\n".join([*([_table(inline)] if inline else []), *blocks]))


def _table(changes: Collection[PropertyChange]) -> str:
    rows = [
        f"| {_code(one.path)} | {_code(before)} | {_code(after)} |" for one in changes for before, after in [sides(one)]
    ]
    return "\n".join(["| Output | Before | After |", "|:--|:--|:--|", *rows]) + "\n"


def _mark(one: PropertyChange) -> str:
    return "<br>**forces a replacement**" if one.replaces else ""


def _fenced(block: list[str], language: str = "diff") -> str:
    shown = block[:_MOST_LINES]
    if len(block) > _MOST_LINES:
        shown.append(f"… {len(block) - _MOST_LINES} more lines")
    fence = "`" * max(3, *(len(run) + 1 for line in shown for run in re.findall("`+", line)), 0)
    return f"{fence}{language}\n" + "\n".join(shown) + f"\n{fence}\n"


def _folded(title: str, body: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{body}\n</details>\n\n"


def _code(text: str) -> str:
    """Text that Markdown does not interpret, also in a table, without mentions, and whose lines may break."""
    broken = re.sub(r"(?<=[./])(?=.)", "<wbr>", escape(text).replace("|", "&#124;"))
    return f"<code>{broken}</code>"


def _tail() -> str:
    return (
        "<sub>Found in the sandbox: the real engine on a simulated account, without credentials. "
        "It shows what the program asks for, not what an account has drifted to.</sub>\n"
    )

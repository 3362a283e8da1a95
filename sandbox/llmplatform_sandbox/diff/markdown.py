"""A difference as a comment in a pull request: Markdown as GitHub takes it, within its limit of a comment's length."""

import re
from collections.abc import Collection
from html import escape

from llmplatform_sandbox.diff.console import by_component
from llmplatform_sandbox.diff.difference import Difference
from llmplatform_sandbox.diff.plan import Op, Plan, ResourceChange
from llmplatform_sandbox.diff.properties import PropertyChange
from llmplatform_sandbox.diff.texts import PAST, SIGNS, follows, lines, noun, sides, summary, what_happens

LIMIT = 65_536
"""Characters that GitHub takes in a comment."""
COST = "<!-- llmplatform cost -->"
"""Where a later step puts what the change costs."""
_RESERVE = 600
_MOST_RISKS = 15
_MOST_ROWS = 40
_MOST_LINES = 80


def marker(stack: str) -> str:
    """The first line of a comment, by which the next run finds it."""
    return f"<!-- llmplatform diff {stack} -->"


def markdown(difference: Difference) -> str:
    """All of it, as far as the limit allows; what is left out is said."""
    head, tail = _head(difference), _outputs(difference.plan) + _tail()
    room = LIMIT - _RESERVE - len(head) - len(tail)
    sections: list[str] = []
    left_out: list[str] = []
    for component, members in by_component(difference.plan.changes):
        section = _section(component, members)
        if len(section) > room:
            left_out.append(component)
            continue
        sections.append(section)
        room -= len(section)
    if left_out:
        sections.append(
            f"**Too long for a comment:** {len(left_out)} of the components above are not shown in detail; "
            f"`make diff STACK={difference.stack} AGAINST={difference.commit[:10]}` shows all.\n\n"
        )
    return head + "".join(sections) + tail


def _head(difference: Difference) -> str:
    plan = difference.plan
    parts = [
        marker(difference.stack),
        f"### Changes to {_code(difference.stack)} against {_code(difference.commit[:10])}\n",
        f"**{' · '.join(summary(plan))}**\n",
    ]
    risky = [one for one in plan.changes if one.risky]
    if risky or plan.unprotected:
        parts.append("> [!CAUTION]")
        parts += [f"> - **{_code(one.name)}** {escape(what_happens(one))}" for one in risky[:_MOST_RISKS]]
        parts += [f"> - **{_code(name)}** loses its protection" for name in plan.unprotected[:_MOST_RISKS]]
        hidden = max(0, len(risky) - _MOST_RISKS) + max(0, len(plan.unprotected) - _MOST_RISKS)
        parts += [f"> - … and {hidden} more"] if hidden else []
        parts.append("")
    if difference.notes:
        parts += ["> [!NOTE]", *(f"> - {escape(note)}" for note in difference.notes[:_MOST_RISKS]), ""]
    parts.append(_overview(by_component(plan.changes)))
    parts.append(f"{COST}\n")
    return "\n".join(parts)


def _overview(components: Collection[tuple[str, list[ResourceChange]]]) -> str:
    if not components:
        return ""
    ops: tuple[Op, ...] = ("replace", "delete", "update", "create")
    rows = [
        "| Component | " + " | ".join(PAST[op].capitalize() for op in ops) + " | May change |",
        "|:--|" + "--:|" * (len(ops) + 1),
    ]
    for name, members in list(components)[:_MOST_ROWS]:
        numbers = [sum(1 for one in members if one.op == op and one.rank != 5) for op in ops]
        cells = [str(number or "") for number in [*numbers, sum(1 for one in members if one.rank == 5)]]
        rows.append(f"| {_code(name)} | " + " | ".join(cells) + " |")
    if len(components) > _MOST_ROWS:
        rows.append(f"| … {len(components) - _MOST_ROWS} more components |" + " |" * (len(ops) + 1))
    return "\n".join(rows) + "\n"


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
    """A line of the table per property that fits into one; the resource is named in the first."""
    cells = [
        f"{_code(change.path)}{_mark(change)} | {_code(before)} | {_code(after)}"
        for change in one.properties
        if not lines(change)
        for before, after in [sides(change)]
    ]
    first = f"{_resource(one)}{_clause(one)}"
    # What has no property names itself; what has only long ones is named with them.
    alone = [] if one.properties else [" | | "]
    return [f"| {'' if index else first} | {cell} |" for index, cell in enumerate(cells or alone)]


def _clause(one: ResourceChange) -> str:
    """What to know of a change that is not among those that need attention."""
    order = "the old one goes before the new one comes" if one.first_deleted and not one.risky else ""
    return f"<br><sub>{one.restarts or order}</sub> " if one.restarts or order else ""


def _outputs(plan: Plan) -> str:
    """The outputs of the stack that differ; little enough to be there always."""
    if not plan.outputs:
        return ""
    blocks = [f"{_code(one.path)}\n\n{_fenced(lines(one))}" for one in plan.outputs if lines(one)]
    inline = [one for one in plan.outputs if not lines(one)]
    tables = [_table(inline[:_MOST_ROWS])] if inline else []
    return _folded("Outputs", "\n".join([*tables, *blocks[:_MOST_RISKS]]))


def _table(changes: Collection[PropertyChange]) -> str:
    rows = [
        f"| {_code(one.path)} | {_code(before)} | {_code(after)} |" for one in changes for before, after in [sides(one)]
    ]
    return "\n".join(["| Output | Before | After |", "|:--|:--|:--|", *rows]) + "\n"


def _mark(one: PropertyChange) -> str:
    return "<br>**forces a replacement**" if one.replaces else ""


def _fenced(block: list[str]) -> str:
    shown = block[:_MOST_LINES]
    if len(block) > _MOST_LINES:
        shown.append(f"… {len(block) - _MOST_LINES} more lines")
    fence = "`" * max(3, *(len(run) + 1 for line in shown for run in re.findall("`+", line)), 0)
    return f"{fence}diff\n" + "\n".join(shown) + f"\n{fence}\n"


def _folded(title: str, body: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{body}\n</details>\n\n"


def _code(text: str) -> str:
    """Text that Markdown leaves as it is, in a table too, that mentions nobody, and whose lines may break."""
    broken = re.sub(r"(?<=[./])(?=.)", "<wbr>", escape(text).replace("|", "&#124;"))
    return f"<code>{broken}</code>"


def _tail() -> str:
    return (
        "<sub>Found in the sandbox: the real engine on a simulated account, without credentials. "
        "It shows what the program asks for, not what an account has drifted to.</sub>\n"
    )

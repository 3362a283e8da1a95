"""A difference as a comment in a pull request: Markdown as GitHub takes it, within its limit of a comment's length."""

from collections.abc import Collection
from html import escape

from llmplatform_sandbox.diff.console import by_component
from llmplatform_sandbox.diff.difference import Difference
from llmplatform_sandbox.diff.plan import Op, ResourceChange
from llmplatform_sandbox.diff.properties import PropertyChange
from llmplatform_sandbox.diff.texts import PAST, SIGNS, follows, lines, sides, summary, what_happens

LIMIT = 65_536
"""Characters that GitHub takes in a comment."""
COST = "<!-- llmplatform cost -->"
"""Where a later step puts what the change costs."""
_RESERVE = 600
_MOST_RISKS = 15
_MOST_ROWS = 40
_MOST_LINES = 80
_SIGNS = {"create": "🟢 +", "update": "🟡 ~", "replace": "🟣 ±", "delete": "🔴 −"}


def marker(stack: str) -> str:
    """The first line of a comment, by which the next run finds it."""
    return f"<!-- llmplatform diff {stack} -->"


def markdown(difference: Difference) -> str:
    """All of it, as far as the limit allows; what is left out is said."""
    head, tail = _head(difference), _tail()
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
    if plan.outputs:
        parts.append(_folded("Outputs", _table(None, [("", one) for one in plan.outputs])))
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
    counted = {op: sum(1 for one in members if one.op == op and one.rank != 5) for op in PAST}
    may = sum(1 for one in members if one.rank == 5)
    words = [f"{count} {PAST[op]}" for op, count in counted.items() if count] + ([f"{may} may change"] if may else [])
    body: list[str] = []
    for one in own:
        body.append(f"{_SIGNS[one.op]} {_code(one.name)} <sub>{escape(one.type)}</sub> {escape(what_happens(one))}\n")
        body.append(_properties(one.properties))
    following = [one for one in members if one.follows]
    for cause in dict.fromkeys(follows(one) for one in following):
        names = [f"{_code(one.name)} {SIGNS[one.op]}" for one in following if follows(one) == cause]
        body.append(f"Because of {_code(cause)}: {', '.join(names)}\n")
    return _folded(f"{escape(component)}: {', '.join(words)}", "\n".join(body))


def _properties(changes: Collection[PropertyChange]) -> str:
    blocks = {one.path: lines(one) for one in changes}
    inline = [one for one in changes if not blocks[one.path]]
    parts = [_table("Property", [("", one) for one in inline])] if inline else []
    for one in changes:
        if blocks[one.path]:
            parts.append(f"{_code(one.path)}{_mark(one)}\n\n{_fenced(blocks[one.path])}")
    return "\n".join(parts)


def _table(title: str | None, rows: Collection[tuple[str, PropertyChange]]) -> str:
    head = [f"| {title or 'Output'} | Before | After |", "|:--|:--|:--|"]
    cells = [(one, *sides(one)) for _, one in rows]
    return (
        "\n".join(
            [*head, *(f"| {_code(one.path)}{_mark(one)} | {_code(old)} | {_code(new)} |" for one, old, new in cells)]
        )
        + "\n"
    )


def _mark(one: PropertyChange) -> str:
    return " **replaces**" if one.replaces else ""


def _fenced(block: list[str]) -> str:
    shown = block[:_MOST_LINES]
    if len(block) > _MOST_LINES:
        shown.append(f"… {len(block) - _MOST_LINES} more lines")
    fence = "`" * max(3, max((len(line) - len(line.lstrip("`+- ")) for line in shown), default=0) + 1)
    return f"{fence}diff\n" + "\n".join(shown) + f"\n{fence}\n"


def _folded(title: str, body: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{body}\n</details>\n\n"


def _code(text: str) -> str:
    """Text that Markdown leaves as it is, in a table too, and that mentions nobody."""
    return f"<code>{escape(text).replace('|', '&#124;')}</code>"


def _tail() -> str:
    return (
        "<sub>Found in the sandbox: the real engine on a simulated account, without credentials. "
        "It shows what the program asks for, not what an account has drifted to.</sub>\n"
    )

"""A difference as a comment in a pull request, and as a document for programs."""

import json
import re
from collections.abc import Sequence

from llmplatform_sandbox.diff.difference import Difference
from llmplatform_sandbox.diff.document import document
from llmplatform_sandbox.diff.markdown import COST, LIMIT, markdown, marker
from llmplatform_sandbox.diff.plan import Op, Plan, ResourceChange
from llmplatform_sandbox.diff.properties import PropertyChange
from llmplatform_sandbox.providers.values import Secret


def resource(
    name: str, op: Op = "update", component: str = "aws:NodePool gpu", *properties: PropertyChange
) -> ResourceChange:
    type_ = "aws:sqs/queue:Queue"
    urn = f"urn:pulumi:dev::p::{type_}::{name}"
    return ResourceChange(urn=urn, type=type_, name=name, component=component, op=op, properties=properties)


def updated(path: str, old: object, new: object) -> PropertyChange:
    return PropertyChange(path=path, kind="update", old=old, new=new)


def difference(changes: Sequence[ResourceChange], *notes: str) -> Difference:
    plan = Plan(changes=tuple(changes), unchanged=3)
    return Difference(stack="dev", against="HEAD~1", commit="0123456789abcdef", plan=plan, notes=notes)


def test_the_first_line_lets_the_next_run_find_the_comment() -> None:
    assert markdown(difference([])).splitlines()[0] == marker("dev") == "<!-- llmplatform diff dev -->"


def test_no_change_is_a_short_comment() -> None:
    text = markdown(difference([]))
    assert "**no changes · 3 unchanged**" in text
    assert "<details>" not in text


def test_there_is_room_for_what_the_change_costs() -> None:
    assert markdown(difference([resource("a")])).count(COST) == 1


def test_values_cannot_break_the_table_or_mention_anybody() -> None:
    text = markdown(difference([resource("a", "update", "stack", updated("name", "a|b <script>", "@everyone `x`"))]))
    (row,) = [line for line in text.splitlines() if "script" in line]
    assert row.count("|") == 5, "four cells"
    assert "<code>a&#124;b &lt;script&gt;</code>" in row
    assert "<code>@everyone `x`</code>" in row


def test_lines_that_hold_a_fence_get_a_longer_one() -> None:
    text = markdown(difference([resource("a", "update", "stack", updated("text", "one\n```\n", "two\n```\n"))]))
    assert "````diff" in text


def test_a_secret_is_in_neither_form() -> None:
    changes = [resource("a", "update", "stack", updated("token", Secret(None), Secret(None)))]
    assert "<code>[secret] changed</code>" in markdown(difference(changes))
    assert document(difference(changes))["changes"][0]["properties"][0]["after"] == "[secret] changed"


def test_a_very_long_plan_fits_and_says_what_is_left_out() -> None:
    changes = [
        resource(
            f"resource-{number}", "replace", f"aws:NodePool pool-{number}", updated("text", "x\n" * 60, "y\n" * 60)
        )
        for number in range(400)
    ]
    text = markdown(difference(changes, *["a note that goes on " * 20] * 40))
    assert len(text) <= LIMIT
    (said,) = re.findall(r"\*\*Too long for a comment:\*\* (\d+) of the components", text)
    assert int(said) + text.count("<details>") == 400
    assert "make diff STACK=dev AGAINST=0123456789" in text
    assert text.rstrip().endswith("</sub>"), "the end is not cut off"


def test_the_overview_counts_each_component() -> None:
    changes = [resource("a", "create"), resource("b", "create"), resource("c", "delete", "aws:Network core")]
    rows = [line for line in markdown(difference(changes)).splitlines() if line.startswith("| <code>")]
    assert rows[:2] == [
        "| <code>aws:NodePool gpu</code> |  |  |  | 2 |  |",
        "| <code>aws:Network core</code> |  | 1 |  |  |  |",
    ]


def test_the_document_is_plain_json_with_a_version() -> None:
    found = json.loads(json.dumps(document(difference([resource("a", "update", "stack", updated("n", 1, 2))], "note"))))
    assert found["version"] == 1
    assert found["counts"] == {"create": 0, "update": 1, "replace": 0, "delete": 0, "follow": 0, "unchanged": 3}
    assert found["changes"][0]["properties"] == [
        {"path": "n", "kind": "update", "before": "1", "after": "2", "lines": [], "replaces": False, "follows": []}
    ]


def test_the_document_cuts_nothing_off() -> None:
    long = {name: {"address": "x" * 200, "number": number} for number, name in enumerate(("before", "after"))}
    properties = document(difference([resource("a", "update", "stack", updated("p", *long.values()))]))["changes"][0]
    (found,) = properties["properties"]
    assert [json.loads(found[side]) for side in long] == list(long.values()), "a program has to see what differs"

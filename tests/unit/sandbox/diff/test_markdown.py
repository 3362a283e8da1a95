"""A difference as a comment in a pull request, and as a document for programs."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from llmplatform_sandbox.diff.difference import Difference
from llmplatform_sandbox.diff.document import document
from llmplatform_sandbox.diff.markdown import COST, LIMIT, failure, markdown, marker
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


def difference(changes: Sequence[ResourceChange], *notes: str, **plan_: Any) -> Difference:
    plan = Plan(changes=tuple(changes), unchanged=3, **plan_)
    return Difference(stack="dev", against="HEAD~1", commit="0123456789abcdef", plan=plan, notes=notes)


def test_the_first_line_lets_the_next_run_find_the_comment() -> None:
    assert markdown(difference([])).splitlines()[0] == marker("dev") == "<!-- llmplatform diff dev -->"


def test_no_change_is_a_short_comment() -> None:
    text = markdown(difference([]))
    assert "**no changes · 3 unchanged**" in text
    assert "<details>" not in text


def test_there_is_room_for_what_the_change_costs() -> None:
    assert markdown(difference([resource("a")])).count(COST) == 1


def test_values_cannot_break_the_table_or_mention_a_user() -> None:
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
    assert "`llmplatform sandbox diff dev --against 0123456789` shows all" in text
    assert text.rstrip().endswith("</sub>"), "the end is not cut off"


def test_outputs_that_are_too_long_are_said_to_be_left_out() -> None:
    outputs = tuple(updated(f"output-{number}", "x" * 6_000, "y" * 6_000) for number in range(15))
    text = markdown(difference([resource("a")], outputs=outputs))
    assert len(text) <= LIMIT
    assert "**Too long for a comment:** the outputs are not shown" in text
    assert text.rstrip().endswith("</sub>"), "the end is not cut off"


def test_outputs_are_shown_all_or_not_at_all() -> None:
    outputs = tuple(updated(f"output-{number}", 1, 2) for number in range(60))
    text = markdown(difference([], outputs=outputs))
    assert text.count("<code>output-") == 60, "none is left out without a word"
    assert "60 outputs changed" in text


def test_a_head_that_is_too_long_leaves_room_for_the_rest() -> None:
    long = "n" * 900 + "&" * 200
    changes = [resource(f"{long}-{number}", "delete", f"{long} {number}") for number in range(60)]
    protected = [replace(one, protected=True) for one in changes]
    unprotected = tuple(f"{long}-{number}" for number in range(60))
    text = markdown(difference(protected, *[long * 5] * 40, unprotected=unprotected))
    assert len(text) <= LIMIT
    (hidden,) = re.findall(r"> - … and (\d+) more\n\n> \[!NOTE\]", text)
    assert text.count("> - **") + int(hidden) == 120, "what the list leaves out is counted"
    assert text.rstrip().endswith("</sub>")


def test_a_comment_on_a_failure_takes_the_place_of_the_last_one_and_gives_the_reason() -> None:
    errors = ["error: x ```\n<b>y</b>", "Pulumi.dev.yaml: z"]
    first, *rest = failure("dev", errors).splitlines()
    assert first == marker("dev"), "an earlier plan would be read as that of this change"
    assert rest[:2] == ["### Changes to <code>dev</code> could not be planned", ""]
    assert rest[2:] == ["````text", "error: x ```", "<b>y</b>", "Pulumi.dev.yaml: z", "````"]


def test_a_failure_with_much_to_say_fits_into_a_comment() -> None:
    text = failure("dev", ["x" * 500] * 300 + ["y" * LIMIT])
    assert len(text) <= LIMIT
    assert "more lines" in text


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

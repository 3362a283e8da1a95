"""A plan from the engine's events: what happens to what, and why."""

from io import StringIO

from rich.console import Console
from support.sandboxes.diff_events import STACK_URN, stack_outputs, step, urn
from support.sandboxes.diff_plans import (
    COMPUTED,
    GATEWAY,
    POOL,
    QUEUE,
    SUBNET,
    TAG,
    VPC,
    change,
    depends,
    planned,
    replaced,
)

from llmplatform_sandbox.diff.console import print_difference
from llmplatform_sandbox.diff.difference import Difference
from llmplatform_sandbox.diff.markdown import markdown
from llmplatform_sandbox.diff.texts import summary, what_happens

NETWORK_MOVES = planned(
    [
        step("same", STACK_URN, old={}, new={}),
        *replaced(VPC, "cidrBlock", "10.0.0.0/16", "10.1.0.0/16"),
        *replaced(SUBNET, "vpcId", "vpc-1", COMPUTED),
        *replaced(POOL, "subnetIds", "subnet-1", COMPUTED),
        *replaced(TAG, "autoscalingGroupName", "asg-1", COMPUTED),
        step("update", GATEWAY, old={"vpcId": "vpc-1"}, new={"vpcId": COMPUTED}, diff={"vpcId": "update"}),
        *[step("delete-replaced", of, old={}) for of in (TAG, POOL, SUBNET, VPC)],
    ],
    [
        depends(SUBNET, vpcId=[VPC]),
        depends(POOL, subnetIds=[SUBNET]),
        depends(TAG, autoscalingGroupName=[POOL]),
        depends(GATEWAY, vpcId=[VPC]),
    ],
)


def test_the_steps_of_a_replacement_are_one_change() -> None:
    assert NETWORK_MOVES.counts() == {"create": 0, "update": 0, "replace": 4, "delete": 0}
    assert NETWORK_MOVES.unchanged == 1


def test_what_only_follows_is_traced_to_where_it_began() -> None:
    assert change(NETWORK_MOVES, VPC).roots == ()
    for of in (SUBNET, POOL, TAG, GATEWAY):
        assert change(NETWORK_MOVES, of).roots == (VPC,), f"{of} changes with the network and by nothing else"


def test_an_update_whose_values_may_stay_as_they_are_is_counted_apart() -> None:
    assert NETWORK_MOVES.following == 1
    assert summary(NETWORK_MOVES) == ["4 replaced", "1 may change with what they refer to", "1 unchanged"]


def test_what_loses_something_comes_first() -> None:
    assert [one.name for one in NETWORK_MOVES.changes] == [
        "core-vpc", "core-subnet", "gpu-spot", "gpu-tag", "core-internet"
    ], "and of that, what it began with"  # fmt: skip


def test_a_replacement_names_the_property_that_cannot_change_in_place() -> None:
    assert what_happens(change(NETWORK_MOVES, VPC)) == (
        "is replaced, because cidrBlock cannot change in place; everything in the network has to move"
    )


def test_what_changes_by_itself_too_is_not_drawn_together_with_the_rest() -> None:
    values = {
        "old": {"vpcId": "vpc-1", "cidr": "a"},
        "new": {"vpcId": COMPUTED, "cidr": "b"},
        "diff": {"vpcId": "update-replace", "cidr": "update-replace"},
    }
    plan = planned(
        [*replaced(VPC, "cidrBlock", "1", "2"), step("replace", SUBNET, **values), *replaced(POOL, "s", "1", COMPUTED)],
        [depends(SUBNET, vpcId=[VPC]), depends(POOL, s=[SUBNET])],
    )
    assert change(plan, SUBNET).roots == ()
    assert change(plan, POOL).roots == (VPC,), "the subnet itself moves with the network: that is where it began"


def test_resources_are_grouped_by_the_component_that_they_belong_to() -> None:
    alone = urn("aws:sqs/queue:Queue", "alone", "")
    plan = planned([step("create", TAG, new={}), step("create", alone, new={}, parent=STACK_URN)])
    assert {one.name: one.component for one in plan.changes} == {"gpu-tag": "aws:NodePool gpu", "alone": "stack"}


def test_outputs_of_the_stack_are_compared() -> None:
    plan = planned([stack_outputs({"url": "a", "same": 1, "gone": 2}, {"url": "b", "same": 1, "new": 3})])
    assert [(one.path, one.kind) for one in plan.outputs] == [("gone", "delete"), ("new", "add"), ("url", "update")]
    assert plan.exit_code == 3, "others read them"
    assert summary(plan) == ["3 outputs changed", "0 unchanged"]


def test_exit_codes_tell_nothing_something_and_a_loss_apart() -> None:
    assert planned([step("same", QUEUE, old={}, new={})]).exit_code == 0
    assert planned([step("create", QUEUE, new={})]).exit_code == 3
    assert planned([step("create", TAG, new={}), step("delete", QUEUE, old={})]).exit_code == 4


def test_what_is_replaced_with_another_and_changed_besides_is_shown_itself_with_both() -> None:
    values = {
        "old": {"subnetIds": "subnet-1", "scalingConfig": {"maxSize": 4}},
        "new": {"subnetIds": COMPUTED, "scalingConfig": {"maxSize": 6}},
        "diff": {"subnetIds": "update-replace", "scalingConfig.maxSize": "update"},
    }
    plan = planned(
        [*replaced(SUBNET, "cidrBlock", "1", "2"), step("replace", POOL, **values), *replaced(TAG, "g", "1", COMPUTED)],
        [depends(POOL, subnetIds=[SUBNET]), depends(TAG, g=[POOL])],
    )
    pool = change(plan, POOL)
    assert not pool.follows, "its new size would be hidden behind the subnet"
    assert pool.roots == change(plan, TAG).roots == (SUBNET,), "the replacement itself still begins with the subnet"
    found = Difference(stack="dev", against="HEAD", commit="0123456789", plan=plan)
    assert "scalingConfig.maxSize  4 → 6" in on_terminal(found)
    (row,) = [line for line in markdown(found).splitlines() if "maxSize" in line]
    assert "<code>4</code> | <code>6</code>" in row


def on_terminal(found: Difference) -> str:
    console = Console(width=200, record=True, file=StringIO())
    print_difference(console, found)
    return console.export_text()


def test_what_follows_something_that_is_deleted_is_not_said_to_be_replaced_with_it() -> None:
    events = [step("delete", SUBNET, old={}), *replaced(QUEUE, "subnet", "subnet-1", COMPUTED)]
    plan = planned(events, [depends(QUEUE, subnet=[SUBNET])])
    text = on_terminal(Difference(stack="dev", against="HEAD", commit="0123456789", plan=plan))
    assert "± Subnet core-subnet: 1 replaced because of it: Queue jobs" in text

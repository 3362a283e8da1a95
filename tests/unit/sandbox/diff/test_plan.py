"""A plan from the engine's events: what happens to what, why, and what a reviewer has to see first."""

from io import StringIO
from typing import Any

import pytest
from rich.console import Console
from support.sandboxes.diff_events import STACK_URN, stack_outputs, step, urn

from llmplatform_sandbox.diff.console import print_difference
from llmplatform_sandbox.diff.difference import Difference
from llmplatform_sandbox.diff.markdown import markdown
from llmplatform_sandbox.diff.plan import Plan, Recorder, ResourceChange
from llmplatform_sandbox.diff.texts import summary, what_happens
from llmplatform_sandbox.providers.values import UNKNOWN, to_wire

COMPUTED = to_wire(UNKNOWN).string_value
VPC = urn("aws:ec2/vpc:Vpc", "core-vpc")
SUBNET = urn("aws:ec2/subnet:Subnet", "core-subnet")
POOL = urn("aws:eks/nodeGroup:NodeGroup", "gpu-spot")
TAG = urn("aws:autoscaling/tag:Tag", "gpu-tag")
GATEWAY = urn("aws:ec2/internetGateway:InternetGateway", "core-internet")
DEPLOYMENT = urn("kubernetes:apps/v1:Deployment", "chat")
FILES = urn("aws:efs/fileSystem:FileSystem", "files")
QUEUE = urn("aws:sqs/queue:Queue", "jobs")


def replaced(of: str, path: str, old: Any, new: Any) -> list[Any]:
    values = {"old": {path: old}, "new": {path: new}, "diff": {path: "update-replace"}}
    return [step("create-replacement", of, **values), step("replace", of, **values)]


def depends(of: str, **sources: list[str]) -> dict[str, Any]:
    return {"urn": of, "type": "", "propertyDependencies": sources}


def planned(events: list[Any], state: list[dict[str, Any]] | None = None, protected: set[str] | None = None) -> Plan:
    recorder = Recorder()
    for event in events:
        recorder(event)
    return recorder.plan(state or [], protected or set())


def change(plan: Plan, of: str) -> ResourceChange:
    (found,) = [one for one in plan.changes if one.urn == of]
    return found


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


def test_something_deleted_before_its_successor_comes_is_said() -> None:
    made = replaced(QUEUE, "name", "a", "b")
    plan = planned([step("delete-replaced", QUEUE, old={}), *made])
    assert "the old one goes before the new one comes" in what_happens(change(plan, QUEUE))


def test_a_protected_thing_that_goes_is_risky_whatever_it_is() -> None:
    plan = planned([step("delete", QUEUE, old={})], protected={QUEUE})
    assert change(plan, QUEUE).risky
    assert "it is protected" in what_happens(change(plan, QUEUE))


def test_a_resource_that_stays_and_loses_its_protection_is_named() -> None:
    events = [step("same", QUEUE, old={}, new={}), step("same", POOL, old={}, new={}, protect=True)]
    plan = planned(events, protected={QUEUE, POOL})
    assert plan.unprotected == ("jobs",)
    assert plan.exit_code == 3, "a script has to see it: the next change may delete what was protected"
    assert summary(plan) == ["1 no longer protected", "2 unchanged"]


def test_what_stops_the_update_comes_first() -> None:
    plan = planned([step("delete", POOL, old={}), step("delete", FILES, old={})], protected={FILES})
    assert [one.urn for one in plan.changes if one.risky] == [FILES, POOL]
    plan = planned([step("delete", POOL, old={}), step("delete", FILES, old={})], protected={POOL})
    assert [one.urn for one in plan.changes if one.risky] == [POOL, FILES]


def test_a_value_that_is_deleted_is_not_made_anew() -> None:
    key = "urn:pulumi:dev::app::random:index/randomPassword:RandomPassword::key"
    assert change(planned([step("delete", key, old={})]), key).loss == "users of its value are locked out"
    values = {"old": {"length": 8}, "new": {"length": 9}, "diff": {"length": "update-replace"}}
    assert change(planned([step("replace", key, **values)]), key).loss.startswith("a new value is generated")


@pytest.mark.parametrize(
    ("kind", "path", "said"),
    [
        ("cs/managedKubernetes:ManagedKubernetes", "slbInternetEnabled", "changes nothing: open or close the endpoint"),
        ("cs/nodePool:NodePool", "upgradePolicy", "its nodes are upgraded one after the other"),
        ("cs/nodePool:NodePool", "labels", ""),
    ],
)
def test_an_update_that_does_another_thing_than_it_says_is_told(kind: str, path: str, said: str) -> None:
    """terraform-provider-alicloud v2.0.0-beta3: what is read at creation alone, and what is heeded at every update."""
    urn = f"urn:pulumi:dev::app::alicloud:{kind}::llm"
    values = {"old": {path: "a"}, "new": {path: "b"}, "diff": {path: "update"}}
    restarts = change(planned([step("update", urn, **values)]), urn).restarts
    assert said in restarts
    assert bool(said) == bool(restarts)


def test_what_is_only_forgotten_loses_nothing() -> None:
    plan = planned([step("delete", POOL, old={}, retainOnDelete=True)])
    assert not change(plan, POOL).risky, "its nodes stay"
    assert what_happens(change(plan, POOL)) == "is forgotten; the object stays in the account"


def test_what_would_be_forgotten_and_is_protected_needs_attention() -> None:
    plan = planned([step("delete", FILES, old={}, retainOnDelete=True)], protected={FILES})
    assert change(plan, FILES).risky, "the engine refuses to forget it as well"
    assert what_happens(change(plan, FILES)) == (
        "is forgotten; the object stays in the account; "
        "it is protected, and the update is refused until pulumi state unprotect takes that off"
    )


def test_what_is_retained_and_made_anew_is_said_to_be_another_object_with_nothing_in_it() -> None:
    values = {"old": {"encrypted": False}, "new": {"encrypted": True}, "diff": {"encrypted": "update-replace"}}
    plan = planned([step("replace", FILES, **values, retainOnDelete=True)])
    assert change(plan, FILES).risky, "who used the old one finds an empty one"
    assert change(plan, FILES).loss == "the old one stays in the account, and nothing of it is in the new one"


def test_an_update_of_a_pod_template_says_what_happens_to_the_pods() -> None:
    def updated(path: str, strategy: str) -> str:
        new = {"spec": {"strategy": {"type": strategy}, "replicas": 2, "template": {"a": 2}}}
        old = {"spec": {"strategy": {"type": strategy}, "replicas": 1, "template": {"a": 1}}}
        return change(
            planned([step("update", DEPLOYMENT, old=old, new=new, diff={path: "update"})]), DEPLOYMENT
        ).restarts

    assert updated("spec.template.a", "Recreate") == "its pods stop before new ones start"
    assert updated("spec.template.a", "RollingUpdate") == "its pods are replaced one after another"
    assert updated("spec.replicas", "Recreate") == "", "no pod is touched"


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


@pytest.mark.parametrize(
    "type_",
    [
        "aws:ec2/internetGateway:InternetGateway",
        "aws:ec2/natGateway:NatGateway",
        "alicloud:vpc/natGateway:NatGateway",
        "alicloud:vpc/snatEntry:SnatEntry",
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        "alicloud:cr/vpcEndpointLinkedVpc:VpcEndpointLinkedVpc",
        "aws:efs/mountTarget:MountTarget",
        "alicloud:nas/mountTarget:MountTarget",
        "alicloud:nas/accessRule:AccessRule",
        "aws:eks/accessEntry:AccessEntry",
        "alicloud:cs/kubernetesPermission:KubernetesPermission",
    ],
)
def test_the_only_way_to_something_needs_attention_when_it_goes(type_: str) -> None:
    of = urn(type_, "core-a")
    assert change(planned(replaced(of, "subnetId", "a", "b")), of).risky, "what it leads to is out of reach"


@pytest.mark.parametrize(
    "type_",
    [
        "aws:ec2/subnet:Subnet",
        "alicloud:vpc/switch:Switch",
        "aws:eks/addon:Addon",
        "alicloud:cs/kubernetesAddon:KubernetesAddon",
        "kubernetes:helm.sh/v3:Release",
    ],
)
def test_what_holds_something_needs_attention_when_it_goes(type_: str) -> None:
    of = urn(type_, "core-a")
    assert change(planned([step("delete", of, old={})]), of).risky, "what is in it, or comes from it, goes with it"


@pytest.mark.parametrize("type_", ["aws:iam/role:Role", "kubernetes:networking.k8s.io/v1:NetworkPolicy"])
def test_what_is_made_anew_as_it_was_does_not(type_: str) -> None:
    of = urn(type_, "core-a")
    assert not change(planned([step("delete", of, old={})]), of).risky, "what matters would drown in it"


EKS_CLUSTER = urn("aws:eks/cluster:Cluster", "llm-cluster")
ACK_CLUSTER = urn("alicloud:cs/managedKubernetes:ManagedKubernetes", "llm-cluster")


@pytest.mark.parametrize(
    ("of", "old", "new", "said"),
    [
        (EKS_CLUSTER, "1.35", "1.34", "a control plane never goes back to an older minor"),
        (EKS_CLUSTER, "1.33", "1.35", "a control plane goes up one minor at a time"),
        (ACK_CLUSTER, "1.35.2-aliyun.1", "1.34.3-aliyun.1", "a control plane never goes back to an older minor"),
        (EKS_CLUSTER, "1.34", "1.35", ""),
        (ACK_CLUSTER, "1.35.1-aliyun.1", "1.35.2-aliyun.1", ""),
        (EKS_CLUSTER, "1.35", COMPUTED, ""),
        (EKS_CLUSTER, None, "1.35", ""),
    ],
)
def test_a_minor_that_the_cloud_refuses_needs_attention(of: str, old: str | None, new: str, said: str) -> None:
    plan = planned([step("update", of, old={"version": old}, new={"version": new}, diff={"version": "update"})])
    found = change(plan, of)
    assert found.risky == bool(said)
    assert what_happens(found) == (f"is updated; the cloud refuses it: {said}" if said else "is updated")

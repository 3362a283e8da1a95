"""What a reviewer of a plan has to see first: what is lost, stopped or refused."""

import pytest
from support.sandboxes.diff_events import step, urn
from support.sandboxes.diff_plans import COMPUTED, DEPLOYMENT, FILES, POOL, QUEUE, change, planned, replaced

from llmplatform_sandbox.diff.texts import summary, what_happens


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

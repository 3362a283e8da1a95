"""What is to become of each interrupted create."""

import importlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.interrupted_creates import NUMBER, PROVIDER, TAGS, Account, deployed, outcome, surveyed

from llmplatform.catalog.resources import RESOURCES
from llmplatform.recovery.kinds import SCHEMA_VERSIONS, outputs_of
from llmplatform.recovery.state import accounts
from llmplatform.recovery.survey import WAITS, Finding, WrongInput, decisions, survey

LEDGERS = Path(__file__).parents[2] / "contract" / "urns"


def test_what_carries_the_tags_is_adopted_under_the_id_that_the_provider_gives() -> None:
    account = Account("arn:aws:ec2:us-east-1:111122223333:vpc/vpc-1")
    assert outcome(surveyed("aws:ec2/vpc:Vpc", {"tags": TAGS}, account)) == ("adopt", "vpc-1")
    assert account.asked == [("dev", "ec2/vpc:Vpc core")]
    group = {"tags": TAGS, "clusterName": "llm", "nodeGroupName": "gpu"}
    arn = "arn:aws:eks:us-east-1:111122223333:nodegroup/llm/gpu/1234"
    assert outcome(surveyed("aws:eks/nodeGroup:NodeGroup", group, Account(arn))) == ("adopt", "llm:gpu")


def test_what_is_not_there_is_forgotten() -> None:
    assert outcome(surveyed("aws:ec2/vpc:Vpc", {"tags": TAGS}, Account())) == ("drop", "")
    assert outcome(surveyed("aws:iam/role:Role", {"name": "node"}, Account())) == ("drop", "")


def test_a_role_and_a_node_pool_are_found_by_a_call_of_their_service() -> None:
    assert outcome(surveyed("aws:iam/role:Role", {"name": "node"}, Account(names=["node"]))) == ("adopt", "node")
    pool = surveyed("alicloud:cs/nodePool:NodePool", {}, Account(names=["c1:np1"]))
    assert outcome(pool) == ("adopt", "c1:np1"), "another update would buy the same machines again"
    assert surveyed("alicloud:cs/nodePool:NodePool", {}, Account(names=["c1:np1", "c1:np2"])).action == "refuse"


def test_of_several_none_is_chosen() -> None:
    finding = surveyed("aws:ec2/vpc:Vpc", {"tags": TAGS}, Account("arn/vpc-1", "arn/vpc-2"))
    assert finding.action == "refuse"
    assert "arn/vpc-1, arn/vpc-2" in finding.reason


def test_the_new_half_of_a_replacement_is_left_to_the_user() -> None:
    finding = surveyed("aws:ec2/vpc:Vpc", {"tags": TAGS}, Account("arn/vpc-1", "arn/vpc-2"), "vpc-1")
    assert finding.action == "refuse"
    assert "vpc-2 is the new half" in finding.reason


def test_the_old_half_of_a_replacement_is_not_taken_for_the_new() -> None:
    finding = surveyed("aws:ec2/vpc:Vpc", {"tags": TAGS}, Account("arn/vpc-1"), "vpc-1")
    assert outcome(finding) == ("drop", ""), "it carries the same tags, and the state knows it"


def test_what_was_not_found_is_looked_for_again_since_tags_show_late() -> None:
    class Late(Account):
        def tagged(self, environment: str, resource: str) -> Sequence[str]:
            return self.arns if len(self.waited) == 2 else ()

    late = Late("arn/vpc-1")
    assert outcome(surveyed("aws:ec2/vpc:Vpc", {"tags": TAGS}, late)) == ("adopt", "vpc-1")
    assert late.waited == list(WAITS[:2])
    nothing = Account()
    surveyed("aws:ec2/vpc:Vpc", {"tags": TAGS}, nothing)
    assert nothing.waited == list(WAITS), "and no longer"
    found = Account("arn/vpc-1")
    surveyed("aws:ec2/vpc:Vpc", {"tags": TAGS}, found)
    assert found.waited == [], "what is there at once is not waited for"


SNAT = "alicloud:vpc/snatEntry:SnatEntry"


def test_what_nothing_marks_is_never_forgotten_without_a_person_who_looked() -> None:
    finding = surveyed(SNAT, {"snatTableId": "stb-1"}, Account())
    assert finding.action == "refuse"
    assert "aliyun vpc DescribeSnatTableEntries --SnatTableId stb-1" in finding.reason
    assert "--forget" in finding.reason
    by_hand = [name for name, row in RESOURCES.items() if row.found_by == "person"]
    every: dict[str, Any] = dict.fromkeys(("snatTableId", "routeTableId", "fileSystemId", "accessGroupName"), "x")
    assert {surveyed(name, every, Account()).action for name in by_hand} == {"refuse"}


def test_a_person_who_looked_decides() -> None:
    deployment = deployed(SNAT, {"snatTableId": "stb-1"})
    adopted = decisions(deployment, ["core=stb-1:snat-1"], [])
    assert outcome(surveyed(SNAT, {}, Account(), decided=adopted)) == ("adopt", "stb-1:snat-1")
    assert outcome(surveyed(SNAT, {}, Account(), "old", decided=adopted))[0] == "refuse", "not in place of another"
    [urn] = adopted
    forgotten = decisions(deployment, [], [urn])
    assert outcome(surveyed(SNAT, {}, Account(), decided=forgotten)) == ("drop", "")


def test_decisions_about_nothing_that_was_interrupted_are_all_named() -> None:
    with pytest.raises(WrongInput) as said:
        decisions(deployed(SNAT, {}), ["cor=1", "core"], ["other"])
    assert [line.partition(":")[0] for line in str(said.value).splitlines()] == [
        "--adopt cor",
        "--adopt core",
        "--forget other",
    ]


def test_what_lies_within_an_object_of_the_stack_is_read_by_its_id() -> None:
    store = surveyed("alicloud:log/store:Store", {"projectName": "p", "logstoreName": "models"}, Account())
    assert outcome(store) == ("adopt", "p:models")


def test_an_add_on_has_the_id_that_its_provider_reads_it_by() -> None:
    inputs = {"tags": TAGS, "clusterName": "llm", "addonName": "coredns"}
    arn = "arn:aws:eks:us-east-1:111122223333:addon/llm/coredns/1234"
    assert outcome(surveyed("aws:eks/addon:Addon", inputs, Account(arn))) == ("adopt", "llm:coredns")


def test_what_a_provider_reads_besides_the_id_is_adopted_with_it() -> None:
    # By source: findPodIdentityAssociationByTwoPartKey, from the state's association_id.
    association = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
    assert outputs_of(association, "a-1") == {"associationId": "a-1"}
    assert outputs_of("aws:ec2/vpc:Vpc", "vpc-1") == {}


def test_states_with_a_version_of_the_provider_are_adopted_under_it() -> None:
    assert SCHEMA_VERSIONS["aws:eks/cluster:Cluster"] == 1, "version 0 would become a cluster that has to be replaced"
    assert SCHEMA_VERSIONS["aws:ec2/flowLog:FlowLog"] == 1


READY = {name: row.ready for name, row in RESOURCES.items() if row.ready}


@pytest.mark.parametrize("type_", READY)
def test_what_shows_that_an_object_is_made_is_an_output_of_its_type(type_: str) -> None:
    package, module, _, name = re.split("[:/]", type_)
    output = re.sub("([A-Z])", lambda found: f"_{found[0].lower()}", READY[type_].output)
    assert hasattr(getattr(importlib.import_module(f"pulumi_{package}.{module}"), name), output)


def test_an_object_that_does_not_say_so_is_not_made_yet() -> None:
    cluster, group = READY["alicloud:cs/managedKubernetes:ManagedKubernetes"], READY["aws:eks/nodeGroup:NodeGroup"]
    assert cluster.missing({"slbIntranet": ""}) == cluster.missing({}) == "its slbIntranet is not there"
    assert cluster.missing({"slbIntranet": "192.168.0.1"}) == ""
    assert group.missing({"status": "CREATING"}) == "its status is CREATING"
    assert group.missing({"status": "DEGRADED"}) == "", "it has its scaling group"


def test_what_may_be_created_again_is_forgotten_without_a_question_to_the_cloud() -> None:
    account = Account()
    assert surveyed("aws:iam/rolePolicy:RolePolicy", {}, account).action == "drop"
    assert surveyed("random:index/randomPassword:RandomPassword", {}, account).action == "drop"
    assert account.asked == []


def lost(account: Account, provider: Mapping[str, Any], *more: dict[str, Any]) -> Finding:
    deployment = deployed("aws:ec2/vpc:Vpc", {"tags": TAGS}, provider=provider)
    deployment["resources"] += more

    def opened(*_: object) -> Account:
        return account

    [finding] = survey(deployment, opened, waits=())
    return finding


def test_without_a_sign_that_the_account_is_the_stacks_nothing_is_taken_for_never_made() -> None:
    finding = lost(Account(), {"region": "us-east-1"})
    assert finding.action == "refuse", "credentials of another account find nothing either"
    assert "nothing in the state tells whether this is the stack's account" in finding.reason
    assert lost(Account("arn/vpc-1"), {"region": "us-east-1"}).action == "adopt", "its tags tell"


def test_the_account_is_told_by_the_arns_of_what_is_in_the_state() -> None:
    role = {"urn": "urn::role", "type": "aws:iam/role:Role", "provider": f"{PROVIDER}::1"}
    ours = {**role, "outputs": {"arn": f"arn:aws:iam::{NUMBER}:role/node"}}
    assert lost(Account(), {"region": "us-east-1"}, ours).action == "drop"
    ownerless = {**role, "outputs": {"arn": "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"}}
    assert lost(Account(), {"region": "us-east-1"}, ownerless, {**ours, "external": True}).action == "refuse"
    assert accounts({"resources": [{**ours, "outputs": {"arn": "acs:ram::1111222233334444:role/a"}}]}, PROVIDER) == [
        "1111222233334444"
    ]


@pytest.mark.parametrize("inputs", [{}, {"tags": {}}])
def test_an_object_without_our_tags_is_left_to_the_user(inputs: dict[str, Any]) -> None:
    assert surveyed("aws:ec2/vpc:Vpc", inputs, Account()).action == "refuse"


def test_a_name_that_the_state_does_not_have_is_said() -> None:
    finding = surveyed("aws:eks/addon:Addon", {"tags": TAGS, "clusterName": "llm"}, Account("arn"))
    assert finding.action == "refuse"
    assert "addonName" in finding.reason


def test_every_type_that_the_stacks_register_has_a_way_to_be_found() -> None:
    ledger = "\n".join(file.read_text() for file in LEDGERS.glob("*.txt"))
    registered = set(re.findall(r"((?:aws|alicloud):\w+/\w+:\w+)::", ledger))
    assert len(registered) > 40
    assert registered - set(RESOURCES) == set()
    assert all(row.creating_again for row in RESOURCES.values() if row.found_by == "again")
    assert all(row.look_with for row in RESOURCES.values() if row.found_by == "person")

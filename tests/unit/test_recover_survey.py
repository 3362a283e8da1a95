"""What is to become of each interrupted create."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from llmplatform.catalog.tags import ENVIRONMENT_TAG
from llmplatform.recovery.kinds import KINDS
from llmplatform.recovery.survey import Finding, survey

PROVIDER = "urn:pulumi:dev::app::pulumi:providers:aws::aws"
LEDGERS = Path(__file__).parents[1] / "contract" / "urns"
TAGS = {ENVIRONMENT_TAG: "dev"}


class Account:
    def __init__(self, *arns: str, names: Sequence[str] = ()) -> None:
        self.arns, self.names = arns, names
        self.asked: list[tuple[str, str]] = []

    def tagged(self, environment: str, resource: str) -> Sequence[str]:
        self.asked.append((environment, resource))
        return self.arns

    def named(self, type_: str, id_: str, resource: str) -> bool:
        return id_ in self.names


def surveyed(type_: str, inputs: dict[str, Any], account: Account, *known: str) -> Finding:
    urn = f"urn:pulumi:dev::app::llmplatform:aws:Network${type_}::core"
    resources = [{"urn": PROVIDER, "type": "pulumi:providers:aws", "inputs": {"region": "us-east-1"}}]
    resources += [{"urn": urn, "type": type_}] if "taken" in known else []
    pending = {"urn": urn, "type": type_, "custom": True, "inputs": inputs, "provider": f"{PROVIDER}::1"}
    deployment = {"resources": resources, "pending_operations": [{"type": "creating", "resource": pending}]}
    opened: list[tuple[str, Any]] = []

    def account_of(package: str, provider: Any) -> Account:
        opened.append((package, provider))
        return account

    [finding] = survey(deployment, account_of)
    assert all(each == ("aws", {"region": "us-east-1"}) for each in opened), "asked where the resource's provider works"
    return finding


def outcome(finding: Finding) -> tuple[str, str]:
    return finding.action, finding.id


def test_what_carries_the_tags_is_adopted_under_the_id_that_the_provider_gives() -> None:
    account = Account("arn:aws:ec2:us-east-1:111122223333:vpc/vpc-1")
    assert outcome(surveyed("aws:ec2/vpc:Vpc", {"tags": TAGS}, account)) == ("adopt", "vpc-1")
    assert account.asked == [("dev", "aws:ec2/vpc:Vpc core")]
    group = {"tags": TAGS, "clusterName": "llm", "nodeGroupName": "gpu"}
    arn = "arn:aws:eks:us-east-1:111122223333:nodegroup/llm/gpu/1234"
    assert outcome(surveyed("aws:eks/nodeGroup:NodeGroup", group, Account(arn))) == ("adopt", "llm:gpu")


def test_what_is_not_there_is_forgotten() -> None:
    assert outcome(surveyed("aws:ec2/vpc:Vpc", {"tags": TAGS}, Account())) == ("drop", "")
    assert outcome(surveyed("aws:iam/role:Role", {"name": "node"}, Account())) == ("drop", "")


def test_a_role_is_found_by_its_name() -> None:
    assert outcome(surveyed("aws:iam/role:Role", {"name": "node"}, Account(names=["node"]))) == ("adopt", "node")


def test_of_several_none_is_chosen() -> None:
    finding = surveyed("aws:ec2/vpc:Vpc", {"tags": TAGS}, Account("arn/vpc-1", "arn/vpc-2"))
    assert finding.action == "refuse"
    assert "arn/vpc-1, arn/vpc-2" in finding.reason


def test_the_new_half_of_a_replacement_is_left_to_the_user() -> None:
    finding = surveyed("aws:ec2/vpc:Vpc", {"tags": TAGS}, Account("arn/vpc-2"), "taken")
    assert finding.action == "refuse"
    assert "vpc-2 is the new half" in finding.reason


def test_what_may_be_created_again_is_forgotten_without_a_question_to_the_cloud() -> None:
    account = Account()
    assert surveyed("aws:iam/rolePolicy:RolePolicy", {}, account).action == "drop"
    assert surveyed("random:index/randomPassword:RandomPassword", {}, account).action == "drop"
    assert account.asked == []


def test_objects_and_releases_of_kubernetes_are_read_by_their_names() -> None:
    service = surveyed("kubernetes:core/v1:Service", {"metadata": {"name": "a", "namespace": "b"}}, Account())
    assert outcome(service) == ("adopt", "b/a")
    assert outcome(surveyed("kubernetes:core/v1:Namespace", {"metadata": {"name": "a"}}, Account())) == ("adopt", "a")
    release = surveyed("kubernetes:helm.sh/v3:Release", {"name": "r", "namespace": "b"}, Account())
    assert outcome(release) == ("adopt", "b/r")


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
    assert registered - set(KINDS) == set()
    assert [name for name, kind in KINDS.items() if kind.way in ("again", "hand") and not kind.why] == []

"""What is there before a stack comes into the account with the ids that the stack file names."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from support.existing_things import SEEDS
from support.program import ROOT

from llmplatform_sandbox.cloud.account import BEFORE
from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.hosting import Accounts
from llmplatform_sandbox.interfaces import KubeAccess
from llmplatform_sandbox.seed import Seed, plant, read_seed

NO_CLUSTER = KubeAccess(server="https://127.0.0.1:1", ca_pem="", kubeconfig=Path("none"))


def planted(folder: Path, document: dict[str, Any]) -> Accounts:
    accounts = Accounts(folder, None)
    plant(Seed.model_validate(document), accounts, NO_CLUSTER)
    return accounts


@pytest.mark.parametrize(("stack", "package"), [("dev", "aws"), ("dev-ack", "alicloud")])
def test_an_existing_network_keeps_its_ids_and_is_no_orphan(tmp_path: Path, stack: str, package: str) -> None:
    document = SEEDS[stack](False)
    objects = planted(tmp_path, document)[package].objects()
    assert {each["id"] for each in document["resources"]} <= {one.id for one in objects}
    assert {one.made_by for one in objects} == {BEFORE}, "what comes with a network is not left behind either"


def test_planting_twice_makes_nothing_twice(tmp_path: Path) -> None:
    before = len(planted(tmp_path, SEEDS["dev"](False))["aws"].objects())
    assert len(planted(tmp_path, SEEDS["dev"](False))["aws"].objects()) == before


def test_its_account_and_region_are_those_of_the_provider(tmp_path: Path) -> None:
    role = {
        "type": "aws:iam/role:Role",
        "id": "theirs",
        "properties": {"name": "theirs", "assumeRolePolicy": '{"Version": "2012-10-17", "Statement": []}'},
    }
    document = {"providers": {"aws": {"allowedAccountIds": ["999988887777"]}}, "resources": [role]}
    (found,) = planted(tmp_path, document)["aws"].objects()
    assert found.detail["arn"] == "arn:aws:iam::999988887777:role/theirs"


def test_all_mistakes_are_told_at_once_and_nothing_is_made(tmp_path: Path) -> None:
    document = {
        "providers": {"aws": {"regoin": "us-east-1"}, "azure": {}},
        "resources": [
            {"type": "aws:ec2/vpc:Vpc", "id": "vpc-1", "properties": {"cidr": "10.0.0.0/16"}},
            {"type": "azure:net/vnet:Vnet", "id": "x"},
        ],
    }
    with pytest.raises(SandboxError) as refused:
        planted(tmp_path, document)
    lines = str(refused.value).splitlines()
    assert refused.value.exit_code == 2
    assert [part in line for part, line in zip(("aws.regoin", "azure", "cidrBlock", "azure:net"), lines, strict=True)]
    assert Accounts(tmp_path, None)["aws"].objects() == []


def test_an_object_that_refers_to_nothing_is_refused_with_its_place_in_the_file(tmp_path: Path) -> None:
    subnet = SEEDS["dev"](False)["resources"][1]
    with pytest.raises(SandboxError, match=r"resources\[0\] \(subnet-\w+\): InvalidVpcID.NotFound"):
        planted(tmp_path, {"resources": [subnet]})


def test_a_stack_without_such_a_file_begins_with_nothing(tmp_path: Path) -> None:
    assert read_seed(tmp_path, "dev") == Seed()


@pytest.mark.parametrize(
    ("text", "said"), [("resources: [", "not valid YAML"), ("resorces: []", "resorces"), ("resources: [{}]", "type")]
)
def test_a_file_that_is_wrong_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "sandbox.dev.yaml").write_text(text)
    with pytest.raises(SandboxError, match=f"sandbox.dev.yaml: .*{said}") as refused:
        read_seed(tmp_path, "dev")
    assert refused.value.exit_code == 2


def test_the_file_of_the_example_can_be_read() -> None:
    folder = ROOT / "examples" / "component-reuse"
    named = yaml.safe_load((folder / "Pulumi.dev.yaml").read_text())["config"]
    ids = {given.id for given in read_seed(folder, "dev").resources}
    assert {named["search-cluster:cluster"], *named["search-cluster:subnets"].values()} <= ids

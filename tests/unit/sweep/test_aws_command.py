"""`llmplatform sweep` for a stack on AWS, in an account as moto plays it."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.leftovers_on_aws import KINDS, OF_DRIVER, OF_STRANGER, OURS, REGION, client, left, network, volume
from support.stack_settings import ROOT
from typer.testing import CliRunner

from llmplatform.checks.files import read
from llmplatform.cli.app import app
from llmplatform.doctor.on_aws.account import AwsAccount
from llmplatform.sweep.running import Swept


@pytest.fixture
def project(tmp_path: Path, account: AwsAccount) -> Path:
    text = (ROOT / "Pulumi.prod.yaml").read_text().replace("444455556666", "123456789012")
    (tmp_path / "Pulumi.prod.yaml").write_text(text)
    client("route53").create_hosted_zone(Name="example.org", CallerReference="x")
    return tmp_path


def typed(project: Path, *arguments: str, says: str = "") -> Any:
    return CliRunner().invoke(app, [*arguments, "--project", str(project)], input=says)


KNOWN = ("--only", "volumes", "--only", "log-groups")


def test_the_command_shows_what_is_left_and_deletes_nothing(project: Path, account: AwsAccount) -> None:
    ours = volume(*OF_DRIVER)
    result = typed(project, "sweep", "prod", *KNOWN)
    assert result.exit_code == 1
    assert ours in result.output
    assert [each.id for each in left("volumes", account)] == [ours]


def test_the_command_asks_for_each_kind_before_it_deletes(project: Path, account: AwsAccount) -> None:
    ours = volume(*OF_DRIVER)
    client("logs").create_log_group(logGroupName="/aws/eks/prod-llm/cluster")
    result = typed(project, "sweep", "prod", "--delete", *KNOWN, says="n\ny\n")
    assert "Delete 1 volumes" in result.output
    assert [each.id for each in left("volumes", account)] == [ours]
    assert left("log-groups", account) == []
    assert result.exit_code == 1
    assert typed(project, "sweep", "prod", "--delete", *KNOWN, says="y\n").exit_code == 0
    result = typed(project, "sweep", "prod", *KNOWN)
    assert (result.exit_code, "nothing of prod is left" in result.output) == (0, True)


def test_as_json_nothing_is_deleted_unless_it_is_said(project: Path, account: AwsAccount) -> None:
    ours = volume(*OF_DRIVER)
    document = json.loads(typed(project, "sweep", "prod", "--delete", "--json", *KNOWN).stdout)
    assert document["deleted"] == []
    document = json.loads(typed(project, "sweep", "prod", "--delete", "--json", "--yes", *KNOWN).stdout)
    assert [(each["id"], each["done"]) for each in document["deleted"]] == [(ours, True)]
    assert left("volumes", account) == []


def test_while_the_cluster_is_there_the_command_refuses(project: Path) -> None:
    eks_cluster("prod-llm")
    result = typed(project, "sweep", "prod", *KNOWN)
    assert result.exit_code == 1
    assert "cluster prod-llm still exists" in result.stderr
    assert typed(project, "sweep", "prod", "--though-it-lives", *KNOWN).exit_code == 0


def eks_cluster(name: str) -> None:
    _, subnet = network()
    role = client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    client("eks").create_cluster(name=name, roleArn=role, resourcesVpcConfig={"subnetIds": [subnet]})


def test_though_it_lives_nothing_that_the_cluster_made_is_deleted(project: Path, account: AwsAccount) -> None:
    eks_cluster("prod-llm")
    ours = volume(*OF_DRIVER)
    document = json.loads(
        typed(project, "sweep", "prod", "--though-it-lives", "--delete", "--json", "--yes", *KNOWN).stdout
    )
    assert document["deleted"] == []
    assert client("ec2").describe_volumes(VolumeIds=[ours])["Volumes"]


@pytest.fixture
def in_a_shared_cluster(project: Path) -> Path:
    """The stack's environment in a cluster of several, `shared`, which is there."""
    raw = read(project / "Pulumi.prod.yaml")
    raw |= {
        "cluster": {
            "kind": "existing",
            "name": "shared",
            "kubernetes_version": "1.35",
            "endpoint_url": "https://kubernetes.example.org:6443",
            "certificate_authority": "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t",
            "security_group_id": "sg-0123456789abcdef0",
        },
        "network": {
            "kind": "existing",
            "vpc_id": "vpc-0123456789abcdef0",
            "cidr": "10.0.0.0/16",
            "private_subnets": {f"{REGION}{zone}": f"subnet-0123456789abcdef{zone}" for zone in "abc"},
        },
    }
    config = {f"llmplatform:{key}": value for key, value in raw.items()}
    (project / "Pulumi.prod.yaml").write_text(yaml.safe_dump(json.loads(json.dumps({"config": config}))))
    return project


def test_what_others_have_in_a_shared_cluster_is_no_leftover(in_a_shared_cluster: Path, account: AwsAccount) -> None:
    eks_cluster("shared")
    client("logs").create_log_group(logGroupName="/aws/eks/shared/cluster")
    of_the_cluster = {"Key": "kubernetes.io/cluster/shared", "Value": "owned"}
    theirs = [
        volume(*OF_STRANGER, of_the_cluster),
        volume({"Key": "llmplatform:environment", "Value": "dev"}, of_the_cluster),
    ]
    ours = volume(*OURS, of_the_cluster)
    result = typed(in_a_shared_cluster, "sweep", "prod", "--delete", "--yes", *KNOWN)
    assert (result.exit_code, "cluster shared still exists" in result.stderr) == (1, True)
    result = typed(in_a_shared_cluster, "sweep", "prod", "--though-it-lives", "--delete", "--yes", "--json", *KNOWN)
    assert [each["id"] for each in json.loads(result.stdout)["deleted"]] == [ours]
    assert {each["VolumeId"] for each in client("ec2").describe_volumes()["Volumes"]} == {*theirs}
    assert client("logs").describe_log_groups()["logGroups"]


def test_a_shared_cluster_cannot_be_named_as_the_environments_own(in_a_shared_cluster: Path) -> None:
    result = typed(in_a_shared_cluster, "sweep", "prod", "--cluster", "shared", *KNOWN)
    assert (result.exit_code, "--cluster shared: it exists without the environment" in result.stderr) == (2, True)


def test_another_account_is_not_swept(project: Path) -> None:
    text = (project / "Pulumi.prod.yaml").read_text().replace("123456789012", "999900001111")
    (project / "Pulumi.prod.yaml").write_text(text)
    result = typed(project, "sweep", "prod", "--delete", "--yes")
    assert result.exit_code == 1
    assert "the credentials are of account 123456789012" in result.stderr


def test_a_kind_that_is_none_ends_the_command(project: Path) -> None:
    result = typed(project, "sweep", "prod", "--only", "disks")
    assert (result.exit_code, "'disks': there is no such kind" in result.stderr) == (2, True)


def test_a_kind_that_could_not_be_looked_for_is_left(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from llmplatform.sweep import running

    def broken(kinds: Any, place: Any, ask: Any, told: Any) -> list[Swept]:
        return [Swept(kind=KINDS["volumes"], problem="the credentials may not ec2:DescribeVolumes")]

    monkeypatch.setattr(running, "survey", broken)
    result = typed(project, "sweep", "prod", *KNOWN)
    assert (result.exit_code, "may not ec2:DescribeVolumes" in result.output) == (1, True)

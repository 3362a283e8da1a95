"""What names and ids of the stack file mean in an AWS account: each check red once with its remedy."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support.doctor.aws_doctor import AWS, ran, wanted
from support.doctor.doctor_proofs import Proof, named
from support.program import committed
from support.stack_settings import EXISTING_NETWORK, ROOT, VPC

from llmplatform.checks.files import read
from llmplatform.doctor.checks import Absent, Check
from llmplatform.doctor.on_aws import names
from llmplatform.doctor.wanted import Wanted


def subnet(id_: str, zone: str, free: int, vpc: str = VPC) -> dict[str, Any]:
    return {"SubnetId": id_, "AvailabilityZone": zone, "AvailableIpAddressCount": free, "VpcId": vpc}


def on_existing_network() -> Wanted:
    return wanted("dev", network=EXISTING_NETWORK)


def dns(on: bool) -> Any:
    def answer(**parameters: Any) -> dict[str, Any]:
        name = parameters["Attribute"]
        return {"VpcId": VPC, name[0].upper() + name[1:]: {"Value": on}}

    return answer


SUBNETS = [
    subnet("subnet-0123456789abcde00", "us-east-1a", 8000),
    subnet("subnet-0123456789abcde01", "us-east-1b", 8000),
]


PROOFS: Mapping[str, Proof] = {
    "left-logs": Proof(
        red={
            "DescribeLogGroups": {"logGroups": [{"logGroupName": "/aws/eks/prod-llm/cluster"}]},
            "DescribeCluster": Absent("no cluster"),
        },
        text="log group /aws/eks/prod-llm/cluster exists without its cluster",
        remedy="aws logs delete-log-group --log-group-name /aws/eks/prod-llm/cluster",
        green={"DescribeLogGroups": {"logGroups": [{"logGroupName": "/aws/eks/prod-llm/cluster-of-others"}]}},
    ),
    "dns-zone": Proof(
        red={"GetHostedZone": Absent("no such zone")},
        text="hosted zone Z0123456789ABCDEFGHIJ is not in this account",
        remedy="aws route53 list-hosted-zones",
        green={
            "GetHostedZone": {"HostedZone": {"Id": "/hostedzone/Z0", "Name": "example.org.", "CallerReference": "x"}}
        },
    ),
    "subnets": Proof(
        red={
            "DescribeSubnets": {"Subnets": [SUBNETS[0], subnet("subnet-0123456789abcde01", "us-east-1b", 20)]},
            "DescribeVpcAttribute": dns(on=True),
        },
        text="network.private_subnets.us-east-1b: 20 addresses are free; ",
        remedy="use a larger subnet",
        green={"DescribeSubnets": {"Subnets": SUBNETS}, "DescribeVpcAttribute": dns(on=True)},
        of=on_existing_network(),
    ),
}


@pytest.mark.parametrize("check", names.CHECKS, ids=named)
def test_each_check_is_red_once_with_its_remedy(check: Check) -> None:
    AWS.shows_red(check, PROOFS[check.name])


@pytest.mark.parametrize("check", names.CHECKS, ids=named)
def test_a_check_is_green_where_all_is_well(check: Check) -> None:
    AWS.shows_green(check, PROOFS[check.name])


@pytest.mark.parametrize("check", names.CHECKS, ids=named)
def test_what_the_credentials_may_not_ask_is_yellow_with_the_missing_action(check: Check) -> None:
    AWS.shows_what_is_denied(check, PROOFS[check.name])


def test_a_hosted_zone_has_to_be_public_and_that_of_the_host() -> None:
    private = {"Name": "example.org.", "Config": {"PrivateZone": True}}
    assert names.zone_finding(private, "llm.example.org").level == "red"
    assert names.zone_finding({"Name": "example.com."}, "llm.example.org").level == "red"
    assert names.zone_finding({"Name": "example.org."}, "notexample.org").level == "red"
    assert names.zone_finding({"Name": "example.org."}, None).level == "green"


def test_a_zone_of_another_account_is_not_looked_for() -> None:
    raw = read(ROOT / "Pulumi.prod.yaml")["addons"]["cert_manager"]["issuer"]
    issuer = {**raw, "zone_role": "arn:aws:iam::999900001111:role/zone"}
    assert ran("dns-zone", wanted(addons__cert_manager__issuer=issuer)).level == "green"


def test_subnets_lie_where_the_stack_file_says() -> None:
    moved = [subnet("subnet-0123456789abcde00", "us-east-1c", 8000)]
    told = ran(
        "subnets", on_existing_network(), DescribeSubnets={"Subnets": moved}, DescribeVpcAttribute=dns(on=False)
    ).findings
    assert [finding.level for finding in told] == ["red"] * 4
    assert "is in us-east-1c" in told[0].text
    assert "there is no subnet subnet-0123456789abcde01" in told[1].text
    assert "--enable-dns-support" in told[2].remedy


def test_the_cluster_is_called_as_the_program_calls_it() -> None:

    [cluster] = [each for each in committed("prod").registered if each.type == "aws:eks/cluster:Cluster"]
    assert cluster.inputs["name"] == wanted().cluster_name
    assert Path(names.log_group(wanted().cluster_name)).parts[1:3] == ("aws", "eks")

"""Quotas of an AWS account: each check red once with its remedy.

Facts: quotas' codes, EC2 user guide "Spot Instance quotas" and "On-Demand Instance quotas".
"""

from collections.abc import Mapping
from typing import Any

import pytest
from support.doctor.aws_doctor import AWS, ran, wanted
from support.doctor.doctor_proofs import Proof, named, only

from llmplatform.doctor.checks import Absent, Check
from llmplatform.doctor.on_aws import quotas


def quota(**values: float) -> Any:
    def answer(**parameters: Any) -> dict[str, Any]:
        code = parameters["QuotaCode"]
        value = values.get(code.replace("-", "_"), 1000.0)
        return {"Quota": {"QuotaName": f"the quota {code}", "QuotaCode": code, "Value": value}}

    return answer


PROOFS: Mapping[str, Proof] = {
    "vcpu-quotas": Proof(
        red={"GetServiceQuota": quota(L_DB2E81BA=48.0)},
        text="(L-DB2E81BA): 48 vCPUs; gpu-small-on-demand, gpu-large-on-demand need 56 at least, 128 when full",
        remedy="--quota-code L-DB2E81BA --desired-value 128",
        green={"GetServiceQuota": quota()},
    ),
    "network-quotas": Proof(
        red={
            "GetServiceQuota": quota(L_0263D0A3=5.0),
            "DescribeAddresses": {"Addresses": [{"AllocationId": f"eipalloc-{each}"} for each in range(3)]},
            "DescribeVpcs": {"Vpcs": []},
        },
        text="the quota L-0263D0A3 (L-0263D0A3): 3 of 5 in use; 3 more needed",
        remedy="--desired-value 6",
        green={
            "GetServiceQuota": quota(),
            "DescribeAddresses": {"Addresses": []},
            "DescribeVpcs": {"Vpcs": []},
        },
    ),
}


@pytest.mark.parametrize("check", quotas.CHECKS, ids=named)
def test_each_check_is_red_once_with_its_remedy(check: Check) -> None:
    AWS.shows_red(check, PROOFS[check.name])


@pytest.mark.parametrize("check", quotas.CHECKS, ids=named)
def test_a_check_is_green_where_all_is_well(check: Check) -> None:
    AWS.shows_green(check, PROOFS[check.name])


@pytest.mark.parametrize("check", quotas.CHECKS, ids=named)
def test_what_the_credentials_may_not_ask_is_yellow_with_the_missing_action(check: Check) -> None:
    AWS.shows_what_is_denied(check, PROOFS[check.name])


@pytest.mark.parametrize(
    ("machine", "kind"),
    [
        ("m7i.2xlarge", "standard"),
        ("im4gn.large", "standard"),
        ("g6e.12xlarge", "g"),
        ("gr6.4xlarge", "g"),
        ("p4d.24xlarge", "p"),
        ("p5en.48xlarge", "p5"),
        ("p6-b200.48xlarge", "p5"),
        ("trn1.2xlarge", "trn"),
        ("inf2.xlarge", "inf"),
        ("hpc7a.12xlarge", None),
        ("mac2.metal", None),
        ("u-6tb1.metal", None),
    ],
)
def test_a_machine_counts_to_the_quotas_of_its_family(machine: str, kind: str | None) -> None:
    assert quotas.family_kind(machine) == kind


def test_every_machine_of_the_catalog_has_a_quota() -> None:
    from llmplatform.catalog import instance_types

    assert [name for name in instance_types.names("aws") if quotas.family_kind(name) not in quotas.CODES] == []


def test_the_pools_of_one_way_of_paying_add_up() -> None:
    found = {need.code: need for need in quotas.needs(wanted().made)}
    # Three m7i.2xlarge, six in each of three zones; a g6.2xlarge (8) and a g6e.12xlarge (48), up to 4 and 2, twice.
    assert {code: (need.least, need.most) for code, need in found.items()} == {
        "L-1216C47A": (24, 144),
        "L-DB2E81BA": (56, 128),
        "L-3819A6DF": (0, 128),
    }


def test_a_quota_below_the_bounds_is_yellow() -> None:
    result = ran("vcpu-quotas", GetServiceQuota=quota(L_3819A6DF=64.0))
    assert only(result).level == "yellow"
    assert "cannot grow" in only(result).text


def test_an_account_without_a_quota_of_its_own_has_the_default() -> None:
    result = ran("vcpu-quotas", GetServiceQuota=Absent("none applied"), GetAWSDefaultServiceQuota=quota(L_DB2E81BA=0.0))
    assert result.level == "red"
    assert "0 vCPUs" in only(result).text


def test_addresses_and_networks_of_the_environment_itself_do_not_count() -> None:
    ours = [{"Key": "llmplatform:environment", "Value": "prod"}]
    result = ran(
        "network-quotas",
        GetServiceQuota=quota(L_0263D0A3=3.0, L_F678F1CE=1.0),
        DescribeAddresses={"Addresses": [{"AllocationId": f"eipalloc-{each}", "Tags": ours} for each in range(3)]},
        DescribeVpcs={"Vpcs": [{"VpcId": "vpc-1", "Tags": ours}]},
    )
    assert result.level == "green"

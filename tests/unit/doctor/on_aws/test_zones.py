"""Zones of an AWS account: each check red once with its remedy.

Fact: zones without a control plane, EKS user guide, network requirements.
"""

from collections.abc import Mapping
from typing import Any

import pytest
from support.doctor.aws_doctor import AWS, ran, wanted
from support.doctor.doctor_proofs import Proof, named, only

from llmplatform.doctor.checks import Check
from llmplatform.doctor.on_aws import zones


def regions_zones(**ids: str) -> dict[str, Any]:
    found = [
        {"ZoneName": f"us-east-1{letter}", "ZoneId": id_, "State": "available", "ZoneType": "availability-zone"}
        for letter, id_ in ids.items()
    ]
    return {"AvailabilityZones": found}


def offerings(**sold: str) -> Any:
    def answer(**parameters: Any) -> dict[str, Any]:
        machines = parameters["Filters"][0]["Values"]
        found = [
            {"InstanceType": machine, "LocationType": "availability-zone", "Location": f"us-east-1{letter}"}
            for machine in machines
            for letter in sold.get(machine.partition(".")[0], "abc")
        ]
        return {"InstanceTypeOfferings": found}

    return answer


def services(*without: str) -> Any:
    def answer(**parameters: Any) -> dict[str, Any]:
        found = [
            {
                "ServiceName": name,
                "AvailabilityZones": [f"us-east-1{each}" for each in ("ab" if name in without else "abc")],
            }
            for name in parameters["Filters"][0]["Values"]
        ]
        return {"ServiceNames": [], "ServiceDetails": found}

    return answer


PROOFS: Mapping[str, Proof] = {
    "zones": Proof(
        red={"DescribeAvailabilityZones": regions_zones(a="use1-az3", b="use1-az1", c="use1-az2")},
        text="us-east-1a is use1-az3 in this account, where EKS puts no control plane",
        remedy="write others into cluster.zones",
        green={"DescribeAvailabilityZones": regions_zones(a="use1-az6", b="use1-az1", c="use1-az2")},
    ),
    "machines": Proof(
        red={"DescribeInstanceTypeOfferings": offerings(g6e="df")},
        text="pool gpu-large: none of its zones sells g6e.12xlarge; it is sold in us-east-1d, us-east-1f",
        remedy="add such a zone to cloud.zones",
        green={"DescribeInstanceTypeOfferings": offerings()},
    ),
    "endpoint-zones": Proof(
        red={"DescribeVpcEndpointServices": services("com.amazonaws.us-east-1.eks-auth")},
        text="com.amazonaws.us-east-1.eks-auth (not in us-east-1c)",
        remedy="choose other zones",
        green={"DescribeVpcEndpointServices": services()},
        of=wanted(network__endpoints="private"),
    ),
}


@pytest.mark.parametrize("check", zones.CHECKS, ids=named)
def test_each_check_is_red_once_with_its_remedy(check: Check) -> None:
    AWS.shows_red(check, PROOFS[check.name])


@pytest.mark.parametrize("check", zones.CHECKS, ids=named)
def test_a_check_is_green_where_all_is_well(check: Check) -> None:
    AWS.shows_green(check, PROOFS[check.name])


@pytest.mark.parametrize("check", zones.CHECKS, ids=named)
def test_what_the_credentials_may_not_ask_is_yellow_with_the_missing_action(check: Check) -> None:
    AWS.shows_what_is_denied(check, PROOFS[check.name])


def test_a_zone_that_is_ownerless_or_not_opted_in_is_red() -> None:
    local = {"ZoneName": "us-east-1c", "ZoneId": "use1-bos1-az1", "State": "available", "ZoneType": "local-zone"}
    found = {"AvailabilityZones": [*regions_zones(a="use1-az1")["AvailabilityZones"], local]}
    told = ran("zones", DescribeAvailabilityZones=found).findings
    assert [finding.level for finding in told] == ["green", "red", "red"]
    assert "there is no such zone" in told[1].text
    assert "local-zone" in told[2].text


def test_a_type_that_some_zones_lack_is_yellow_with_the_zones_to_write() -> None:
    result = ran("machines", DescribeInstanceTypeOfferings=offerings(g6e="ab"))
    assert only(result).level == "yellow"
    assert "write `zones: [us-east-1a, us-east-1b]` into pools.gpu-large" in only(result).remedy


def test_a_group_that_starts_in_a_zone_without_its_machines_is_red() -> None:
    # A pool without GPUs is a group for each zone, and this one begins with a node in each.
    sold = offerings(**dict.fromkeys(("m7i", "m6i", "m7a"), "ab"))
    told = [each for each in ran("machines", DescribeInstanceTypeOfferings=sold).findings if "pool system" in each.text]
    assert [each.level for each in told] == ["red"]
    assert "us-east-1c do not sell" in told[0].text
    assert "write `zones: [us-east-1a, us-east-1b]` into pools.system" in told[0].remedy


def test_a_zone_without_a_control_plane_may_have_nodes() -> None:
    found = regions_zones(a="use1-az1", b="use1-az2", c="use1-az3")
    assert (
        ran("zones", wanted(cluster__zones=["us-east-1a", "us-east-1b"]), DescribeAvailabilityZones=found).level
        == "green"
    )

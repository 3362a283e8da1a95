"""Zones, stock, quotas and prices on Alibaba Cloud: each check red once with its remedy."""

from collections.abc import Mapping
from typing import Any

import pytest
from support.doctor.alicloud_doctor import ALICLOUD, PLENTY, attributes, ran, wanted
from support.doctor.doctor_proofs import Proof, named, only
from support.stack_settings import ROOT

from llmplatform.checks.files import read
from llmplatform.doctor.checks import Check
from llmplatform.doctor.on_alicloud import machines
from llmplatform.doctor.wanted import Wanted


def stock(**left: str) -> Any:
    """What is left in each zone of cn-hangzhou, by its letter."""

    def answer(**parameters: Any) -> dict[str, Any]:
        found = [
            {
                "ZoneId": f"cn-hangzhou-{letter}",
                "AvailableResources": {
                    "AvailableResource": [
                        {
                            "Type": "InstanceType",
                            "SupportedResources": {
                                "SupportedResource": [
                                    {
                                        "Value": parameters["InstanceType"],
                                        "Status": "Available",
                                        "StatusCategory": state,
                                    }
                                ]
                            },
                        }
                    ]
                },
            }
            for letter, state in left.items()
        ]
        return {"AvailableZones": {"AvailableZone": found}}

    return answer


def prices(price: float) -> Any:
    def answer(**parameters: Any) -> dict[str, Any]:
        found = [
            {"ZoneId": parameters["ZoneId"], "SpotPrice": paid, "OriginPrice": 9.0, "Timestamp": when}
            for paid, when in ((price, "2026-11-29T21:00:00Z"), (99.0, "2026-11-29T18:00:00Z"))
        ]
        return {"Currency": "CNY", "SpotPrices": {"SpotPriceType": found}}

    return answer


def zones(*letters: str) -> dict[str, Any]:
    return {
        "Zones": {"Zone": [{"ZoneId": f"cn-hangzhou-{letter}", "ZoneType": "AvailabilityZone"} for letter in letters]}
    }


def all_spot() -> Wanted:
    raw = read(ROOT / "Pulumi.prod-ack.yaml")["pools"]
    return wanted(pools={**raw, "gpu-small": {**raw["gpu-small"], "capacity": "spot", "min": 0, "max": 6}})


PROOFS: Mapping[str, Proof] = {
    "zones": Proof(
        red={"DescribeZones": zones("i", "j")},
        text="cn-hangzhou-k: this account sees no such zone",
        remedy="cn-hangzhou-i",
        green={"DescribeZones": zones("i", "j", "k")},
    ),
    "stock": Proof(
        red={
            "DescribeAvailableResource": stock(
                i="WithoutStock", j="WithoutStock", k="ClosedWithoutStock", b="WithStock"
            )
        },
        text="pool gpu-small, on demand: ecs.gn7i-c16g1.4xlarge is not in stock",
        remedy="add cn-hangzhou-b to cloud.zones",
        green={"DescribeAvailableResource": stock(i="WithStock", j="WithStock", k="WithStock")},
    ),
    "vcpu-quotas": Proof(
        red={
            "DescribeAccountAttributes": attributes(
                max_postpaid_instance_vcpu_count="50",
                used_postpaid_instance_vcpu_count="0",
                max_spot_instance_vcpu_count="1000",
            )
        },
        text="vCPUs paid by use: 0 of 50 in use",
        remedy="in the quota centre",
        green={"DescribeAccountAttributes": PLENTY},
    ),
    "spot-prices": Proof(
        red={"DescribeSpotPriceHistory": prices(6.5)},
        text="the limit is 5.000: the pool stays empty",
        remedy="raise pools.gpu-small.spot_price_limit above 6.500",
        green={"DescribeSpotPriceHistory": prices(4.5)},
        of=all_spot(),
    ),
}


@pytest.mark.parametrize("check", machines.CHECKS, ids=named)
def test_each_check_is_red_once_with_its_remedy(check: Check) -> None:
    ALICLOUD.shows_red(check, PROOFS[check.name])


@pytest.mark.parametrize("check", machines.CHECKS, ids=named)
def test_a_check_is_green_where_all_is_well(check: Check) -> None:
    ALICLOUD.shows_green(check, PROOFS[check.name])


@pytest.mark.parametrize("check", machines.CHECKS, ids=named)
def test_what_the_credentials_may_not_ask_is_yellow_with_the_missing_action(check: Check) -> None:
    ALICLOUD.shows_what_is_denied(check, PROOFS[check.name])


def test_a_group_that_may_be_empty_is_only_yellow_without_stock() -> None:
    [pool] = [each for each in wanted().made if each.name == "gpu-small"]
    low = {("ecs.gn7i-c16g1.4xlarge", "cn-hangzhou-i"): "ClosedWithStock"}
    spot, on_demand = pool.groups
    assert (spot.minimum, on_demand.minimum) == (0, 1)
    assert machines.stock_finding(pool, spot, {}).level == "yellow"
    assert machines.stock_finding(pool, on_demand, low).level == "yellow"


def test_a_group_of_one_zone_finds_no_stock_in_another() -> None:
    pools = read(ROOT / "Pulumi.prod-ack.yaml")["pools"]
    of = wanted(pools={**pools, "system": {**pools["system"], "scaling": "fixed", "min": 3, "max": 3}})
    asked = {"DescribeAvailableResource": stock(i="WithStock", j="WithoutStock", k="WithoutStock")}
    told = [each for each in ran("stock", of, **asked).findings if each.text.startswith("pool system,")]
    assert [each.level for each in told] == ["green", "red", "red"]
    assert all("write `zones: [cn-hangzhou-i]` into pools.system" in each.remedy for each in told[1:])


def test_a_limit_below_the_price_is_yellow_where_machines_are_bought_on_demand_instead() -> None:
    finding = only(ran("spot-prices", DescribeSpotPriceHistory=prices(6.5)))
    assert (finding.level, "everything is bought on demand" in finding.text) == ("yellow", True)
    assert only(ran("spot-prices", DescribeSpotPriceHistory={"SpotPrices": {"SpotPriceType": []}})).level == "yellow"

"""Subnets keep their ranges whatever zones come and go."""

from collections.abc import Sequence
from ipaddress import IPv4Network
from itertools import combinations, pairwise

import pytest

from llmplatform.planning.network import SubnetPlan
from llmplatform.planning.network import plan_subnets as plan
from llmplatform.specs.network import RANGES, NewNetwork

LETTERS = [f"us-east-1{letter}" for letter in "abcdef"]


def plan_subnets(cidr: str, zones: Sequence[str], **ranges: int) -> SubnetPlan:
    return plan(NewNetwork.model_validate({"kind": "new", "cidr": cidr, "ranges": ranges}), zones)


def ranges(cidr: str, zones: list[str]) -> list[IPv4Network]:
    found = plan_subnets(cidr, zones)
    return [IPv4Network(each) for each in (*found.public.values(), *found.private.values())]


@pytest.mark.parametrize("cidr", ["10.0.0.0/16", "10.20.128.0/17", "192.168.16.0/20"])
def test_subnets_lie_within_the_network_and_apart(cidr: str) -> None:
    found = sorted(ranges(cidr, LETTERS))
    assert len(found) == 2 * RANGES
    assert all(each.subnet_of(IPv4Network(cidr)) for each in found)
    assert not any(first.overlaps(second) for first, second in pairwise(found))


def test_a_zone_has_the_same_subnets_beside_whichever_others() -> None:
    whole = plan_subnets("10.0.0.0/16", LETTERS)
    for count in range(1, RANGES):
        for zones in combinations(LETTERS, count):
            part = plan_subnets("10.0.0.0/16", zones)
            for zone in zones:
                assert part.private[zone] == whole.private[zone], "a moved range would replace the subnet and its nodes"
                assert part.public[zone] == whole.public[zone]


def test_the_order_of_zones_does_not_matter() -> None:
    assert plan_subnets("10.0.0.0/16", LETTERS[:3]) == plan_subnets("10.0.0.0/16", LETTERS[2::-1])


def test_a_private_subnet_of_a_16_has_8192_addresses_and_of_a_20_has_512() -> None:
    for cidr, addresses in (("10.0.0.0/16", 8192), ("10.0.0.0/20", 512)):
        private = plan_subnets(cidr, LETTERS[:2]).private.values()
        assert {IPv4Network(each).num_addresses for each in private} == {addresses}, "the settings promise so"


def test_the_smallest_public_subnet_takes_a_load_balancer() -> None:
    public = plan_subnets("10.0.0.0/20", LETTERS[:2]).public.values()
    assert all(IPv4Network(each).prefixlen <= 27 for each in public), "AWS balances in nothing narrower than a /27"


def test_a_zone_with_a_letter_beyond_f_has_the_same_subnets_beside_whichever_others() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    for first, second in combinations([f"cn-hangzhou-{letter}" for letter in letters], 2):
        alone = plan_subnets("10.0.0.0/16", [first])
        if (ord(second[-1]) - ord(first[-1])) % RANGES:
            assert plan_subnets("10.0.0.0/16", [first, second]).private[first] == alone.private[first]
        else:
            with pytest.raises(ValueError, match=r"network\.ranges"):
                plan_subnets("10.0.0.0/16", [first, second])


def test_two_zones_of_one_letters_part_get_along_once_one_is_given_another() -> None:
    zones = ["cn-hangzhou-e", "cn-hangzhou-k"]
    apart = plan_subnets("10.0.0.0/16", zones, **{"cn-hangzhou-e": 0})
    assert apart.private["cn-hangzhou-k"] == plan_subnets("10.0.0.0/16", zones[1:]).private["cn-hangzhou-k"]
    assert len(set(apart.private.values())) == 2


def test_a_seventh_zone_is_refused() -> None:
    with pytest.raises(ValueError, match=r"network\.ranges"):
        plan_subnets("10.0.0.0/16", [*LETTERS, "us-east-1g"])

"""Subnets keep their ranges whatever zones come and go."""

from ipaddress import IPv4Network
from itertools import combinations, pairwise

import pytest

from llmplatform.planning.network import ZONES, plan_subnets

LETTERS = [f"us-east-1{letter}" for letter in "abcdef"]


def ranges(cidr: str, zones: list[str]) -> list[IPv4Network]:
    plan = plan_subnets(cidr, zones)
    return [IPv4Network(each) for each in (*plan.public.values(), *plan.private.values())]


@pytest.mark.parametrize("cidr", ["10.0.0.0/16", "10.20.128.0/17", "192.168.16.0/20"])
def test_subnets_lie_within_the_network_and_apart(cidr: str) -> None:
    found = sorted(ranges(cidr, LETTERS))
    assert len(found) == 2 * ZONES
    assert all(each.subnet_of(IPv4Network(cidr)) for each in found)
    assert not any(first.overlaps(second) for first, second in pairwise(found))


def test_a_zone_has_the_same_subnets_beside_whichever_others() -> None:
    whole = plan_subnets("10.0.0.0/16", LETTERS)
    for count in range(1, ZONES):
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


def test_letters_beyond_f_find_ranges_of_their_own() -> None:
    zones = [f"cn-hangzhou-{letter}" for letter in "bhijk"]
    found = ranges("10.0.0.0/16", zones)
    assert len(set(found)) == 2 * len(zones)


def test_a_seventh_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="there is room for 6"):
        plan_subnets("10.0.0.0/16", [*LETTERS, "us-east-1g"])

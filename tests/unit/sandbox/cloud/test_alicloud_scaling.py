"""Which machines a pool of the simulated ACK gets: spot rules, mixes, stock by zone, and its own autoscaler."""

from typing import Any

import pytest
from support.sandboxes.alicloud_account import CLUSTER, NODE_POOL, SCALER, Made, pool
from support.sandboxes.alicloud_pools import A10, T4, grown
from support.sandboxes.clouds import ALICLOUD

from llmplatform_sandbox.cloud import SimulatedCloud
from llmplatform_sandbox.cloud.requests import CloudError
from llmplatform_sandbox.interfaces import ManagedAutoscaler, Unavailable

COST = {"multiAzPolicy": "COST_OPTIMIZED"}


def test_spot_pools_never_buy_on_demand_by_themselves(account: SimulatedCloud, made: Made) -> None:
    account.fault("spot-stockout", A10, active=True)
    account.fault("spot-stockout", T4, active=True)
    with pytest.raises(Unavailable, match="no spot capacity"):
        grown(account, made, 2, compensateWithOnDemand=True)
    [remark] = account.remarks()
    assert "compensateWithOnDemand does nothing with multiAzPolicy BALANCE" in remark


def test_compensation_acts_in_a_cost_optimised_pool(account: SimulatedCloud, made: Made) -> None:
    account.fault("spot-stockout", A10, active=True)
    account.fault("spot-stockout", T4, active=True)
    assert grown(account, made, 2, compensateWithOnDemand=True, **COST) == [False, False]
    labels = account.instances()[0].template.labels
    assert labels["node.alibabacloud.com/spot-strategy"] == "NoSpot"


@pytest.mark.parametrize(
    ("mix", "spot"),
    [
        ({"onDemandBaseCapacity": "1"}, [False, True, True, True]),
        ({"onDemandBaseCapacity": "0", "onDemandPercentageAboveBaseCapacity": "50"}, [True, False, True, False]),
        ({"onDemandPercentageAboveBaseCapacity": "100"}, [False] * 4),
        ({}, [True] * 4),
    ],
)
def test_a_cost_optimised_pool_keeps_its_mix(
    account: SimulatedCloud, made: Made, mix: dict[str, str], spot: list[bool]
) -> None:
    assert grown(account, made, 4, **mix, **COST) == spot


def test_the_cheapest_type_comes_first_in_a_cost_optimised_pool(account: SimulatedCloud, made: Made) -> None:
    grown(account, made, 1, instanceTypes=[T4, A10], spotStrategy="NoSpot", **COST)
    assert account.instances()[0].template.labels["node.kubernetes.io/instance-type"] == A10


def test_priority_fills_the_first_vswitch_first(account: SimulatedCloud, made: Made) -> None:
    grown(account, made, 3, multiAzPolicy="PRIORITY")
    assert [one.zone for one in account.instances()] == ["cn-hangzhou-i"] * 3
    account.fault("zone-outage", "cn-hangzhou-i", active=True)
    account.resize(account.node_groups()[0].id, 2)
    assert {one.zone for one in account.instances()} == {"cn-hangzhou-j"}


def test_a_price_limit_below_what_spot_ever_costs_gets_nothing(account: SimulatedCloud, made: Made) -> None:
    low = [{"instanceType": A10, "priceLimit": "0.5"}, {"instanceType": T4, "priceLimit": "0.5"}]
    with pytest.raises(Unavailable, match="no spot capacity"):
        grown(account, made, 1, spotStrategy="SpotWithPriceLimit", spotPriceLimits=low)


def test_a_scaled_pool_is_refilled_to_its_minimum_alone(account: SimulatedCloud, made: Made) -> None:
    ALICLOUD.make(account, NODE_POOL, **pool(made))
    account.resize(account.node_groups()[0].id, 4)
    account.fault("zone-outage", "cn-hangzhou-i", active=True)
    assert account.node_groups()[0].target == 2, "two of four were elsewhere, which is above the minimum of 1"


def test_there_is_none_before_it_is_configured(account: SimulatedCloud, made: Made) -> None:
    assert account.autoscaler() is None


def test_its_settings_are_those_of_the_configuration(account: SimulatedCloud) -> None:
    made = ALICLOUD.whole(account, SCALER)
    group = account.node_groups()[0].id
    wanted = ManagedAutoscaler(expanders=["priority"], priorities={100: [group]}, scale_down=True, from_zero=True)
    assert account.autoscaler() == wanted
    ALICLOUD.change(account, made[SCALER], scaleDownEnabled=False)
    changed = account.autoscaler()
    assert changed is not None
    assert changed.scale_down is False


def test_the_deletion_of_a_configuration_does_nothing(account: SimulatedCloud) -> None:
    made = ALICLOUD.whole(account, SCALER)
    before = account.autoscaler()
    account.account.delete(SCALER, made[SCALER].id)
    assert account.autoscaler() == before
    assert "the deletion of one does nothing" in account.remarks()[0]
    account.account.delete(NODE_POOL, made[NODE_POOL].id)
    account.account.delete(CLUSTER, made[CLUSTER].id)
    assert account.autoscaler() is None, "it goes with the cluster"


def test_a_second_configuration_takes_the_place_of_the_first(account: SimulatedCloud) -> None:
    made = ALICLOUD.whole(account, SCALER)
    ALICLOUD.make(account, SCALER, "other", clusterId=made[CLUSTER].id, expander="least-waste")
    found = account.autoscaler()
    assert found is not None
    assert found.expanders == ["least-waste"]


def test_priorities_name_groups_that_exist(account: SimulatedCloud) -> None:
    made = ALICLOUD.whole(account, NODE_POOL)
    with pytest.raises(CloudError, match=r"priorities\.100: asg-gone does not exist"):
        ALICLOUD.make(account, SCALER, clusterId=made[CLUSTER].id, expander="priority", priorities={"100": "asg-gone"})
    assert account.autoscaler() is None


@pytest.mark.parametrize(
    ("inputs", "path"),
    [
        ({"scalerType": "goatscaler", "expander": "priority"}, "expander"),
        ({"priorities": {"10": "asg-1"}}, "priorities"),
        ({"expander": "priority", "priorities": {"high": "asg-1"}}, "priorities.high"),
    ],
)
def test_configurations_that_ack_would_refuse(account: SimulatedCloud, inputs: dict[str, Any], path: str) -> None:
    assert path in dict(account.account.behaviour(SCALER).check({"clusterId": "c1", **inputs}))


def test_goatscaler_buys_on_demand_though_there_is_spot(account: SimulatedCloud, made: Made) -> None:
    ALICLOUD.make(account, SCALER, clusterId=made[CLUSTER].id, scalerType="goatscaler")
    assert grown(account, made, 2, compensateWithOnDemand=True, **COST) == [False, False]

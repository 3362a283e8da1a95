"""Which pools come first, and which others rely on."""

from support.plans import ON_DEMAND, SPOT_FIRST, pool_plans

from llmplatform.planning.order import autoscaled, awaited, homes, own, upgrade_waves
from llmplatform.planning.pools import PoolPlan

EMPTY = {"instance_types": ["m7i.2xlarge"], "min": 0, "max": 3}
TAINTED = {**EMPTY, "min": 1, "taints": [{"key": "team", "value": "search"}]}


def names(pools: tuple[PoolPlan, ...]) -> list[str]:
    return [pool.name for pool in pools]


def test_an_upgrade_reaches_pools_with_gpus_last() -> None:
    plans = pool_plans(gpu=SPOT_FIRST, batch=EMPTY, more=ON_DEMAND)
    assert [names(wave) for wave in upgrade_waves(plans)] == [["system", "batch"], ["gpu", "more"]]


def test_a_tainted_pool_holds_up_no_object_and_an_empty_one_no_addon() -> None:
    plans = pool_plans(gpu=SPOT_FIRST, batch=EMPTY, apart=TAINTED)
    assert names(awaited(plans)) == ["system", "batch"]
    assert names(homes(plans)) == ["system"]


def test_pools_of_another_stack_are_neither_made_nor_relied_on() -> None:
    plans = tuple(
        PoolPlan(**{**vars(plan), "groups": ()}) if plan.name == "theirs" else plan
        for plan in pool_plans(gpu=SPOT_FIRST, theirs=EMPTY)
    )
    assert names(own(plans)) == ["system", "gpu"]
    assert names(awaited(plans)) == ["system"]
    assert names(autoscaled(plans)) == ["system", "gpu"]

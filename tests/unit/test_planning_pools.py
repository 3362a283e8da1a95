"""Node pools as they follow from the settings."""

from pathlib import Path

import pytest

from llmplatform.planning.pools import GPU_RESOURCE, POOL_LABEL, PoolPlan, gpu_capacity, plan_pools
from llmplatform.specs import load_stack

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["dev", "prod"])
def pools(request: pytest.FixtureRequest) -> dict[str, PoolPlan]:
    return {pool.name: pool for pool in plan_pools(load_stack(ROOT / f"Pulumi.{request.param}.yaml"))}


def test_pods_that_need_no_gpu_are_kept_off_gpu_nodes(pools: dict[str, PoolPlan]) -> None:
    for pool in pools.values():
        tainted = [taint.key for taint in pool.taints] == [GPU_RESOURCE]
        assert tainted == (pool.gpu is not None), (
            f"{pool.name}: GPU nodes are dear, and system nodes must take everybody"
        )


def test_both_groups_of_a_pool_look_the_same_to_a_pod(pools: dict[str, PoolPlan]) -> None:
    for pool in pools.values():
        assert pool.labels[POOL_LABEL] == pool.name, "labels belong to the pool, not to a group"


def test_spot_is_tried_first_and_what_must_stay_is_bought_on_demand() -> None:
    pools = {pool.name: pool for pool in plan_pools(load_stack(ROOT / "Pulumi.prod.yaml"))}
    spot, on_demand = pools["gpu-small"].groups
    assert (spot.capacity, on_demand.capacity) == ("spot", "on_demand")
    assert spot.priority > on_demand.priority, "the expander takes the higher number"
    assert (spot.minimum, on_demand.minimum) == (0, 1), "a stock-out must not take the nodes that stay"
    assert pools["gpu-small"].interruptible
    assert not pools["gpu-large"].interruptible


def test_group_names_are_unique(pools: dict[str, PoolPlan]) -> None:
    names = [group.name for pool in pools.values() for group in pool.groups]
    assert len(names) == len(set(names))


def test_a_pool_without_zones_uses_all(pools: dict[str, PoolPlan]) -> None:
    assert all(len(pool.zones) >= 2 for pool in pools.values())


def test_the_gpus_of_another_stacks_pool_count_as_many_as_it_can_grow_to() -> None:
    stack = load_stack(ROOT / "Pulumi.prod.yaml")
    large = {"gpu-large": stack.pools["gpu-large"].model_copy(update={"existing": True})}
    theirs = plan_pools(stack.model_copy(update={"pools": large}))
    assert not theirs[0].groups
    assert gpu_capacity(theirs) == 8, "two nodes of four: with none, the quota refuses every model"
    assert gpu_capacity(plan_pools(stack)) == 16, "spot and on-demand groups of four each, and two nodes of four"

"""Node pools as they follow from the settings."""

from pathlib import Path
from typing import cast

import pytest
from support.stack_settings import dev, problems

from llmplatform.catalog import versions
from llmplatform.checks import load_stack, parse, warnings
from llmplatform.checks.files import read
from llmplatform.planning.pools import (
    DRIVER_LABEL,
    GPU_RESOURCE,
    POOL_LABEL,
    PoolPlan,
    gpu_capacity,
    most_nodes,
    plan_pools,
)

ROOT = Path(__file__).parents[3]


@pytest.fixture(params=["dev", "prod", "dev-ack", "prod-ack"])
def pools(request: pytest.FixtureRequest) -> dict[str, PoolPlan]:
    return {pool.name: pool for pool in plan_pools(load_stack(ROOT / f"Pulumi.{request.param}.yaml"))}


def test_pods_that_need_no_gpu_are_kept_off_gpu_nodes(pools: dict[str, PoolPlan]) -> None:
    for pool in pools.values():
        tainted = [taint.key for taint in pool.taints] == [GPU_RESOURCE]
        assert tainted == (pool.gpu is not None), (
            f"{pool.name}: GPU nodes are dear, and system nodes must take every pod"
        )


def test_both_groups_of_a_pool_look_the_same_to_a_pod(pools: dict[str, PoolPlan]) -> None:
    for pool in pools.values():
        assert pool.labels[POOL_LABEL] == pool.name, "labels belong to the pool, not to a group"


@pytest.mark.parametrize("stack", ["prod", "prod-ack"])
def test_spot_is_tried_first_and_what_must_stay_is_bought_on_demand(stack: str) -> None:
    pools = {pool.name: pool for pool in plan_pools(load_stack(ROOT / f"Pulumi.{stack}.yaml"))}
    for name in ("gpu-small", "gpu-large"):
        spot, on_demand = pools[name].groups
        assert (spot.capacity, on_demand.capacity) == ("spot", "on_demand")
        assert spot.priority > on_demand.priority, "the expander takes the higher number"
        assert (spot.minimum, on_demand.minimum) == (0, 1), "a stock-out must not take the nodes that stay"
        assert pools[name].interruptible
    assert not pools["system"].interruptible


def test_group_names_are_unique(pools: dict[str, PoolPlan]) -> None:
    names = [group.name for pool in pools.values() for group in pool.groups]
    assert len(names) == len(set(names))


def test_a_pool_without_zones_uses_all(pools: dict[str, PoolPlan]) -> None:
    assert all(len(pool.zones) >= 2 for pool in pools.values())


def planned(stack: str, **changes: object) -> dict[str, PoolPlan]:
    """Plans of a committed stack's pools, with some settings of its GPU pool changed."""
    settings = read(ROOT / f"Pulumi.{stack}.yaml")
    pools = cast(dict[str, dict[str, object]], settings["pools"])
    pools["gpu"] |= changes
    return {pool.name: pool for pool in plan_pools(parse(settings))}


def test_ack_is_told_which_driver_to_install_where_there_are_gpus() -> None:
    pools = planned("dev-ack")
    assert pools["gpu"].driver == pools["gpu"].labels[DRIVER_LABEL] == versions.ACK_DRIVER, "its default is too old"
    assert pools["system"].driver is None
    assert DRIVER_LABEL not in pools["system"].labels


def test_a_driver_that_is_asked_for_is_installed() -> None:
    older = {"engine": {"version": "0.6.6.post1"}, "source": "Qwen/Qwen2.5-7B-Instruct"}
    settings = read(ROOT / "Pulumi.dev-ack.yaml")
    pools = cast(dict[str, dict[str, object]], settings["pools"])
    models = cast(dict[str, dict[str, object]], settings["models"])
    pools["gpu"]["driver"] = "550.163.01"
    models["qwen3-8b"] |= older
    pool = next(pool for pool in plan_pools(parse(settings)) if pool.name == "gpu")
    assert pool.labels[DRIVER_LABEL] == "550.163.01"


def test_on_aws_the_driver_is_the_images() -> None:
    pool = planned("dev")["gpu"]
    assert pool.driver is None
    assert DRIVER_LABEL not in pool.labels


def test_each_type_may_have_a_limit_of_its_own() -> None:
    machine = "ecs.gn7i-c16g1.4xlarge"
    spot, _ = planned("dev-ack", spot_price_limit=9, spot_price_limits={machine: 0.00125})["gpu"].groups
    assert spot.price_limits == {machine: "0.001"}, "never in a power of ten, which the cloud does not read"


def test_a_limit_of_the_price_is_for_spot_machines_of_each_type() -> None:
    spot, on_demand = planned("dev-ack", spot_price_limit=5.5)["gpu"].groups
    assert spot.price_limits == {"ecs.gn7i-c16g1.4xlarge": "5.5"}
    assert on_demand.price_limits == {}, "a machine on demand has one price"


def test_without_a_limit_the_market_price_is_paid() -> None:
    assert all(group.price_limits == {} for group in planned("dev-ack")["gpu"].groups)


def test_a_pool_lies_where_its_machines_are_sold() -> None:
    settings = read(ROOT / "Pulumi.dev-ack.yaml")
    cloud = cast(dict[str, object], settings["cloud"])
    cloud["zones"] = ["cn-hangzhou-b", "cn-hangzhou-k"]
    pools = {pool.name: pool for pool in plan_pools(parse(settings))}
    assert pools["gpu"].zones == ("cn-hangzhou-k",), "zone b is not known to sell gn7i"
    assert pools["system"].zones == ("cn-hangzhou-b", "cn-hangzhou-k")
    cloud["gpu_zones"] = {"gn7i": ["cn-hangzhou-b"]}
    pools = {pool.name: pool for pool in plan_pools(parse(settings))}
    assert pools["gpu"].zones == ("cn-hangzhou-b", "cn-hangzhou-k"), "the account knows better"


def test_the_gpus_of_another_stacks_pool_count_as_many_as_it_can_grow_to() -> None:
    stack = load_stack(ROOT / "Pulumi.prod.yaml")
    large = {"gpu-large": stack.pools["gpu-large"].model_copy(update={"existing": True})}
    theirs = plan_pools(stack.model_copy(update={"pools": large}))
    assert not theirs[0].groups
    assert gpu_capacity(theirs) == 16, "four nodes of four: with none, the quota refuses every model"
    assert gpu_capacity(plan_pools(stack)) == 24, (
        "spot and on-demand groups of four nodes each, and of two with four each"
    )


def _aws(**pools: dict[str, object]) -> list[str]:
    raw = dev()
    raw["pools"] |= pools
    return problems(raw)


def _ack(**pools: dict[str, object]) -> list[str]:
    settings = read(ROOT / "Pulumi.dev-ack.yaml")
    cast(dict[str, dict[str, object]], settings["pools"]).update(pools)
    return problems(settings)


_CPU: dict[str, object] = {"instance_types": ["m7i.xlarge"], "max": 2}
_ECS: dict[str, object] = {"instance_types": ["ecs.g7.xlarge"], "max": 2}


def test_no_two_node_groups_have_one_name_whatever_pools_they_are_of() -> None:
    """Two resources of one type and name are one URN, which the engine takes once (Pulumi, "Resource names")."""
    assert _aws(**{"x": {**_CPU, "capacity": "spot_first"}, "x-spot": _CPU}) == [
        "pools.x-spot: a node group of pool 'x' is called 'x-spot-a', as one of this; give this pool another name"
    ]
    assert _ack(**{"system-j": _ECS}) == [
        "pools.system-j: a node group of pool 'system' has that name; give this pool another name"
    ]


def test_a_pool_holds_as_many_nodes_as_its_groups() -> None:
    """A group for each zone has up to `max` nodes, as the reference says of `spread`."""
    raw = dev()
    raw["pools"]["gpu"] |= {"max": 1, "min": 0, "capacity": "on_demand", "spread": "per_zone"}
    for model in raw["models"].values():
        model |= {"replicas": 2}
    assert len(raw["models"]) == 1
    assert problems(raw) == []
    (gpu,) = [pool for pool in plan_pools(parse(raw)) if pool.name == "gpu"]
    assert most_nodes(gpu) == 2
    raw["pools"]["gpu"]["spread"] = "across_zones"
    assert [each for each in problems(raw) if "it has at most 1;" in each]


def test_a_zone_in_front_moves_nodes_of_a_fixed_pool_only_after_a_warning() -> None:
    settings = read(ROOT / "Pulumi.dev-ack.yaml")
    cloud = cast(dict[str, list[str]], settings["cloud"])
    pools = cast(dict[str, dict[str, object]], settings["pools"])
    said = "pools.system.min: 2 nodes are shared out over 3 zones in the order of cloud.zones"

    def groups() -> list[str]:
        (system,) = [pool for pool in plan_pools(parse(settings)) if pool.name == "system"]
        return [group.name for group in system.groups]

    def warned() -> bool:
        return any(str(each).startswith(said) for each in warnings(parse(settings)))

    before, there = groups(), cloud["zones"]
    assert not warned()
    cloud["zones"] = ["cn-hangzhou-i", *there]
    assert groups() != before
    assert warned()
    pools["system"]["zones"] = there
    assert groups() == before
    assert not warned()


def test_ack_counts_its_groups_of_each_zone() -> None:
    assert any(each.startswith("pools.more.max: all pools together") for each in _ack(more={**_ECS, "max": 4000}))

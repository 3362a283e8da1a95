"""The order in which pools are made, upgraded and relied on."""

from collections.abc import Sequence

from llmplatform.planning.pools import PoolPlan


def own(pools: Sequence[PoolPlan]) -> tuple[PoolPlan, ...]:
    """Pools that the stack makes. Those of another stack have no group."""
    return tuple(pool for pool in pools if pool.groups)


def upgrade_waves(pools: Sequence[PoolPlan]) -> tuple[tuple[PoolPlan, ...], tuple[PoolPlan, ...]]:
    """System pools, then the others. An upgrade is seen on nodes that are easy to get before it touches a GPU."""
    first = tuple(pool for pool in awaited(pools) if not pool.gpu)
    return first, tuple(pool for pool in own(pools) if pool not in first)


def awaited(pools: Sequence[PoolPlan]) -> tuple[PoolPlan, ...]:
    """Pools that every object in the cluster depends on.

    A tainted pool is not one: it may be stuck for want of machines, and only models and services run on it.
    """
    return tuple(pool for pool in own(pools) if not pool.dedicated)


def homes(pools: Sequence[PoolPlan]) -> tuple[PoolPlan, ...]:
    """Pools that managed add-ons depend on. One that starts from zero has no node until the autoscaler runs."""
    return tuple(pool for pool in awaited(pools) if pool.spec.min)


def autoscaled(pools: Sequence[PoolPlan]) -> tuple[PoolPlan, ...]:
    """Pools with a group that an autoscaler sizes."""
    return tuple(pool for pool in own(pools) if not all(group.fixed for group in pool.groups))

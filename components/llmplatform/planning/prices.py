"""Prices of the machines of pools: the catalog's, or those of the settings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from llmplatform.catalog import instance_types
from llmplatform.planning.pools import PoolPlan


@dataclass(frozen=True, kw_only=True)
class MachinePrice:
    """What a machine costs in an hour."""

    machine: str
    """Instance type."""
    hour: float
    currency: str


def machine_prices(pools: Iterable[PoolPlan], given: Mapping[str, float]) -> tuple[MachinePrice, ...]:
    """The price of each type of machine that the pools may have, if it is known.

    `given`: instance type to its price, in the place of the catalog's.
    """
    found = {
        each.name: MachinePrice(machine=each.name, hour=price, currency=each.currency)
        for pool in pools
        for name in pool.spec.instance_types
        if (each := instance_types.find(pool.shape.provider, name))
        and (price := given.get(name, each.price_hour)) is not None
    }
    return tuple(found.values())

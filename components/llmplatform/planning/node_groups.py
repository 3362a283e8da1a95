"""Groups of a pool by capacity type and zone, with their bounds."""

from dataclasses import dataclass
from typing import Literal

from llmplatform.specs.pools import AlicloudPool, Pool


@dataclass(frozen=True, kw_only=True)
class NodeGroup:
    """One group of a pool."""

    suffix: str
    """Suffix after the pool's name; empty for a single group."""
    capacity: Literal["on_demand", "spot"]
    zones: tuple[str, ...]
    minimum: int
    maximum: int

    def name(self, pool: str) -> str:
        """Its name among all groups of the environment."""
        return f"{pool}{self.suffix}"


def is_fixed(pool: Pool) -> bool:
    """Whether the pool keeps its size, outside of the autoscaler."""
    return isinstance(pool, AlicloudPool) and pool.scaling == "fixed"


def node_groups(pool: Pool, zones: tuple[str, ...], *, gpus: bool) -> tuple[NodeGroup, ...]:
    """The groups of a pool in these zones; `gpus`: whether its machines have GPUs."""
    # A disk lies in one zone: the autoscaler can add a node there only if the zone has its own group.
    per_zone = pool.per_zone(gpus=gpus)
    places = [(f"-{zone[-1]}", (zone,)) for zone in zones] if per_zone else [("", zones)]

    def groups(suffix: str, capacity: Literal["on_demand", "spot"], minimum: int) -> tuple[NodeGroup, ...]:
        kept, rest = divmod(minimum, len(places)) if places else (0, 0)
        shares = [kept + (index < rest) for index in range(len(places))]
        return tuple(
            NodeGroup(
                suffix=f"{suffix}{letter}",
                capacity=capacity,
                zones=place,
                minimum=share,
                maximum=share if is_fixed(pool) else pool.max,
            )
            for share, (letter, place) in zip(shares, places, strict=True)
            if share or not is_fixed(pool)
        )

    if pool.capacity == "spot_first":
        # Minimum nodes are on demand, so that no stock-out removes them.
        return *groups("-spot", "spot", 0), *groups("-on-demand", "on_demand", pool.min)
    return groups("", pool.capacity, pool.min)

"""Zones that sell machines with GPUs, from `data/gpu_zones.csv`. What is not in the table is not known."""

from functools import lru_cache

from llmplatform.catalog.instance_types import InstanceType
from llmplatform.catalog.tables import rows


@lru_cache
def known(machine: InstanceType, region: str) -> frozenset[str]:
    """Zones of a region that sell a machine; empty where that is not known."""
    of = (machine.provider, region, machine.family)
    found = (row["zones"] for row in rows("gpu_zones") if (row["provider"], row["region"], row["family"]) == of)
    return frozenset(zone for zones in found for zone in zones.split())

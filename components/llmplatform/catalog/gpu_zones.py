"""Regions and zones that sell machines with GPUs, from `data/gpu_zones.csv` and `data/gpu_regions.csv`.

The tables are incomplete.
"""

from functools import lru_cache

from llmplatform.catalog.instance_types import InstanceType
from llmplatform.catalog.tables import rows


@lru_cache
def known(machine: InstanceType, region: str) -> frozenset[str]:
    """Zones of a region that sell a machine; empty if the tables do not know."""
    of = (machine.provider, region, machine.family)
    found = (row["zones"] for row in rows("gpu_zones") if (row["provider"], row["region"], row["family"]) == of)
    return frozenset(zone for zones in found for zone in zones.split())


@lru_cache
def families(provider: str, region: str) -> frozenset[str] | None:
    """Families with GPUs that are sold in a region; None if the tables do not know."""
    row = _region(provider, region)
    return frozenset(row["families"].split()) if row else None


@lru_cache
def last_zone(provider: str, region: str) -> str | None:
    """Letter of the last zone that any account sees in a region; None if the tables do not know."""
    row = _region(provider, region)
    return row["last_zone"] if row else None


def _region(provider: str, region: str) -> dict[str, str] | None:
    found = (row for row in rows("gpu_regions") if (row["provider"], row["region"]) == (provider, region))
    return next(found, None)

"""Regions of the clouds, from `data/regions.csv`."""

from functools import lru_cache

from llmplatform.catalog.tables import rows


@lru_cache
def names(provider: str) -> tuple[str, ...]:
    """The regions of a cloud; empty for a cloud without a list."""
    return tuple(row["region"] for row in rows("regions") if row["provider"] == provider)

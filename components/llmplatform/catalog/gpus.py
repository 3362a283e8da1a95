"""The GPUs that the clouds rent, from `data/gpus.csv`."""

from dataclasses import dataclass
from functools import lru_cache

from llmplatform.catalog.tables import rows

GIB = 2**30
"""Bytes of a GiB."""


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """One model of GPU."""

    name: str
    memory_gib: float
    """The memory that an engine sees (PyTorch's total), not the marketing figure."""
    compute_capability: tuple[int, int]
    bf16: bool
    """Supports bfloat16; without it models run in float16."""
    fp8: bool
    """Computes in 8-bit floating point; without it fp8 only saves memory."""
    accelerator: str
    """Value of the node label by which cluster-autoscaler expects GPUs on a node."""


@lru_cache(maxsize=1)
def _all() -> dict[str, Gpu]:
    return {row["name"]: _gpu(row) for row in rows("gpus")}


def _gpu(row: dict[str, str]) -> Gpu:
    major, _, minor = row["compute_capability"].partition(".")
    return Gpu(
        name=row["name"],
        memory_gib=float(row["memory_gib"]),
        compute_capability=(int(major), int(minor)),
        bf16=row["bf16"] == "yes",
        fp8=row["fp8"] == "yes",
        accelerator=row["accelerator"],
    )


def get(name: str) -> Gpu:
    """The GPU of that name, as in the table. Raises KeyError."""
    return _all()[name]


def names() -> tuple[str, ...]:
    """All names."""
    return tuple(_all())

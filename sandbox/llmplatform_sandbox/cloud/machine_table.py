"""The machines that a simulated cloud rents: `machines.toml` of each cloud, a row per family."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from llmplatform_sandbox.citations import Cited


class Family(Cited):
    """Machines of one generation and kind."""

    architecture: str = "amd64"
    types: Mapping[str, tuple[int, ...]]
    """Type → sizes, in the order at the head of the file."""
    gpu: str = ""
    gpu_gib: int = 0
    """Memory of one GPU."""
    prices: Mapping[str, float] = {}
    """Type → price of an hour, if known."""
    zones: Mapping[str, tuple[str, ...]] = {}
    """Region → zones that sell it, if known."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One type of machine."""

    name: str
    family: Family
    vcpus: int
    memory_mib: int
    allocatable_memory_mib: int
    """Memory that pods can request in all."""
    gpus: int
    nvme_gb: int = 0

    @property
    def architecture(self) -> str:
        """`amd64` or `arm64`."""
        return self.family.architecture

    @property
    def price_hour(self) -> float | None:
        """None if it is not known."""
        return self.family.prices.get(self.name)


@cache
def families(package: str) -> Mapping[str, Family]:
    """The families of a cloud by name."""
    text = (files("llmplatform_sandbox.cloud") / package / "machines.toml").read_text(encoding="utf-8")
    return {name: Family.model_validate(row) for name, row in tomllib.loads(text).items()}


@cache
def by_type(package: str) -> Mapping[str, tuple[Family, tuple[int, ...]]]:
    """Type → family and sizes."""
    return {name: (family, sizes) for family in families(package).values() for name, sizes in family.types.items()}

"""How long the phases of a server's start take, from `data/start.toml`: careful figures, each with its source."""

import tomllib
from collections.abc import Mapping
from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from llmplatform.catalog.tables import DATA


class Figure(BaseModel):
    """A figure and where it comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    source: str


class StartTimes(BaseModel):
    """The figures of all phases but compilation."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    node: Mapping[str, Figure]
    """Seconds for a node, by cloud."""
    image_gb: Mapping[str, Figure]
    """Compressed size of an image, by engine; `other`: of an image that is not known."""
    pull_mb: Mapping[str, Figure]
    """Megabytes of an image in a second, by the node's snapshotter."""
    copy_mb: Mapping[str, Figure]
    """Megabytes of weights that are copied in a second, by where they come from; hubs: the route to the internet."""
    load_gib: Mapping[str, Figure]
    """GiB of weights in a second, by what they lie on."""
    boot: Mapping[str, Figure]
    """Seconds of a container until its engine reads weights."""


@lru_cache(maxsize=1)
def start_times() -> StartTimes:
    """The figures."""
    return StartTimes.model_validate(tomllib.loads((DATA / "start.toml").read_text(encoding="utf-8")))

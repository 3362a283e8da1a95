"""Facts about inference engines, from `data/engines/<kind>.toml`: releases, the server in the image, and what is ours.

Every table of facts names its source. What a release's command line accepts is in `engine_flags`.
"""

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from llmplatform.catalog.tables import DATA

FOLDER = DATA / "engines"
_VARIABLES = DATA / "engine_variables.toml"
"""What is ours whatever the engine."""

Capability = tuple[int, int]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class _Cited(_Table):
    source: str
    """Where the table's facts are written."""


class EngineMetrics(_Table):
    """What the series are called that autoscaling, alerts and dashboards need, as PromQL selects them.

    None: the release exposes no such series.
    """

    requests_running: str | None = None
    """Gauge."""
    requests_waiting: str | None = None
    """Gauge."""
    kv_cache_usage: str | None = None
    """Gauge from 0 to 1."""
    requests_finished: str | None = None
    """Counter."""
    prompt_tokens: str | None = None
    """Counter."""
    generation_tokens: str | None = None
    """Counter."""
    time_to_first_token: str | None = None
    """Histogram of seconds, without its suffix, as the following ones."""
    time_between_tokens: str | None = None
    request_latency: str | None = None


class EngineRelease(_Cited):
    """A released inference engine."""

    version: str
    image: str
    """Reference with tag."""
    cuda: str
    driver: int
    """Lowest NVIDIA driver branch that runs its CUDA."""
    compute_capability: Capability
    """Oldest GPU that it has kernels for."""
    newest_capability: Capability | None = None
    """Newest GPU that it has kernels for, where later ones are known; None: it runs whatever is on record."""
    command: tuple[str, ...] = ()
    """What the container runs, where the image's ENTRYPOINT does not take our arguments."""
    environment: Mapping[str, str] = {}
    """Variables that the image lacks."""
    has_home: bool = True
    """Whether the image has a home that our user can write to; else it gets one."""
    metrics: EngineMetrics

    def runs_on(self, capability: Capability) -> bool:
        """Whether it has kernels for a GPU of that compute capability."""
        newest = self.newest_capability
        return self.compute_capability <= capability and (not newest or capability <= newest)


class EngineServer(_Cited):
    """The server in the image."""

    user: int
    group: int
    home: str
    """Folder that the group can write to."""
    ports: Mapping[str, int]
    """Name to number. The first one has the API."""
    paths: Mapping[str, str]
    """What it answers over HTTP, by purpose."""
    quiet: tuple[str, ...] = ()
    """Paths whose requests are kept out of the logs."""
    api_key_variable: str | None = None
    """Environment variable with the key that clients send. None: it asks for none."""


class EngineStart(_Cited):
    """How long a start takes beside the loading of weights, in seconds."""

    compile_seconds: int
    """Compilation, CUDA graphs and memory profiling at a first start."""
    patience_seconds: int
    """How long it waits for its own workers by default: no start is given less."""


class EngineMemory(_Cited):
    """What an engine takes of a GPU beside weights and cache. Sizes are GiB on each GPU."""

    sequences: int
    """Sequences that are computed at once, where the settings do not say."""
    sequences_large: int
    """The same on large GPUs."""
    large_gpu_gib: float
    """From here on a GPU is large, and the engine takes more of its memory."""
    large_except: str | None = None
    """Beginning of the names of GPUs that are not treated as large."""
    overhead_gib: float
    overhead_large_gib: float
    communication_gib: float
    """Further memory where several GPUs work together."""
    beside_sampling_gib: float
    sampling_bytes: int
    """Of each sequence and entry of the vocabulary, while the engine tries how much the most sequences need."""


class EngineCache(_Cited):
    """What kernels read from the key-value cache."""

    fp8_from: Capability
    """Compute capability below which no attention kernel takes a cache in fp8."""


class EngineWeights(_Cited):
    """How quantized weights are asked for."""

    quantization_flag: str
    quantized: str
    """Regular expression of the values for weights that are published quantized."""


class EngineParsers(_Cited):
    """Which models' calls a parser reads."""

    guide: str
    """What its publisher calls the page that says so."""
    families: Mapping[str, tuple[str, ...]]
    """Beginning of a parser's name to words of the names of those models."""


class _Owned(_Table):
    instead: str
    flags: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()


class EngineFacts(_Table):
    """What is known about one engine."""

    name: str
    """As its publisher writes it."""
    releases: tuple[EngineRelease, ...]
    """The first one is the default. The others stay for models that it does not run."""
    server: EngineServer
    start: EngineStart
    memory: EngineMemory
    cache: EngineCache | None = None
    """None: a cache in 8 bit is not offered."""
    weights: EngineWeights | None = None
    """None: it takes weights as they are."""
    parsers: EngineParsers | None = None
    """None: it has no choice of parsers."""
    overridable: tuple[str, ...] = ()
    """Flags that we emit, and that a user's own may overrule."""
    owned: tuple[_Owned, ...]

    def release(self, version: str | None = None) -> EngineRelease:
        """A release; the default where none is named, or none of that name is known."""
        return next((each for each in self.releases if each.version == version), self.releases[0])

    @property
    def versions(self) -> tuple[str, ...]:
        """Versions that can be asked for."""
        return tuple(each.version for each in self.releases)

    @property
    def owned_flags(self) -> Mapping[str, str]:
        """Flags that the platform sets, to what to do instead, or the reason why there is no choice."""
        return {flag: group.instead for group in self.owned for flag in group.flags}

    @property
    def owned_variables(self) -> Mapping[str, str]:
        """The same for environment variables."""
        return {name: group.instead for group in (*_common(), *self.owned) for name in group.variables}


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


@lru_cache
def _common() -> tuple[_Owned, ...]:
    return tuple(_Owned.model_validate(group) for group in _read(_VARIABLES)["owned"])


@lru_cache
def facts(kind: str) -> EngineFacts:
    """What is known about an engine. Raises FileNotFoundError for one that the catalog does not have."""
    return EngineFacts.model_validate(_read(FOLDER / f"{kind}.toml"))


def kinds() -> tuple[str, ...]:
    """Engines that the catalog has."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def release(kind: str, version: str | None = None) -> EngineRelease:
    """A release of an engine, as `EngineFacts.release`."""
    return facts(kind).release(version)

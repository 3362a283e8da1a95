"""Facts about inference engines, from `data/engines/<kind>.toml`: releases, server, and the flags that we own.

Every table names its source. `engine_flags` has the command lines of releases.
"""

import tomllib
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from llmplatform.catalog.engine_memory import CitedTable, EngineMemory, FactTable
from llmplatform.catalog.engine_metrics import EngineMetrics
from llmplatform.catalog.tables import DATA

FOLDER = DATA / "engines"
_VARIABLES = DATA / "engine_variables.toml"
"""Owned flags and variables of every engine."""

Capability = tuple[int, int]
NO_GPU = "none"
"""In place of a compute capability: nodes without a GPU."""


class EngineLora(FactTable):
    """Bounds of LoRA adapters."""

    ranks: tuple[int, ...]
    """Highest ranks to choose from."""
    vocabulary: int | None = None
    """Largest vocabulary of a model with adapters; None: there is no bound."""
    base_slot: bool = False
    """Whether requests without an adapter take one of the places of a batch, and its memory."""


class EngineStages(CitedTable):
    """Replicas of several stages, whose pods may be on several nodes."""

    port: int
    """Port of the first pod where the others meet it."""
    refused: tuple[str, ...] = ()
    """Flags that its further pods do not start with."""


class EngineRanks(CitedTable):
    """Replicas of several data-parallel ranks on one node."""

    share_experts: bool = False
    """Whether they share routed experts even if each GPU has a part of every one; else only whole ones."""
    copy_shared_experts: bool = False
    """Whether each GPU has a copy of the experts that every token uses, where GPUs have whole routed ones."""
    without: tuple[str, ...] = ()
    """Words in the names of models whose ranks cannot share experts."""


class EngineRelease(CitedTable):
    """A released inference engine."""

    version: str
    image: str
    """Reference with tag."""
    images: Mapping[str, str] = {}
    """Images for some GPUs alone, by compute capability, and for nodes without any (`none`). Empty: one for all."""
    cuda: str
    driver: int
    """Lowest NVIDIA driver branch that supports its CUDA."""
    compute_capability: Capability
    """Oldest GPU with kernels."""
    newest_capability: Capability | None = None
    """Newest GPU with kernels, if later ones are known; None: all in the catalog."""
    command: tuple[str, ...] = ()
    """Command of the container, if the image's ENTRYPOINT does not accept our arguments."""
    environment: Mapping[str, str] = {}
    """Variables that the image lacks."""
    has_home: bool = True
    """Whether the image has a home that our user can write to; else it gets one."""
    metrics: EngineMetrics
    lora: EngineLora | None = None
    """None: the release serves no adapters, or it is not known how."""
    stages: EngineStages | None = None
    """None: the release has no replicas over several nodes without a further scheduler."""
    ranks: EngineRanks | None = None
    """None: the release has no data-parallel ranks in one pod, or it is not known how."""
    expert_parallel: bool = False
    """Whether each GPU can have whole experts, by `models.*.expert_parallel`."""

    def runs_on(self, capability: Capability) -> bool:
        """Whether it has kernels for a GPU of that compute capability."""
        newest = self.newest_capability
        within = self.compute_capability <= capability and (not newest or capability <= newest)
        return within and (not self.images or dotted(capability) in self.images)

    def image_for(self, capability: Capability | None) -> str:
        """The image for such GPUs; None: for nodes without any."""
        return self.images.get(dotted(capability) if capability else NO_GPU, self.image)


def dotted(capability: Capability) -> str:
    """A compute capability as NVIDIA writes it."""
    return ".".join(map(str, capability))


class EngineServer(CitedTable):
    """The server in the image."""

    user: int
    group: int
    home: str
    """Folder that the group can write to."""
    ports: Mapping[str, int]
    """Name to number. The first one is the API."""
    paths: Mapping[str, str]
    """HTTP paths, by purpose."""
    quiet: tuple[str, ...] = ()
    """Paths whose requests are not logged."""
    api_key_variable: str | None = None
    """Environment variable for the clients' key. None: it checks none."""
    open_paths: str | None = None
    """What its clients can do to the server. None: nothing but ask it."""


class EngineStart(CitedTable):
    """Duration of a start without loading weights, in seconds."""

    compile_seconds: int
    """Compilation, CUDA graphs and memory profiling at a first start."""
    patience_seconds: int
    """Default time that it waits for its own workers: no start gets less."""


class EngineCache(CitedTable):
    """Formats of the key-value cache that kernels read."""

    fp8_from: Capability
    """Compute capability below which no attention kernel supports a cache in fp8."""


class EngineWeights(CitedTable):
    """The setting for quantized weights."""

    quantization_flag: str
    quantized: str
    """Regular expression of the values for published quantized weights."""


class EngineParsers(CitedTable):
    """Parsers and their models."""

    families: Mapping[str, tuple[str, ...]]
    """Beginning of a parser's name to words in the names of its models."""


class EngineOwnImage(CitedTable):
    """Why the publisher's image cannot be used."""

    reason: str
    remedy: str


class _Owned(FactTable):
    instead: str
    flags: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()


class EngineFacts(FactTable):
    """Facts about one engine."""

    name: str
    """Name in its publisher's spelling."""
    releases: tuple[EngineRelease, ...] = ()
    """The first one is the default. The others are for models that it does not support. None: images are the user's."""
    without_gpus: bool = False
    """Whether it also runs on nodes without GPUs."""
    aging: str | None = None
    """Why new models should not use it."""
    own_image: EngineOwnImage | None = None
    """Why a user has to name an image. None: the publisher's will do."""
    bytes_without_gpus: int | None = None
    """Bytes of a weight on nodes without GPUs. None: as it is published."""
    without: Mapping[str, str] = {}
    """Settings of a model that it does not have, with the reason."""
    own_weights: bool = False
    """Whether an image may have its weights in it."""
    spreads_heads: bool = True
    """Whether several GPUs share the attention heads, which they have to divide."""
    server: EngineServer
    start: EngineStart
    memory: EngineMemory
    cache: EngineCache | None = None
    """None: it has no 8-bit cache."""
    weights: EngineWeights | None = None
    """None: it has no such setting."""
    parsers: EngineParsers | None = None
    """None: it has no choice of parsers."""
    negates: bool = False
    """Whether a switch `--x` has a `--no-x`, too."""
    overridable: tuple[str, ...] = ()
    """Flags that we set, and that a user may override."""
    hub_flags: tuple[str, ...] = ()
    """Flags whose values name what the engine would fetch from a hub, unless they are paths."""
    hub_options: tuple[str, ...] = ()
    """The same of options in a file, with dots between the keys."""
    owned: tuple[_Owned, ...]

    def release(self, version: str | None = None) -> EngineRelease:
        """A release; the default if no version is named, or the named one is unknown."""
        return next((each for each in self.releases if each.version == version), self.releases[0])

    @property
    def versions(self) -> tuple[str, ...]:
        """Versions to choose from."""
        return tuple(each.version for each in self.releases)

    @property
    def owned_flags(self) -> Mapping[str, str]:
        """Flags that the platform sets, with the setting to use instead, or the reason why there is none."""
        return {flag: group.instead for group in self.owned for flag in group.flags}

    @property
    def owned_options(self) -> Mapping[str, str]:
        """The same for options in a file, with dots between the keys."""
        return {name: group.instead for group in self.owned for name in group.options}

    @property
    def owned_variables(self) -> Mapping[str, str]:
        """The same for environment variables."""
        return {name: group.instead for group in (*_common(), *self.owned) for name in group.variables}


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


@lru_cache
def _common() -> tuple[_Owned, ...]:
    return tuple(_Owned.model_validate(group) for group in _read(_VARIABLES)["owned"])


def having(ability: Callable[[EngineRelease], object]) -> tuple[str, ...]:
    """Engines that have a release with an ability, such as `stages`."""
    kinds = sorted({path.name.partition("-")[0] for path in FOLDER.glob("*-*.txt")})
    return tuple(kind for kind in kinds if any(map(ability, facts(kind).releases)))


@lru_cache
def facts(kind: str) -> EngineFacts:
    """Facts about an engine. Raises FileNotFoundError if the catalog lacks it.

    A file may name another of the catalog that it `shares` with further engines: what that owns it owns, too, and its
    tables stand over the other's.
    """
    own = _read(FOLDER / f"{kind}.toml")
    common = _read(DATA / own.pop("shares")) if "shares" in own else {}
    owned = [*common.get("owned", ()), *own["owned"]]
    return EngineFacts.model_validate({**common, **own, "owned": owned})

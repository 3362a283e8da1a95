"""Common settings of engines, and what planning and checks ask every engine."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from llmplatform.catalog.engine_flags import readable
from llmplatform.catalog.engine_metrics import EngineMetrics
from llmplatform.specs.engines.speculation import Speculation
from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.addresses import ImageReference
from llmplatform.specs.vocabulary.models import EngineArgument
from llmplatform.specs.vocabulary.names import VariableName, VariableValue


@dataclass(frozen=True, kw_only=True)
class GpuUse:
    """How an engine uses its GPUs, by its settings."""

    share: float
    """Of each GPU's memory."""
    kv_bytes: int = 2
    """Bytes of a cached value: 2, or 1 for fp8. 0: it keeps no cache of keys and values."""
    sequences: int | None = None
    """Sequences at once; None: the engine decides."""
    batch_tokens: int | None = None
    """Tokens of a batch; None: the engine decides."""
    cache_share: float = 1.0
    """Of what the weights and the engine's own work leave of its share, for the cache."""


class EngineSettings(Section):
    """An engine and its settings.

    A subclass has `kind: Literal[…]`, its engine's settings, and the properties; the class variables name the settings
    of its own that planning and checks speak of.
    """

    SHARE: ClassVar[str | None] = None
    """Setting with the share of each GPU's memory."""
    OPTIONS: ClassVar[str | None] = None
    """Setting with options that the engine reads from a file."""
    CACHE_FORMAT: ClassVar[str | None] = None
    """Setting with the format of the key-value cache."""
    SEQUENCES: ClassVar[str | None] = None
    """Setting with the sequences at once."""
    NAMES: ClassVar[Mapping[str, str]] = {}
    """Settings whose values are names that a release knows, to the kind of name (`catalog.engine_flags.names`)."""
    TOOL_PARSER: ClassVar[str | None] = None
    """Setting with the parser of tool calls."""
    WHOLE_EXPERTS: ClassVar[tuple[str, ...]] = ()
    """Flags that give each GPU whole experts, instead of a part of each, where `expert_parallel` does not."""
    FLAGS: ClassVar[Mapping[str, str]] = {}
    """Settings that not every release has, to the flag that says so."""
    BATCH: ClassVar[str | None] = None
    """Flag with the tokens of a batch."""
    CHOICES: ClassVar[Mapping[str, str]] = {}
    """Settings whose values are given to a flag as they are, to the flag: releases differ in its choices."""

    env: Annotated[dict[VariableName, VariableValue], Field(max_length=100)] = Field(default_factory=dict)
    """Further environment variables of the engine. Do not put secrets here: they are readable in the stack's state and
    in the pod."""

    @property
    def draft(self) -> Speculation | None:
        """What its server reads beside the model to guess tokens."""
        return None

    @property
    def head_pool(self) -> str | None:
        """Pool of a further pod that leads its servers. None: there is none."""
        return None

    @property
    def shared_memory_gib(self) -> float:
        """Size of what it keeps in /dev/shm beside the messages of its processes, in GiB."""
        return 0.0

    @property
    def has_whole_experts(self) -> bool:
        """Whether its flags give each GPU whole experts."""
        return False

    @property
    @abstractmethod
    def gpu_use(self) -> GpuUse:
        """How it uses its GPUs."""

    @property
    @abstractmethod
    def own_image(self) -> str | None:
        """The image of the settings. None: the publisher's."""

    @property
    def is_unwatched(self) -> bool:
        """Whether no metrics are configured."""
        return False

    @property
    def contradicts_its_metrics(self) -> bool:
        """Whether its settings name metrics, and say that it has none."""
        return False

    @property
    def key_variable(self) -> str | None:
        """Variable of the clients' key, where the settings name it."""
        return None

    @property
    def own_metrics(self) -> EngineMetrics:
        """What its settings say of its metrics, where no release is on record."""
        return EngineMetrics()


class PublishedEngine(EngineSettings):
    """An engine whose releases the catalog knows."""

    version: str | None = None
    """Engine version. Empty: the version that this release is tested with."""
    image: ImageReference | None = None
    """Your own image, built from that version. Empty: the publisher's image."""
    extra_args: Annotated[tuple[EngineArgument, ...], Field(max_length=500)] = ()
    """Further flags of the engine, e.g. `--max-num-batched-tokens=8192` or `--enforce-eager`. Flags that follow from
    other settings are refused."""

    @property
    def batch_tokens(self) -> int | None:
        """Tokens of a batch, as a flag says. None: the engine decides."""
        said = [value for flag, _, value in (each.partition("=") for each in self.extra_args) if flag == self.BATCH]
        tokens = readable(said[-1]) if said else None
        return tokens if tokens and tokens > 0 else None

    @property
    def has_whole_experts(self) -> bool:
        """Whether its flags give each GPU whole experts."""
        return any(argument.partition("=")[0] in self.WHOLE_EXPERTS for argument in self.extra_args)

    @property
    def own_image(self) -> str | None:
        """The image of the settings. None: the publisher's."""
        return self.image

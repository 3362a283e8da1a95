"""GPU memory of an engine: facts of `data/engines/<kind>.toml`, and the forms of tables of facts."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from llmplatform.catalog.gpus import Gpu


class FactTable(BaseModel):
    """A table of facts."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class CitedTable(FactTable):
    """A table of facts that names where they are from."""

    source: str
    """Source of the table's facts."""


class EngineMemory(CitedTable):
    """GPU memory of an engine beside weights and cache, in GiB on each GPU."""

    sequences: int
    """Sequences at once, if the settings do not say."""
    sequences_large: int
    """The same on large GPUs."""
    large_gpu_gib: float
    """From this size on a GPU is large, and the engine uses more of its memory."""
    large_except: str | None = None
    """Prefixes of GPUs that are not treated as large."""
    overhead_gib: float
    overhead_large_gib: float
    communication_gib: float
    """Further memory if several GPUs work together."""
    beside_sampling_gib: float
    sampling_bytes: int
    """For each sequence and entry of the vocabulary, while the engine measures its largest batch."""
    experts_gib: float = 0.0
    """Further memory for a mixture of experts."""
    encoder_gib: float = 0.0
    """Further memory for an encoder of pictures."""
    batched_tokens: Mapping[float, int] = {}
    """Tokens of a batch by the least size of a GPU, in GiB. Empty: not known, and windows are not counted."""
    batches: int = 1
    """Batches at once; the cache keeps the tokens of each beside a window."""
    block: int = 16
    """Tokens of a block of the cache."""
    states: int = 1
    """Copies of a request's state that hybrid models keep."""
    states_gib: float = 0.0
    """Further memory for hybrid models."""
    states_for_all: bool = False
    """Whether it starts only if each of its sequences can have a block of states (hybrid models)."""

    def is_large(self, gpu: Gpu) -> bool:
        """Whether the engine does more at once on this GPU."""
        exception = self.large_except is not None and gpu.name.startswith(self.large_except)
        return gpu.memory_gib >= self.large_gpu_gib and not exception

    def batched_tokens_of(self, gpu: Gpu) -> int | None:
        """Tokens of a batch on this GPU; None if it is not known."""
        size = gpu.memory_gib if self.is_large(gpu) else 0
        return max((tokens for least, tokens in self.batched_tokens.items() if least <= size), default=None)

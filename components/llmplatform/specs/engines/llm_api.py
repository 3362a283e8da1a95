"""Common settings of servers of TensorRT-LLM's LLM API: its PyTorch backend, whose options are a file."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue

from llmplatform.specs.engines.settings import GpuUse, PublishedEngine
from llmplatform.specs.vocabulary.matching import Matching

_DEPTH = 4


def _options(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    _check(value, _DEPTH)
    return value


def _check(value: JsonValue, depth: int) -> None:
    """Raises ValueError for what no option is."""
    if isinstance(value, str) and re.search(r"[\x00-\x1f\x7f]", value):
        raise ValueError(f"'{value}' has control characters; write one line of text")
    if not isinstance(value, dict | list):
        return
    if not depth or len(value) > 1000:
        raise ValueError(f"it has more than {_DEPTH} levels, or 1000 values in one; leave some out")
    for key in value if isinstance(value, dict) else ():
        if not re.fullmatch(r"[A-Za-z_][\w.-]{0,63}", key, re.ASCII):
            raise ValueError(f"'{key}' is not a name of an option; write letters, digits and '_'")
    for each in value.values() if isinstance(value, dict) else value:
        _check(each, depth - 1)


OptionName = Annotated[str, Matching(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}", "write letters, digits and '_'")]
Options = Annotated[dict[OptionName, JsonValue], Field(max_length=100), AfterValidator(_options)]


class LlmApi(PublishedEngine):
    """An engine on the LLM API."""

    SHARE = "free_gpu_memory_fraction"
    OPTIONS = "options"
    CACHE_FORMAT = "kv_cache_dtype"
    SEQUENCES = "max_batch_size"

    free_gpu_memory_fraction: Annotated[float, Field(ge=0.1, le=0.95)] = 0.9
    """Share for the key-value cache of the memory that weights and one full batch leave on each GPU."""
    max_batch_size: Annotated[int, Field(ge=1, le=8192)] | None = None
    """Sequences at once. Empty: the engine decides."""
    kv_cache_dtype: Literal["auto", "fp8"] = "auto"
    """`fp8` halves the key-value cache."""
    options: Options = Field(default_factory=dict)
    """Further options of the LLM API, by their names there, e.g. `kv_cache_config: {enable_block_reuse: false}`. They
    become a file that the engine reads. Options that follow from other settings are refused."""

    @property
    def has_whole_experts(self) -> bool:
        """Whether its flags or options give each GPU whole experts."""
        return "moe_expert_parallel_size" in self.options or super().has_whole_experts

    @property
    def gpu_use(self) -> GpuUse:
        """It measures what weights and a batch take, and the cache gets its share of the rest."""
        return GpuUse(
            share=1,
            kv_bytes=1 if self.kv_cache_dtype == "fp8" else 2,
            sequences=self.max_batch_size,
            cache_share=self.free_gpu_memory_fraction,
        )

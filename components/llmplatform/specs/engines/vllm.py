"""Settings of vLLM."""

from typing import Annotated, Literal

from pydantic import Field

from llmplatform.specs.engines.settings import GpuUse, PublishedEngine


class Vllm(PublishedEngine):
    """The vLLM engine."""

    SHARE = "gpu_memory_utilization"
    CACHE_FORMAT = "kv_cache_dtype"
    NAMES = {"tool_call_parser": "tool-parser", "reasoning_parser": "reasoning-parser"}  # noqa: RUF012
    TOOL_PARSER = "tool_call_parser"

    kind: Literal["vllm"] = "vllm"
    gpu_memory_utilization: Annotated[float, Field(ge=0.3, le=0.98)] = 0.92
    """Share of each GPU's memory that the engine uses. The driver needs more than 2 % of it."""
    max_num_seqs: Annotated[int, Field(ge=1, le=8192)] | None = None
    """Sequences at once. Empty: the engine decides."""
    kv_cache_dtype: Literal["auto", "fp8"] = "auto"
    """`fp8` halves the key-value cache."""
    tool_call_parser: str | None = None
    """Parser for tool calls, e.g. `hermes`. Empty: no tool calling."""
    reasoning_parser: str | None = None
    """Parser for reasoning output, e.g. `qwen3`. Empty: none."""

    @property
    def gpu_use(self) -> GpuUse:
        """How it uses its GPUs."""
        return GpuUse(
            share=self.gpu_memory_utilization,
            kv_bytes=1 if self.kv_cache_dtype == "fp8" else 2,
            sequences=self.max_num_seqs,
        )

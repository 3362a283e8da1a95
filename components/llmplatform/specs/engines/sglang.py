"""Settings of SGLang."""

from typing import Annotated, Literal

from pydantic import Field

from llmplatform.specs.engines.settings import GpuUse, PublishedEngine


class Sglang(PublishedEngine):
    """The SGLang engine.

    It asks its clients for no key, because it would write the key into its log: only the network policy keeps others
    away. Requests may give any name as `model`: the server has one.
    """

    SHARE = "mem_fraction_static"
    CACHE_FORMAT = "kv_cache_dtype"
    NAMES = {"tool_call_parser": "tool-parser", "reasoning_parser": "reasoning-parser"}  # noqa: RUF012
    TOOL_PARSER = "tool_call_parser"

    kind: Literal["sglang"]
    mem_fraction_static: Annotated[float, Field(ge=0.3, le=0.92)] = 0.85
    """Share of each GPU's memory for weights and cache. Batches and CUDA graphs have the rest: the engine wants 2 to 3
    GiB on GPUs of 24, about 10 on GPUs of 80."""
    max_running_requests: Annotated[int, Field(ge=1, le=8192)] | None = None
    """Sequences at once. Empty: the engine decides."""
    kv_cache_dtype: Literal["auto", "fp8"] = "auto"
    """`fp8` halves the key-value cache."""
    tool_call_parser: str | None = None
    """Parser for tool calls, e.g. `qwen25`. Empty: no tool calling."""
    reasoning_parser: str | None = None
    """Parser for reasoning output, e.g. `qwen3`. Empty: none."""

    @property
    def gpu_use(self) -> GpuUse:
        """How it uses its GPUs."""
        return GpuUse(
            share=self.mem_fraction_static,
            kv_bytes=1 if self.kv_cache_dtype == "fp8" else 2,
            sequences=self.max_running_requests,
        )

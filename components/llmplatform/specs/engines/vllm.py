"""Settings of vLLM."""

from typing import Annotated, Literal

from pydantic import Field

from llmplatform.specs.engines.settings import GpuUse, PublishedEngine
from llmplatform.specs.engines.speculation import Speculation
from llmplatform.specs.vocabulary.models import FilePath, Template


class Vllm(PublishedEngine):
    """The vLLM engine."""

    SHARE = "gpu_memory_utilization"
    CACHE_FORMAT = "kv_cache_dtype"
    SEQUENCES = "max_num_seqs"
    BATCH = "--max-num-batched-tokens"
    NAMES = {"tool_call_parser": "tool-parser", "reasoning_parser": "reasoning-parser"}  # noqa: RUF012
    TOOL_PARSER = "tool_call_parser"
    CHOICES = {"kv_cache_dtype": "--kv-cache-dtype"}  # noqa: RUF012
    FLAGS = {"kv_offloading_gib": "--kv-offloading-size", "speculative": "--speculative-config"}  # noqa: RUF012

    kind: Literal["vllm"] = "vllm"
    gpu_memory_utilization: Annotated[float, Field(ge=0.3, le=0.98)] = 0.92
    """Share of each GPU's memory that the engine uses. The driver needs more than 2 % of it."""
    max_num_seqs: Annotated[int, Field(ge=1, le=8192)] | None = None
    """Sequences at once, of each rank. Empty: the engine decides."""
    kv_cache_dtype: Literal["auto", "bfloat16", "fp8", "fp8_e4m3", "fp8_e5m2"] = "auto"
    """`fp8` halves the key-value cache."""
    kv_offloading_gib: Annotated[float, Field(ge=1, le=16384)] | None = None
    """Memory of the node for parts of the key-value cache that leave the GPUs, in GiB, of all GPUs together. Requests
    whose beginning is there need not compute it again. Empty: none."""
    chat_template: Template | None = None
    """Jinja template that turns messages into a prompt, as text (`chat_template: |`). Empty: the model's own."""
    chat_template_file: FilePath | None = None
    """File with that template, as a path from the folder of the stack file, in the place of `chat_template`."""
    speculative: Speculation | None = None
    tool_call_parser: str | None = None
    """Parser for tool calls, e.g. `hermes`. Empty: no tool calling."""
    reasoning_parser: str | None = None
    """Parser for reasoning output, e.g. `qwen3`. Empty: none."""

    @property
    def draft(self) -> Speculation | None:
        """What its server reads beside the model to guess tokens."""
        return self.speculative

    @property
    def shared_memory_gib(self) -> float:
        """The offloaded cache is a file in /dev/shm.

        0.33.0, wheel: vllm/v1/kv_offload/cpu/shared_offload_region.py, `SharedOffloadRegion`.
        """
        return self.kv_offloading_gib or 0.0

    @property
    def gpu_use(self) -> GpuUse:
        """How it uses its GPUs."""
        return GpuUse(
            share=self.gpu_memory_utilization,
            kv_bytes=1 if self.kv_cache_dtype.startswith("fp8") else 2,
            sequences=self.max_num_seqs,
            batch_tokens=self.batch_tokens,
        )

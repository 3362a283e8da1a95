"""Settings of Ray Serve."""

from typing import Annotated, Literal

from pydantic import Field

from llmplatform.specs.engines.settings import GpuUse, PublishedEngine
from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.names import Name


class RayHead(Section):
    """The head of a Ray cluster: it has no GPU, and serves no request.

    Without it the model is gone until another has started, and its servers with it.
    """

    pool: Name
    """Pool without GPUs that it runs in, with machines that the cloud does not reclaim."""
    cpu: Annotated[float, Field(ge=1, le=64)] = 2
    """Requested CPUs."""
    memory_gib: Annotated[float, Field(ge=4, le=512)] = 8
    """Memory in GiB, request and limit."""


class RayServe(PublishedEngine):
    """Ray Serve with vLLM: a Ray cluster for the model, which KubeRay makes. Needs `addons.kuberay`.

    `extra_args` are flags of the vLLM that its image has. They become `engine_kwargs`.
    """

    SHARE = "gpu_memory_utilization"
    CACHE_FORMAT = "kv_cache_dtype"
    SEQUENCES = "max_num_seqs"
    BATCH = "--max-num-batched-tokens"
    NAMES = {"tool_call_parser": "tool-parser", "reasoning_parser": "reasoning-parser"}  # noqa: RUF012
    TOOL_PARSER = "tool_call_parser"
    CHOICES = {"kv_cache_dtype": "--kv-cache-dtype"}  # noqa: RUF012

    kind: Literal["ray_serve"]
    head: RayHead
    gpu_memory_utilization: Annotated[float, Field(ge=0.3, le=0.98)] = 0.92
    """Share of each GPU's memory that the engine uses. The driver needs more than 2 % of it."""
    max_num_seqs: Annotated[int, Field(ge=1, le=8192)] | None = None
    """Sequences at once. Empty: the engine decides."""
    kv_cache_dtype: Literal["auto", "bfloat16", "fp8", "fp8_e4m3", "fp8_e5m2"] = "auto"
    """`fp8` halves the key-value cache."""
    tool_call_parser: str | None = None
    """Parser for tool calls, e.g. `hermes`. Empty: no tool calling."""
    reasoning_parser: str | None = None
    """Parser for reasoning output, e.g. `qwen3`. Empty: none."""

    @property
    def head_pool(self) -> str | None:
        """Pool of the pod that leads its servers."""
        return self.head.pool

    @property
    def gpu_use(self) -> GpuUse:
        """How it uses its GPUs."""
        return GpuUse(
            share=self.gpu_memory_utilization,
            kv_bytes=1 if self.kv_cache_dtype.startswith("fp8") else 2,
            sequences=self.max_num_seqs,
            batch_tokens=self.batch_tokens,
        )

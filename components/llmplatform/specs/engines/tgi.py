"""Settings of Text Generation Inference."""

from typing import Annotated, Literal

from pydantic import Field

from llmplatform.specs.engines.settings import GpuUse, PublishedEngine

_KEPT_FREE = 0.9
"""Part of its share that it fills (3.3.7, server/text_generation_server/models/globals.py, TGI_WIGGLE_ROOM)."""


class Tgi(PublishedEngine):
    """Hugging Face's Text Generation Inference, which is in maintenance mode: for servers that exist.

    Requests may give any name as `model`: the server has one.
    """

    SHARE = "cuda_memory_fraction"
    CACHE_FORMAT = "kv_cache_dtype"

    kind: Literal["tgi"]
    cuda_memory_fraction: Annotated[float, Field(ge=0.3, le=1)] = 1.0
    """Share of each GPU's memory that the engine uses. It keeps a tenth of it free."""
    max_concurrent_requests: Annotated[int, Field(ge=1, le=8192)] | None = None
    """Requests at once; further ones are refused. Empty: the engine's 128."""
    kv_cache_dtype: Literal["auto", "fp8"] = "auto"
    """`fp8` halves the key-value cache."""

    @property
    def gpu_use(self) -> GpuUse:
        """How it uses its GPUs."""
        return GpuUse(
            share=self.cuda_memory_fraction * _KEPT_FREE,
            kv_bytes=1 if self.kv_cache_dtype == "fp8" else 2,
            sequences=self.max_concurrent_requests,
        )

"""Settings of Text Embeddings Inference."""

from typing import Annotated, Literal

from pydantic import Field

from llmplatform.specs.engines.settings import GpuUse, PublishedEngine


class Tei(PublishedEngine):
    """Hugging Face's Text Embeddings Inference: embeddings, rerankers and classifiers, on a GPU or without any.

    Requests may give any name as `model`: the server has one.
    """

    kind: Literal["tei"]
    max_batch_tokens: Annotated[int, Field(ge=128, le=1_000_000)] | None = None
    """Tokens that are computed at once, and the longest text. Empty: the engine's 16384."""
    pooling: Literal["cls", "mean", "splade", "last-token"] | None = None
    """How the vectors of a text's tokens become one. Empty: as the model's files say."""
    dtype: Literal["float16", "float32"] | None = None
    """Number format of the weights. Empty: float16 on GPUs, float32 without."""

    @property
    def gpu_use(self) -> GpuUse:
        """It computes each batch anew, and takes what the weights and a batch need."""
        return GpuUse(share=1, kv_bytes=0)

"""Settings of Triton Inference Server."""

from typing import Literal

from llmplatform.specs.engines.llm_api import LlmApi


class Triton(LlmApi):
    """NVIDIA's Triton Inference Server with TensorRT-LLM on its PyTorch backend: no engine is built in advance.

    Clients ask `/v2/models/NAME/generate` by HTTP, or the same protocol by gRPC. The model has one name.
    """

    kind: Literal["triton"]
    streaming: bool = False
    """Whether requests may ask for their answer in parts (`/v2/models/NAME/generate_stream`). Then `/infer` is refused,
    and gRPC clients have to use streams."""

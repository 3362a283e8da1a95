"""Models to serve: what, where, how many, with which engine."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from llmplatform.catalog import Gpu, ModelShape, models
from llmplatform.catalog.fit import Fit, fit
from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary import ImageReference, ModelId, Name, Revision


class Vllm(Section):
    """The vLLM engine."""

    kind: Literal["vllm"] = "vllm"
    version: str | None = None
    """Engine version. Empty: the one that this release is tested with."""
    image: ImageReference | None = None
    """An image of your own, built from that version. Empty: the one that its publisher released."""
    gpu_memory_utilization: Annotated[float, Field(gt=0.1, lt=1.0)] = 0.92
    """Share of each GPU's memory that the engine takes."""
    max_num_seqs: PositiveInt | None = None
    """Sequences computed at once. Empty: the engine decides."""
    kv_cache_dtype: Literal["auto", "fp8"] = "auto"
    """`fp8` halves the key-value cache."""
    tool_call_parser: str | None = None
    """Parser for tool calls, e.g. `hermes`. Empty: no tool calling."""
    reasoning_parser: str | None = None
    """Parser for reasoning output, e.g. `qwen3`. Empty: none."""


class Weights(Section):
    """Where a model's weights stay between starts."""

    cache: Literal["shared", "node"] = "shared"
    """`shared`: one volume for all replicas, which outlives them. `node`: downloaded by each pod to its node's disk."""
    size_gib: Annotated[int, Field(ge=1, le=65536)] | None = None
    """Size of the volume in GiB. Empty: from the model's weights."""


class Model(Section):
    """One served model."""

    source: ModelId
    """Hugging Face id."""
    revision: Revision | None = None
    """Commit of the weights. Pin it in production: `main` moves."""
    pool: Name
    """Pool whose GPUs it uses."""
    replicas: NonNegativeInt = 1
    """Servers of it. 0 keeps its volume and its settings."""
    tensor_parallel: PositiveInt = 1
    """GPUs that one replica is spread over, within one node."""
    context_length: PositiveInt | None = None
    """Longest request in tokens. Empty: the model's own, which may not fit."""
    gated: bool = False
    """The weights need `secrets.huggingface_token`."""
    trust_remote_code: bool = False
    """Run code that comes with the weights."""
    engine: Vllm = Vllm()
    weights: Weights = Weights()
    shape: ModelShape | None = None
    """For a model that the catalog does not know, or knows differently: values from its config.json."""
    startup_minutes: Annotated[int, Field(ge=1, le=1440)] | None = None
    """Longest time from container start to serving. Empty: from the size of the weights."""

    @property
    def known_shape(self) -> ModelShape | None:
        """The shape that is written down, else the catalog's; None where neither is."""
        return self.shape or models.get(self.source)

    def fit(self, gpu: Gpu, *, tensor_parallel: int | None = None) -> Fit:
        """Whether one replica fits GPUs of that kind. Raises ValueError when the model's shape is not known."""
        shape = self.known_shape
        if shape is None:
            raise ValueError(f"the shape of {self.source} is not known")
        return fit(
            shape,
            gpu,
            tensor_parallel=tensor_parallel or self.tensor_parallel,
            context_length=self.context_length,
            utilization=self.engine.gpu_memory_utilization,
            kv_bytes=1 if self.engine.kv_cache_dtype == "fp8" else 2,
            max_num_seqs=self.engine.max_num_seqs,
        )

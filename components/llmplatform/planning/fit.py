"""Whether a model fits GPUs: memory of the weights, of the engine's own work, and of the key-value cache.

Formula and overheads follow vLLM: it refuses to start when one request of the full context does not fit the cache.
The overheads are held against start-up logs of engines that others published (tests/unit/planning/engine_starts.csv):
at most 5 % too many tokens, and seldom 10 % too few. What `engine.extra_args` adds is not counted: drafts, adapters,
and above all connectors of the cache, which take several GiB. Sizes are GiB on each GPU.
"""

from dataclasses import dataclass
from math import ceil

from llmplatform.catalog.gpus import Gpu
from llmplatform.catalog.models import ModelShape
from llmplatform.specs.models import Model

GIB = 2**30

LARGE_GPU_GIB = 70
"""From here on the engine computes more at once, and takes more memory for it; not on an A100 (vLLM 0.33,
engine/arg_utils.py: `"a100" not in device_name`)."""

SMALLEST_MARGIN = 0.03
"""By less than this the estimate says nothing: the engine may refuse to start."""

_SEQUENCES = 256
_SEQUENCES_LARGE = 1024
"""Sequences at once where the settings do not say (vLLM 0.33, engine/arg_utils.py: `get_batch_defaults`)."""

_OVERHEAD_GIB = 2.4
_OVERHEAD_LARGE_GIB = 4.5
_COMMUNICATION_GIB = 0.6
_BESIDE_SAMPLING_GIB = 1.2
_SAMPLING_BYTES = 30
"""Of each sequence and entry of the vocabulary, while the engine tries how much the most sequences need."""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The memory of one replica, on each of its GPUs."""

    weights_gib: float
    overhead_gib: float
    usable_gib: float
    """Share of the GPU that the engine may take."""
    kv_bytes_per_token: float
    context_length: int
    """Longest request in tokens."""
    state_bytes: float = 0.0
    """What a request keeps in the cache whatever its length (hybrid models)."""

    @property
    def kv_gib(self) -> float:
        """What is left for the key-value cache; negative when not even the weights fit."""
        return self.usable_gib - self.weights_gib - self.overhead_gib

    @property
    def kv_tokens(self) -> int:
        """Tokens that the cache holds, of all requests together when each has the full length."""
        return int(self.concurrency * self.context_length)

    @property
    def longest_context(self) -> int:
        """Tokens of one request that has the cache to itself, less the smallest margin."""
        return max(0, int((self.kv_gib * GIB / (1 + SMALLEST_MARGIN) - self.state_bytes) / self.kv_bytes_per_token))

    @property
    def needed_gib(self) -> float:
        """Weights, overhead and the cache of one request of full length, with the smallest margin."""
        return self.weights_gib + self.overhead_gib + self._request_bytes * (1 + SMALLEST_MARGIN) / GIB

    @property
    def _request_bytes(self) -> float:
        return self.state_bytes + self.kv_bytes_per_token * self.context_length

    @property
    def concurrency(self) -> float:
        """Requests of full length that the cache holds at once."""
        return max(0.0, self.kv_gib * GIB / self._request_bytes)

    @property
    def fits(self) -> bool:
        """Whether the engine can start, with the smallest margin."""
        return self.concurrency >= 1 + SMALLEST_MARGIN


def legal_tensor_parallel(shape: ModelShape, size: int) -> bool:
    """Whether the attention heads, and quantized groups of weights, can be spread over that many GPUs.

    Groups: vLLM refuses "the input size is not aligned with the quantized weight shape" (its issue 13640).
    """
    groups, width = shape.quantization_group, shape.intermediate_size
    if groups and width and width % (groups * size):
        return False
    if shape.attention_heads % size:
        return False
    if shape.latent_kv or shape.kv_heads < size:
        return bool(shape.latent_kv) or size % shape.kv_heads == 0
    return shape.kv_heads % size == 0


def fit(
    shape: ModelShape,
    gpu: Gpu,
    *,
    tensor_parallel: int = 1,
    context_length: int | None = None,
    utilization: float = 0.92,
    kv_bytes: int = 2,
    max_num_seqs: int | None = None,
) -> Fit:
    """The memory of one replica.

    Args:
        shape: The model.
        gpu: The GPU; `tensor_parallel` of them work together.
        tensor_parallel: GPUs of one replica.
        context_length: Longest request in tokens; None: the model's own.
        utilization: Share of each GPU that the engine takes.
        kv_bytes: Bytes of a cached value: 2, or 1 for fp8.
        max_num_seqs: Sequences computed at once; a bound spares a large GPU some overhead. None: the engine decides.
    """
    return Fit(
        weights_gib=weights_gib(shape) / tensor_parallel,
        overhead_gib=_overhead(shape, gpu, tensor_parallel, max_num_seqs) + shape.extra_gib,
        usable_gib=gpu.memory_gib * utilization,
        kv_bytes_per_token=_kv_bytes_per_token(shape, tensor_parallel, kv_bytes),
        context_length=context_length or shape.context_length,
        state_bytes=shape.state_mib * 2**20 / tensor_parallel,
    )


def model_fit(model: Model, gpu: Gpu, *, tensor_parallel: int | None = None) -> Fit:
    """The memory of one replica as its settings say. Raises ValueError when the model's shape is not known."""
    shape = model.known_shape
    if shape is None:
        raise ValueError(f"the shape of {model.source} is not known")
    return fit(
        shape,
        gpu,
        tensor_parallel=tensor_parallel or model.tensor_parallel,
        context_length=model.context_length,
        utilization=model.engine.gpu_memory_utilization,
        kv_bytes=1 if model.engine.kv_cache_dtype == "fp8" else 2,
        max_num_seqs=model.engine.max_num_seqs,
    )


def weights_gib(shape: ModelShape) -> float:
    """Memory of all weights. Embeddings and output layer stay in 16 bit in quantized checkpoints, too."""
    embeddings = shape.vocabulary * shape.hidden_size * (1 if shape.tied_embeddings else 2)
    rest = shape.parameters_billion * 1e9 - embeddings
    return (rest * shape.bytes_per_parameter + embeddings * 2) / GIB


def _overhead(shape: ModelShape, gpu: Gpu, tensor_parallel: int, max_num_seqs: int | None) -> float:
    roomy = gpu.memory_gib >= LARGE_GPU_GIB and not gpu.name.startswith("A100")
    sequences = max_num_seqs or (_SEQUENCES_LARGE if roomy else _SEQUENCES)
    least = _OVERHEAD_LARGE_GIB if roomy and sequences > _SEQUENCES else _OVERHEAD_GIB
    sampling = sequences * shape.vocabulary * _SAMPLING_BYTES / GIB
    communication = _COMMUNICATION_GIB if tensor_parallel > 1 else 0
    return max(least, _BESIDE_SAMPLING_GIB + sampling) + communication


def _kv_bytes_per_token(shape: ModelShape, tensor_parallel: int, kv_bytes: int) -> float:
    layers = shape.kv_layers or shape.layers
    if shape.latent_kv:
        return shape.latent_kv * layers * kv_bytes
    return 2 * layers * max(1, ceil(shape.kv_heads / tensor_parallel)) * shape.head_dim * kv_bytes

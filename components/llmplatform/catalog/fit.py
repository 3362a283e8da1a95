"""Whether a model fits GPUs: memory of the weights, of the engine's own work, and of the key-value cache.

Formula and overheads follow vLLM: it refuses to start when one request of the full context does not fit the cache.
The overheads are estimates on the careful side, unverified on hardware; the engine prints the truth at start-up ("GPU
KV cache size"). Sizes are GiB on each GPU.
"""

from dataclasses import dataclass
from math import ceil

from llmplatform.catalog.gpus import Gpu
from llmplatform.catalog.models import ModelShape

GIB = 2**30

LARGE_GPU_GIB = 70
"""From here on the engine computes more at once, and takes more memory for it; not on an A100 (vLLM 0.33,
engine/arg_utils.py: `"a100" not in device_name`)."""

SMALLEST_MARGIN = 0.03
"""By less than this the estimate says nothing: the engine may refuse to start."""

_OVERHEAD_GIB = 2.4
_OVERHEAD_LARGE_GIB = 4.5
_COMMUNICATION_GIB = 0.6


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

    @property
    def kv_gib(self) -> float:
        """What is left for the key-value cache; negative when not even the weights fit."""
        return self.usable_gib - self.weights_gib - self.overhead_gib

    @property
    def kv_tokens(self) -> int:
        """Tokens that the cache holds, of all requests together."""
        return max(0, int(self.kv_gib * GIB / self.kv_bytes_per_token))

    @property
    def needed_gib(self) -> float:
        """Weights, overhead and the cache of one request of full length, with the smallest margin."""
        cache = self.kv_bytes_per_token * self.context_length * (1 + SMALLEST_MARGIN) / GIB
        return self.weights_gib + self.overhead_gib + cache

    @property
    def concurrency(self) -> float:
        """Requests of full length that the cache holds at once."""
        return self.kv_tokens / self.context_length

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
        gpu: The GPU, of which `tensor_parallel` work together.
        tensor_parallel: GPUs of one replica.
        context_length: Longest request in tokens; None: the model's own.
        utilization: Share of each GPU that the engine takes.
        kv_bytes: Bytes of a cached value: 2, or 1 for fp8.
        max_num_seqs: Sequences computed at once; a bound spares a large GPU some overhead. None: the engine decides.
    """
    return Fit(
        weights_gib=weights_gib(shape) / tensor_parallel,
        overhead_gib=_overhead(gpu, tensor_parallel, max_num_seqs) + shape.extra_gib,
        usable_gib=gpu.memory_gib * utilization,
        kv_bytes_per_token=_kv_bytes_per_token(shape, tensor_parallel, kv_bytes),
        context_length=context_length or shape.context_length,
    )


def weights_gib(shape: ModelShape) -> float:
    """Memory of all weights. Embeddings and output layer stay in 16 bit in quantized checkpoints, too."""
    embeddings = shape.vocabulary * shape.hidden_size * (1 if shape.tied_embeddings else 2)
    rest = shape.parameters_billion * 1e9 - embeddings
    return (rest * shape.bytes_per_parameter + embeddings * 2) / GIB


def _overhead(gpu: Gpu, tensor_parallel: int, max_num_seqs: int | None) -> float:
    roomy = gpu.memory_gib >= LARGE_GPU_GIB and not gpu.name.startswith("A100")
    large = roomy and (max_num_seqs is None or max_num_seqs > 256)
    return (_OVERHEAD_LARGE_GIB if large else _OVERHEAD_GIB) + (_COMMUNICATION_GIB if tensor_parallel > 1 else 0)


def _kv_bytes_per_token(shape: ModelShape, tensor_parallel: int, kv_bytes: int) -> float:
    layers = shape.kv_layers or shape.layers
    if shape.latent_kv:
        return shape.latent_kv * layers * kv_bytes
    return 2 * layers * max(1, ceil(shape.kv_heads / tensor_parallel)) * shape.head_dim * kv_bytes

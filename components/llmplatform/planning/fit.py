"""Whether a model fits GPUs: memory of the weights, of the engine's own work, and of the key-value cache.

An engine refuses to start when one request of the full context does not fit the cache. The overheads are the engine's
(`catalog.engines.EngineMemory`), and are held against start-up logs that others published: at most 5 % too many tokens,
and seldom 10 % too few. What `engine.extra_args` adds is not counted, above all connectors of the cache, which take
several GiB. Sizes are GiB on each GPU.
"""

from dataclasses import dataclass, replace
from math import ceil, inf

from llmplatform.catalog.engines import EngineMemory
from llmplatform.catalog.gpus import Gpu
from llmplatform.catalog.models import LONGEST_CONTEXT, ModelShape
from llmplatform.planning import lora
from llmplatform.specs.engines import GpuUse
from llmplatform.specs.engines.speculation import Speculation
from llmplatform.specs.models import Model

GIB = 2**30

SPECULATOR_LAYERS = 8
"""Most layers with a cache of a speculator: EAGLE has one, DFlash up to eight (an assumption on the careful side)."""

SMALLEST_MARGIN = 0.03
"""Smallest margin: within it the estimate is uncertain, and the engine may refuse to start."""


@dataclass(frozen=True, kw_only=True)
class Cache:
    """What one request takes of the cache, in bytes on each GPU."""

    per_token: float
    """For each of its tokens."""
    per_token_in_window: float = 0.0
    """Further bytes for each of its last `window` tokens: layers that see no more."""
    window: int = 0
    """Tokens that these layers hold: what they see, and what is on the way through the engine."""
    fixed: float = 0.0
    """Whatever its length: states of layers without keys and values."""

    def request(self, tokens: int) -> float:
        """Bytes of a request of that length."""
        return self.fixed + self.per_token * tokens + self.per_token_in_window * min(tokens, self.window)

    def tokens(self, size: float) -> int | None:
        """Length of the longest single request in a cache of that size, in bytes; None: any, without a cache."""
        if not self.per_token:
            return None
        room = size - self.fixed
        within = room / (self.per_token + self.per_token_in_window)
        if within > self.window:
            within = (room - self.per_token_in_window * self.window) / self.per_token
        return max(0, int(within))


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The memory of one replica, on each of its GPUs."""

    weights_gib: float
    overhead_gib: float
    usable_gib: float
    """Share of the GPU that the engine may use."""
    cache: Cache
    context_length: int
    """Longest request in tokens."""

    @property
    def kv_gib(self) -> float:
        """Memory for the key-value cache; negative if not even the weights fit."""
        return self.usable_gib - self.weights_gib - self.overhead_gib

    @property
    def kv_tokens(self) -> int:
        """Tokens in the cache, if each request has the full length."""
        return int(self.concurrency * self.context_length) if self._request_bytes else 0

    @property
    def longest_context(self) -> int:
        """Tokens of a single request that uses the whole cache, less the smallest margin."""
        found = self.cache.tokens(self.kv_gib * GIB / (1 + SMALLEST_MARGIN))
        return self.context_length if found is None else found

    @property
    def needed_gib(self) -> float:
        """Memory for weights, overhead and the cache of one request of full length, with the smallest margin."""
        return self.weights_gib + self.overhead_gib + self._request_bytes * (1 + SMALLEST_MARGIN) / GIB

    @property
    def _request_bytes(self) -> float:
        return self.cache.request(self.context_length)

    @property
    def concurrency(self) -> float:
        """Requests of full length in the cache at once. Infinite where an engine keeps no cache, and the rest fits."""
        return max(0.0, self.margin + 1)

    @property
    def margin(self) -> float:
        """Room beside one request of full length, as a part of what that takes; negative where there is none."""
        if not self._request_bytes:
            return inf if self.kv_gib >= 0 else -1.0
        return self.kv_gib * GIB / self._request_bytes - 1

    @property
    def fits(self) -> bool:
        """Whether the engine can start, with the smallest margin."""
        return self.margin >= SMALLEST_MARGIN


def legal_tensor_parallel(shape: ModelShape, size: int) -> bool:
    """Whether the attention heads, and quantized groups of weights, divide by that many GPUs.

    Groups: an engine refuses them where "the input size is not aligned with the quantized weight shape".
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
    engine: EngineMemory,
    use: GpuUse,
    *,
    tensor_parallel: int = 1,
    context_length: int | None = None,
    beside_gib: float = 0.0,
    beside_kv_bytes: float = 0.0,
) -> Fit:
    """The memory of one replica.

    Args:
        shape: The model.
        gpu: The GPU; `tensor_parallel` of them work together.
        engine: What the engine takes beside weights and cache.
        use: What its settings say. A bound of its sequences spares a large GPU some overhead.
        tensor_parallel: GPUs of one replica.
        context_length: Longest request in tokens; None: the model's own.
        beside_gib: Memory of what is served beside the model, on each GPU.
        beside_kv_bytes: Cache that it needs for each token, on each GPU.
    """
    cache = _cache(shape, gpu, engine, tensor_parallel, use.kv_bytes)
    return Fit(
        weights_gib=weights_gib(shape) / tensor_parallel,
        overhead_gib=_overhead(shape, gpu, engine, use.sequences, tensor_parallel) + beside_gib,
        usable_gib=gpu.memory_gib * use.share,
        cache=replace(cache, per_token=cache.per_token + beside_kv_bytes),
        context_length=context_length or shape.context_length,
    )


def model_fit(model: Model, gpu: Gpu, *, tensor_parallel: int | None = None) -> Fit:
    """The memory of one replica by its settings. Raises ValueError if the model's shape is not known."""
    shape = model.known_shape
    if shape is None:
        raise ValueError(f"the shape of {model.source} is not known")
    size = tensor_parallel or model.tensor_parallel
    return fit(
        shape,
        gpu,
        model.engine_facts.memory,
        model.engine.gpu_use,
        tensor_parallel=size,
        context_length=model.context_length,
        beside_gib=_adapters_gib(model, shape, size) + _draft_gib(model, size),
        beside_kv_bytes=_draft_kv_bytes(model, shape, gpu, size),
    )


def draft_gib(draft: Speculation) -> float:
    """Size of a draft model's weights. Its shape is known, or the settings have the size."""
    shape = draft.known_shape
    return draft.size_gib or (weights_gib(shape) if shape else 0.0)


def _draft_gib(model: Model, tensor_parallel: int) -> float:
    draft = model.engine.draft
    # It is spread like the model unless told otherwise.
    alone = draft is not None and draft.options.get("draft_tensor_parallel_size") == 1
    return draft_gib(draft) / (1 if alone else tensor_parallel) if draft else 0.0


def _adapters_gib(model: Model, shape: ModelShape, tensor_parallel: int) -> float:
    release = model.engine_release
    limits = release.lora if release else None
    rank = lora.rank(model.lora, limits.ranks) if model.lora and limits else None
    return lora.gpu_gib(shape, model.lora, rank, tensor_parallel) if model.lora and rank else 0.0


def _draft_kv_bytes(model: Model, shape: ModelShape, gpu: Gpu, tensor_parallel: int) -> float:
    """Cache of a token: a draft model has its own, and a speculator's few layers are alike the model's."""
    draft, engine, kv_bytes = model.engine.draft, model.engine_facts.memory, model.engine.gpu_use.kv_bytes
    if draft is None:
        return 0.0
    if draft.is_whole_model and draft.known_shape:
        own = _cache(draft.known_shape, gpu, engine, tensor_parallel, kv_bytes)
        return own.per_token + own.per_token_in_window
    values = shape.latent_kv or 2 * _heads_each(shape.kv_heads, tensor_parallel) * shape.head_dim
    return SPECULATOR_LAYERS * values * kv_bytes


def weights_gib(shape: ModelShape) -> float:
    """Memory of all weights. Embeddings and output layer stay in 16 bit even in quantized checkpoints."""
    embeddings = shape.vocabulary * shape.hidden_size * (1 if shape.tied_embeddings else 2)
    rest = shape.parameters_billion * 1e9 - embeddings
    return (rest * shape.bytes_per_parameter + embeddings * 2) / GIB


def _overhead(
    shape: ModelShape, gpu: Gpu, engine: EngineMemory, max_sequences: int | None, tensor_parallel: int
) -> float:
    large = engine.is_large(gpu)
    sequences = max_sequences or (engine.sequences_large if large else engine.sequences)
    least = engine.overhead_large_gib if large and sequences > engine.sequences else engine.overhead_gib
    sampling = sequences * shape.vocabulary * engine.sampling_bytes / GIB
    communication = engine.communication_gib if tensor_parallel > 1 else 0
    own = (engine.experts_gib if shape.experts else 0) + (engine.encoder_gib if shape.image_encoder else 0)
    return max(least, engine.beside_sampling_gib + sampling) + communication + own + shape.extra_gib


def _cache(shape: ModelShape, gpu: Gpu, engine: EngineMemory, tensor_parallel: int, kv_bytes: int) -> Cache:
    if not kv_bytes:
        return Cache(per_token=0)
    layers, windows = shape.kv_layers or shape.layers, shape.window_layers or 0
    full = layers - windows
    batch = engine.batched_tokens_of(gpu)
    window = shape.window + engine.batches * batch + engine.block if shape.window and batch else LONGEST_CONTEXT
    if full and windows and batch:
        full, windows = _in_groups(full, windows)
    heads = _heads_each(shape.kv_heads, tensor_parallel), shape.head_dim
    own = _heads_each(shape.window_kv_heads or shape.kv_heads, tensor_parallel), shape.window_head_dim or shape.head_dim
    values = shape.latent_kv or 2 * heads[0] * heads[1]
    return Cache(
        per_token=full * (values * kv_bytes + (shape.indexer_bytes or 0)),
        per_token_in_window=windows * 2 * own[0] * own[1] * kv_bytes,
        window=window,
        fixed=engine.states * shape.state_mib * 2**20 / tensor_parallel,
    )


def _heads_each(heads: int, tensor_parallel: int) -> int:
    """Key-value heads on each GPU; they are copied if there are fewer than GPUs."""
    return max(1, ceil(heads / tensor_parallel))


def _in_groups(full: int, windows: int) -> tuple[int, int]:
    """Layers of both kinds, filled up to whole groups of one size.

    Source: vLLM 0.33, wheel: v1/core/kv_cache_planning.py, `_get_kv_cache_groups_uniform_page_size`.
    """
    fewer, more = sorted((full, windows))
    size = more if more < 1.5 * fewer else fewer
    return ceil(full / size) * size, ceil(windows / size) * size

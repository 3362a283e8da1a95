"""Whether a model fits GPUs: memory of the weights, of the engine's own work, and of the key-value cache.

An engine refuses to start when one request of the full context does not fit the cache. The overheads are the engine's
(`catalog.engine_memory.EngineMemory`), and are held against start-up logs that others published: at most 4.9 % too many
tokens, which the smallest margin covers, and seldom 10 % too few. What `engine.extra_args` adds is not counted, above
all connectors of the cache, which take several GiB. Sizes are GiB on each GPU.
"""

from dataclasses import dataclass, replace
from math import inf

from llmplatform.catalog.engine_memory import EngineMemory
from llmplatform.catalog.gpus import GIB, Gpu
from llmplatform.catalog.models import ModelShape
from llmplatform.planning import lora
from llmplatform.planning.cache import Cache, heads_each, plan_cache
from llmplatform.planning.ranks import Ranks, batches_gib, ranks_of, spared_gib
from llmplatform.planning.stages import stage
from llmplatform.specs.engines import GpuUse
from llmplatform.specs.engines.speculation import Speculation
from llmplatform.specs.models import Model

SPECULATOR_LAYERS = 8
"""Most layers with a cache of a speculator: EAGLE has one, DFlash up to eight (an assumption on the careful side)."""

SMALLEST_MARGIN = 0.05
"""Smallest margin: within it the estimate is uncertain, and the engine may refuse to start. The largest excess over a
published start is 4.9 % (tests, engine_starts.csv)."""

LATENT_QUERIES = 2048
"""Width of compressed queries (`q_lora_rank`): GLM-5's, the largest published one; DeepSeek and Kimi have 1,536."""

LATENT_KEYS = 512
"""Width of compressed keys and values (`kv_lora_rank`) of all published models."""

INDEX_HEAD, INDEX_QUERIES = 128, 64 * 128
"""Width of an index' head, and of all its queries: DeepSeek-V3.2's; GLM-5 has half the heads."""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The memory of one replica, on each of its GPUs. Each rank has a cache of its own."""

    weights_gib: float
    overhead_gib: float
    usable_gib: float
    """Share of the GPU that the engine may use."""
    cache: Cache
    context_length: int
    """Longest request in tokens."""
    states: int = 0
    """Sequences that need a block for their state before the engine starts."""
    cache_share: float = 1.0
    """Of what weights and overhead leave, for the cache."""
    ranks: int = 1
    """Data-parallel ranks."""

    @property
    def kv_gib(self) -> float:
        """Memory for the key-value cache; negative if not even the weights fit."""
        return (self.usable_gib - self.weights_gib - self.overhead_gib) * self.cache_share

    @property
    def kv_tokens(self) -> int:
        """Tokens in the caches of all ranks, if each request has the full length."""
        return int(self.concurrency * self.context_length) if self._request_bytes else 0

    @property
    def longest_context(self) -> int:
        """Tokens of a single request that uses the whole cache, less the smallest margin."""
        found = self.cache.tokens(self.kv_gib * GIB / (1 + SMALLEST_MARGIN))
        return self.context_length if found is None else found

    @property
    def needed_gib(self) -> float:
        """Memory for weights, overhead and the smallest cache to start with, and the smallest margin."""
        return self.weights_gib + self.overhead_gib + self.least_cache_gib

    @property
    def least_cache_gib(self) -> float:
        """What the smallest cache to start with and the smallest margin take, beside what may be no cache."""
        least = max(self._request_bytes, self.states * self.cache.block_bytes)
        return least * (1 + SMALLEST_MARGIN) / GIB / self.cache_share

    @property
    def _request_bytes(self) -> float:
        return self.cache.request(self.context_length)

    @property
    def concurrency(self) -> float:
        """Requests of full length in all caches at once. Infinite where an engine keeps none, and the rest fits."""
        return max(0.0, self.margin + 1) * self.ranks

    @property
    def margin(self) -> float:
        """Room beside one request of full length, as a part of what that takes; negative where there is none."""
        if not self._request_bytes:
            return inf if self.kv_gib >= 0 else -1.0
        return self.kv_gib * GIB / self._request_bytes - 1

    @property
    def fits(self) -> bool:
        """Whether the engine can start, with the smallest margin."""
        return self.margin >= SMALLEST_MARGIN and self.states <= self.most_states

    @property
    def most_states(self) -> int:
        """Sequences whose states the cache can hold; 0 for models without states."""
        size = self.cache.block_bytes
        return max(0, int(self.kv_gib * GIB / (1 + SMALLEST_MARGIN) / size)) if size else 0


def legal_tensor_parallel(shape: ModelShape, size: int, *, whole_experts: bool = False, over: int = 1) -> bool:
    """Whether the attention heads, experts' widths, and quantized groups of weights divide by that many GPUs.

    Engines refuse other groups: "the input size is not aligned with the quantized weight shape"; of FP8, "is not
    divisible by weight quantization block_n = 128" (the tests name their issues). vLLM 0.33 splits blocks of experts on
    GPUs that compute in fp8, but not those of experts that every token uses (wheel: fused_moe/oracle/fp8.py,
    `refine_fp8_moe_block_shape`): that is not counted on.

    Args:
        shape: The model.
        size: GPUs of one rank.
        whole_experts: Each GPU has whole experts, so that groups within them need not divide.
        over: Ranks that share the experts.
    """
    groups, width = shape.quantization_group, shape.intermediate_size
    parts = (groups or 1) * size * (over if shape.experts else 1)
    if width and width % parts and not (shape.experts and whole_experts):
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
    stages: int = 1,
    ranks: Ranks = Ranks(),  # noqa: B008 it does not change
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
        tensor_parallel: GPUs of one stage of a rank.
        stages: Stages of one replica. The largest one decides for all: a block of the cache is on every stage.
        ranks: The ranks of one replica.
        context_length: Longest request in tokens; None: the model's own.
        beside_gib: Memory of what is served beside the model, on each GPU.
        beside_kv_bytes: Cache that it needs for each token, on each GPU.
    """
    shape = stage(shape, stages)
    usual = engine.batched_tokens_of(gpu)
    given = {"batched_tokens": {0: use.batch_tokens}} if use.batch_tokens else {}
    # Each stage works on a batch of its own.
    engine = engine.model_copy(update={"batches": engine.batches + stages - 1, **given})
    cache = plan_cache(shape, gpu, engine, tensor_parallel, use.kv_bytes)
    meetings = (tensor_parallel * stages > 1) + (ranks.over > 1 and bool(shape.experts))
    return Fit(
        weights_gib=weights_each_gib(shape, tensor_parallel) - spared_gib(shape, tensor_parallel, ranks),
        overhead_gib=_overhead(shape, gpu, engine, use.sequences, meetings)
        + batches_gib(shape, engine.batched_tokens_of(gpu), usual, ranks)
        + beside_gib,
        usable_gib=gpu.memory_gib * use.share,
        cache=replace(cache, per_token=cache.per_token + beside_kv_bytes),
        context_length=context_length or shape.context_length,
        states=_sequences(gpu, engine, use.sequences) if shape.state_mib and engine.states_for_all else 0,
        cache_share=use.cache_share,
        ranks=ranks.number,
    )


def model_fit(model: Model, gpu: Gpu, *, tensor_parallel: int | None = None) -> Fit:
    """The memory of one replica by its settings. Raises ValueError if the model's shape is not known."""
    shape, stages = model.known_shape, model.pipeline_parallel
    if shape is None:
        raise ValueError(f"the shape of {model.source} is not known")
    size = tensor_parallel or model.tensor_parallel
    return fit(
        shape,
        gpu,
        model.engine_facts.memory,
        model.engine.gpu_use,
        tensor_parallel=size,
        stages=stages,
        ranks=ranks_of(model),
        context_length=model.context_length,
        beside_gib=_adapters_gib(model, stage(shape, stages), size) + _draft_gib(model, size),
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
    if model.lora is None or limits is None or rank is None:
        return 0.0
    return lora.gpu_gib(shape, lora.places(model.lora, limits), rank, tensor_parallel)


def _draft_kv_bytes(model: Model, shape: ModelShape, gpu: Gpu, tensor_parallel: int) -> float:
    """Cache of a token: a draft model has its own, and a speculator's few layers are alike the model's."""
    draft, engine, kv_bytes = model.engine.draft, model.engine_facts.memory, model.engine.gpu_use.kv_bytes
    if draft is None:
        return 0.0
    if draft.is_whole_model and draft.known_shape:
        own = plan_cache(draft.known_shape, gpu, engine, tensor_parallel, kv_bytes)
        return own.per_token + own.per_token_in_window
    values = shape.latent_kv or 2 * heads_each(shape.kv_heads, tensor_parallel) * shape.head_dim
    return SPECULATOR_LAYERS * values * kv_bytes


def weights_gib(shape: ModelShape) -> float:
    """Memory of all weights. Embeddings and output layer stay in 16 bit even in quantized checkpoints."""
    embeddings = shape.vocabulary * shape.hidden_size * (1 if shape.tied_embeddings else 2)
    rest = shape.parameters_billion * 1e9 - embeddings
    return (rest * shape.bytes_per_parameter + embeddings * 2) / GIB


def weights_each_gib(shape: ModelShape, tensor_parallel: int) -> float:
    """Memory of the weights on each GPU. With compressed keys and values each holds some of them in full."""
    if not shape.latent_kv:
        return weights_gib(shape) / tensor_parallel
    copied = _copied_gib(shape)
    # A second form of `kv_b_proj` in 16 bit (vLLM 0.33, wheel: layers/attention/mla_attention.py, `W_UK_T` and `W_UV`).
    second = shape.layers * shape.attention_heads * 2 * shape.head_dim * LATENT_KEYS * 2 / GIB
    return copied + (weights_gib(shape) - copied + second) / tensor_parallel


def _copied_gib(shape: ModelShape) -> float:
    """Memory of the projections into compressed vectors, of an index, and of the experts' router.

    Source: vLLM 0.33, wheel: model_executor/models/deepseek_v2.py, `ReplicatedLinear`, `GateLinear` and
    `DeepSeekV2FusedQkvAProjLinear`. The router has 16 bit; so have the others, where only experts have less than 8.
    """
    size = shape.bytes_per_parameter if shape.bytes_per_parameter >= 1 else 2
    index = LATENT_QUERIES * INDEX_QUERIES + 2 * shape.hidden_size * INDEX_HEAD if shape.indexer_bytes else 0
    projections = shape.hidden_size * (LATENT_QUERIES + (shape.latent_kv or 0)) + index
    return shape.layers * (projections * size + shape.hidden_size * (shape.experts or 0) * 2) / GIB


def _sequences(gpu: Gpu, engine: EngineMemory, wanted: int | None) -> int:
    """Sequences at once."""
    return wanted or (engine.sequences_large if engine.is_large(gpu) else engine.sequences)


def _overhead(shape: ModelShape, gpu: Gpu, engine: EngineMemory, max_sequences: int | None, meetings: int) -> float:
    """`meetings`: groups of GPUs in which each exchanges what it computes."""
    sequences = _sequences(gpu, engine, max_sequences)
    large = engine.is_large(gpu) and sequences > engine.sequences
    least = engine.overhead_large_gib if large else engine.overhead_gib
    sampling = sequences * shape.vocabulary * engine.sampling_bytes / GIB
    own = (
        engine.communication_gib * meetings
        + (engine.experts_gib if shape.experts else 0)
        + (engine.encoder_gib if shape.image_encoder else 0)
        + (engine.states_gib if shape.state_mib else 0)
    )
    return max(least, engine.beside_sampling_gib + sampling) + own + shape.extra_gib

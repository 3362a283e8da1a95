"""What a request takes of an engine's cache: keys and values by kind of attention, and states of hybrid models."""

from dataclasses import dataclass
from math import ceil

from llmplatform.catalog.engine_memory import EngineMemory
from llmplatform.catalog.gpus import Gpu
from llmplatform.catalog.models import LONGEST_CONTEXT, ModelShape

PACKED_BYTES = 80
"""Of a token and layer in an 8-bit cache beside an index: its 64 rotary values stay in 16 bit, and there are scales of
16 bytes, so that 576 values take 656 (vLLM 0.33, wheel: layers/attention/mla_attention.py, `fp8_ds_mla`).
On Blackwell of data centers it is 576, which is not counted on."""


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
    block: int = 1
    """Tokens are kept in blocks of so many. Those of hybrid models are as large as a state."""
    block_bytes: float = 0.0
    """Bytes of a block of such a model, or of a state of one group of its layers."""

    def request(self, tokens: int) -> float:
        """Bytes of a request of that length."""
        kept = ceil(tokens / self.block) * self.block
        return self.fixed + self.per_token * kept + self.per_token_in_window * min(tokens, self.window)

    def tokens(self, size: float) -> int | None:
        """Length of the longest single request in a cache of that size, in bytes; None: any, without a cache."""
        if not self.per_token:
            return None
        room = size - self.fixed
        within = room / (self.per_token + self.per_token_in_window)
        if within > self.window:
            within = (room - self.per_token_in_window * self.window) / self.per_token
        return max(0, int(within) // self.block * self.block)


def plan_cache(shape: ModelShape, gpu: Gpu, engine: EngineMemory, tensor_parallel: int, kv_bytes: int) -> Cache:
    """What a request takes of the cache. `kv_bytes`: of a cached value; 0: the engine keeps none."""
    if not kv_bytes:
        return Cache(per_token=0)
    layers, windows = shape.kv_layers or shape.layers, shape.window_layers or 0
    heads = heads_each(shape.kv_heads, tensor_parallel)
    values = shape.latent_kv or 2 * heads * shape.head_dim
    each = values * kv_bytes + (shape.indexer_bytes or 0)
    if shape.latent_kv and shape.indexer_bytes and kv_bytes == 1:
        each += PACKED_BYTES
    if shape.state_mib:
        return _hybrid(shape, engine, each, tensor_parallel)
    full, batch = layers - windows, engine.batched_tokens_of(gpu)
    window = shape.window + engine.batches * batch + engine.block if shape.window and batch else LONGEST_CONTEXT
    if full and windows and batch:
        _, full, windows = _in_groups(full, windows)
    own = heads_each(shape.window_kv_heads or shape.kv_heads, tensor_parallel), shape.window_head_dim or shape.head_dim
    return Cache(
        per_token=full * each,
        per_token_in_window=windows * 2 * own[0] * own[1] * kv_bytes,
        window=window,
    )


def _hybrid(shape: ModelShape, engine: EngineMemory, each: float, tensor_parallel: int) -> Cache:
    """Of a model some of whose layers keep states: a block of tokens is as large as a state, and both lie in one pool.

    Args:
        shape: The model.
        engine: What is known of the engine.
        each: Bytes of a token in a layer with keys and values.
        tensor_parallel: GPUs of one replica.
    """
    full = shape.kv_layers or shape.layers
    others = shape.state_layers or max(1, shape.layers - full)
    state = shape.state_mib * 2**20 / others / tensor_parallel
    block = ceil(state / each / engine.block) * engine.block
    size, full, others = _in_groups(full, others)
    return Cache(
        per_token=full * each,
        block=block,
        fixed=engine.states * others * block * each,
        block_bytes=size * block * each,
    )


def heads_each(heads: int, tensor_parallel: int) -> int:
    """Key-value heads on each GPU; they are copied if there are fewer than GPUs."""
    return max(1, ceil(heads / tensor_parallel))


def _in_groups(some: int, others: int) -> tuple[int, int, int]:
    """Layers of a group, and the layers of both kinds filled up to whole groups.

    Source: vLLM 0.33, wheel: v1/core/kv_cache_planning.py, `_get_kv_cache_groups_uniform_page_size`.
    """
    fewer, more = sorted((some, others))
    size = more if more < 1.5 * fewer else fewer
    return size, ceil(some / size) * size, ceil(others / size) * size

"""Memory and files of LoRA adapters.

An engine allocates GPU memory when it starts: for each adapter at once, and for each linear layer, a matrix of inputs
by rank and one of rank by outputs, of the highest rank. With several GPUs each holds the whole first matrix of a layer
that is split by its outputs, and the whole second one of a layer that is split by its inputs. Experts have such
matrices each; where a shape does not say how many there are, their width is taken as a quarter of the hidden size, the
narrowest of published models.
"""

from llmplatform.catalog.engines import EngineLora
from llmplatform.catalog.gpus import GIB
from llmplatform.catalog.models import ModelShape
from llmplatform.specs.lora import Lora

_BYTES = 2
"""Bytes of a value in memory: an engine converts adapters to the model's 16 bit."""
_FILE_BYTES = 4
"""Bytes of a value in the files, at most: PEFT writes 32 bit unless told otherwise."""
_DENSE = 8
"""Widest feed-forward layer of models without experts, in hidden sizes (Gemma)."""
_NARROWEST_EXPERT = 1 / 4
"""Width of an expert in hidden sizes."""


def rank(lora: Lora, choices: tuple[int, ...]) -> int | None:
    """The smallest of an engine's choices that holds the highest rank; None if there is none."""
    return min((choice for choice in choices if choice >= lora.highest_rank), default=None)


def places(lora: Lora, limits: EngineLora) -> int:
    """Places of a batch, each with its memory: those of adapters, and at some engines one of the model alone."""
    return lora.slots + limits.base_slot


def gpu_gib(shape: ModelShape, places: int, rank: int, tensor_parallel: int) -> float:
    """Memory of that many places on each GPU."""
    return places * rank * _values(shape, tensor_parallel) * _BYTES / GIB


def host_gib(shape: ModelShape, lora: Lora, tensor_parallel: int) -> float:
    """Memory that adapters take beside the GPUs': each GPU has a process, which holds them whole.

    vLLM 0.33.0, wheel: lora/worker_manager.py, `_load_adapter` (`device="cpu"`), and lora/model_manager.py, whose
    cache holds `max_cpu_loras`. SGLang 0.5.23, wheel: srt/lora/lora_manager.py, `loras`.
    """
    ranks = sum(adapter.rank for adapter in lora.adapters.values())
    loaded = max(0, lora.slots - len(lora.adapters)) * lora.highest_rank if lora.runtime else 0
    return (ranks + loaded) * _values(shape, 1) * _BYTES * tensor_parallel / GIB


def files_gib(shape: ModelShape, lora: Lora) -> float:
    """Size of all adapters' files, at most."""
    return sum(adapter.rank * _values(shape, 1) * _FILE_BYTES / GIB for adapter in lora.adapters.values())


def _values(shape: ModelShape, tensor_parallel: int) -> float:
    """Values of an adapter of rank 1 on each GPU."""
    hidden, heads = shape.hidden_size, (shape.attention_heads + shape.kv_heads) * shape.head_dim
    attention = 4 * hidden + 2 * heads / tensor_parallel
    embeddings = 2 * (shape.vocabulary + hidden)
    return shape.layers * (attention + _feed_forward(shape, tensor_parallel)) + embeddings


def _feed_forward(shape: ModelShape, tensor_parallel: int) -> float:
    """The same of one layer's three feed-forward matrices, from the parameters that are left for them."""
    hidden = shape.hidden_size
    tables = shape.vocabulary * hidden * (1 if shape.tied_embeddings else 2)
    attention = 2 * hidden * (shape.attention_heads + shape.kv_heads) * shape.head_dim
    width = max(hidden, ((shape.parameters_billion * 1e9 - tables) / shape.layers - attention) / (3 * hidden))
    unknown = 1.0 if width <= _DENSE * hidden else width / (hidden * _NARROWEST_EXPERT)
    experts = shape.experts or unknown
    return 3 * (experts * hidden + width / tensor_parallel)

"""Published models whose shape is known, from `data/models.csv`."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Annotated, ClassVar

from annotated_types import Interval
from pydantic import TypeAdapter

from llmplatform.catalog import engines
from llmplatform.catalog.tables import rows

LONGEST_CONTEXT = 2**24
"""Upper bound in tokens: sixteen times the context of any published model."""

_Layers = Annotated[int, Interval(ge=1, le=1000)]
_Heads = Annotated[int, Interval(ge=1, le=1024)]
_Width = Annotated[int, Interval(ge=1, le=131_072)]
"""Upper bound, several times that of any published model: a larger number is a typo."""


@dataclass(frozen=True, kw_only=True)
class ModelShape:
    """The numbers of a model's config.json that decide whether it fits GPUs."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = {"extra": "forbid", "use_attribute_docstrings": True}
    """Settings use this class directly, so its docstrings are their descriptions."""

    parameters_billion: Annotated[float, Interval(ge=0.001, le=20_000)]
    """All parameters, not only the active ones of a mixture of experts."""
    layers: _Layers
    """`num_hidden_layers`."""
    hidden_size: _Width
    """`hidden_size`."""
    attention_heads: _Heads
    """`num_attention_heads`."""
    kv_heads: _Heads
    """`num_key_value_heads`."""
    head_dim: _Heads
    """`head_dim`, or hidden_size / attention_heads."""
    vocabulary: Annotated[int, Interval(ge=1, le=10_000_000)]
    """`vocab_size`."""
    context_length: Annotated[int, Interval(ge=1, le=LONGEST_CONTEXT)]
    """Longest context of the published configuration, in tokens."""
    tied_embeddings: bool = False
    """`tie_word_embeddings`: input and output share one matrix."""
    bytes_per_parameter: Annotated[float, Interval(ge=0.1, le=8)] = 2.0
    """Bytes of a weight outside the embeddings: 2 for bf16 and fp16, 1 for fp8, 0.52 for int4 with groups of 128."""
    kv_layers: _Layers | None = None
    """Layers with a key-value cache, where not all have one (hybrid models)."""
    window: Annotated[int, Interval(ge=1, le=LONGEST_CONTEXT)] | None = None
    """`sliding_window` or `attention_chunk_size`: tokens that the layers of `window_layers` keep."""
    window_layers: _Layers | None = None
    """Layers with a key-value cache that keep only a window. Empty: none, or not known, so that all keep everything."""
    window_kv_heads: _Heads | None = None
    """Key-value heads of those layers, where they have others (`swa_num_key_value_heads`)."""
    window_head_dim: _Heads | None = None
    """Width of their heads, where it is another."""
    intermediate_size: Annotated[int, Interval(ge=1, le=1_000_000)] | None = None
    """`moe_intermediate_size`, without experts `intermediate_size`: with `quantization_group`, over how many GPUs
    quantized weights can be spread; with experts, the memory of a batch of several ranks."""
    quantization_group: Annotated[int, Interval(ge=1, le=1024)] | None = None
    """`group_size` of AWQ or GPTQ weights, `weight_block_size` of FP8."""
    latent_kv: _Width | None = None
    """Values per token of a compressed cache (`kv_lora_rank` + `qk_rope_head_dim`), which every GPU holds in full."""
    indexer_bytes: Annotated[int, Interval(ge=1, le=65_536)] | None = None
    """Bytes per token and layer of a further cache that selects what attention reads: `index_head_dim` + 4 for each 128
    of it. Every GPU holds it in full."""
    experts: Annotated[int, Interval(ge=1, le=65_536)] | None = None
    """Experts of a layer. An engine with experts needs more memory for its own work."""
    experts_per_token: Annotated[int, Interval(ge=1, le=65_536)] | None = None
    """`num_experts_per_tok`."""
    routed_experts_gib: Annotated[float, Interval(ge=0.001, le=40_000)] | None = None
    """Memory of the experts that a token may be sent to, of all layers: what ranks of `data_parallel` can share. Empty:
    not known, so that each rank is taken to hold a copy."""
    shared_experts_gib: Annotated[float, Interval(ge=0.001, le=40_000)] | None = None
    """Memory of the experts that every token uses, of all layers."""
    image_encoder: bool = False
    """Has an encoder of pictures, which needs memory while it works."""
    extra_gib: Annotated[float, Interval(ge=0, le=64)] = 0.0
    """Further memory on each GPU beside weights and cache, for reasons that other settings do not say."""
    state_mib: Annotated[float, Interval(ge=0, le=4096)] = 0.0
    """State of one request in layers without a key-value cache, once, on all GPUs together (hybrid models)."""
    state_layers: _Layers | None = None
    """Layers with such a state. Empty: all without a key-value cache."""
    float16: bool = True
    """Runs in float16, the only 16-bit format of GPUs without bfloat16."""


COLUMNS: Mapping[str, str] = {"tied": "tied_embeddings"}
"""Columns that are called other than the shape's field."""


@lru_cache(maxsize=1)
def _all() -> dict[str, ModelShape]:
    known, adapter = {field.name for field in fields(ModelShape)}, TypeAdapter(ModelShape)
    return {
        row["id"]: adapter.validate_python(
            {name: cell for column, cell in row.items() if cell and (name := COLUMNS.get(column, column)) in known}
        )
        for row in rows("models")
    }


def get(hf_id: str) -> ModelShape | None:
    """The shape of a Hugging Face id; None if the table lacks it."""
    return _all().get(hf_id)


def known(hf_id: str) -> ModelShape:
    """The same. Raises KeyError for an id that the table lacks."""
    return _all()[hf_id]


def names() -> tuple[str, ...]:
    """All known ids."""
    return tuple(_all())


def attention(shape: ModelShape) -> str:
    """What the layers keep of earlier tokens, in a few words."""
    if shape.latent_kv:
        return "latent, indexed" if shape.indexer_bytes else "latent"
    if shape.state_mib:
        return f"hybrid, {shape.kv_layers} of {shape.layers} with keys and values"
    if shape.window_layers:
        return f"window of {shape.window} in {shape.window_layers} of {shape.layers}"
    return "full"


@lru_cache(maxsize=1)
def _quantizations() -> dict[str, str]:
    return {row["id"]: row["quantization"] for row in rows("models")}


def quantization(hf_id: str) -> str | None:
    """Name of the quantization of its weights; None for 16 bit. Raises KeyError for an id that the table lacks."""
    return _quantizations()[hf_id] or None


@lru_cache(maxsize=1)
def _modelscope() -> dict[str, str]:
    return {row["id"]: row["id"] if row["modelscope"] == "=" else row["modelscope"] for row in rows("models")}


def modelscope_id(hf_id: str) -> str | None:
    """The id of the same weights at ModelScope, where some vendors have another name; None if it is not known."""
    return _modelscope().get(hf_id) or None


@dataclass(frozen=True, kw_only=True)
class Limits:
    """A model's requirements for its engine."""

    versions: tuple[str, ...]
    """Versions of the engine that support it."""
    reason: str
    """Why other versions do not."""


@lru_cache(maxsize=1)
def _limits() -> tuple[tuple[str, str, Limits], ...]:
    return tuple(
        (row["id"], row["engine"], Limits(versions=_versions(row["engine"], row["versions"]), reason=row["reason"]))
        for row in rows("model_engines")
    )


def _versions(engine: str, cell: str) -> tuple[str, ...]:
    if cell.startswith("!"):
        return tuple(each for each in engines.facts(engine).versions if each not in cell[1:].split())
    return tuple(cell.split())


def limits(hf_id: str, engine: str) -> Limits | None:
    """The versions of an engine that support a model; None if every recorded version does."""
    found = (limit for name, of, limit in _limits() if of == engine and fnmatchcase(hf_id, name))
    return next(found, None)


@lru_cache(maxsize=1)
def gated() -> frozenset[str]:
    """Models whose hub asks an account to accept a licence first."""
    return frozenset(row["id"] for row in rows("models") if row["gated"] == "yes")


@lru_cache(maxsize=1)
def with_code() -> frozenset[str]:
    """Models with code of their own beside the weights, which every engine needs."""
    return frozenset(row["id"] for row in rows("model_engines") if row["code"] == "yes")


EXTRAS = ".extras"
"""Folder of extra files, within the model's folder."""


@dataclass(frozen=True, kw_only=True)
class ExtraFile:
    """A file that an engine needs for a model, and that is not in the model's repository."""

    name: str
    sha256: str
    url: str
    folder_variable: str
    """Environment variable for the folder's path."""


def extra_files(hf_id: str) -> tuple[ExtraFile, ...]:
    """Files that a model needs beside its repository."""
    return tuple(
        ExtraFile(**{name: value for name, value in row.items() if name != "pattern"})
        for row in rows("model_files")
        if fnmatchcase(hf_id.lower(), row["pattern"])
    )

"""Published models whose numbers are known, from `data/models.csv`."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Annotated, ClassVar

from annotated_types import Interval

from llmplatform.catalog import engines
from llmplatform.catalog.tables import rows

LONGEST_CONTEXT = 2**24
"""Tokens: sixteen times what any published model reads."""

_Layers = Annotated[int, Interval(ge=1, le=1000)]
_Heads = Annotated[int, Interval(ge=1, le=1024)]
_Width = Annotated[int, Interval(ge=1, le=131_072)]
"""Several times what any published model has: beyond it a number is a slip."""


@dataclass(frozen=True, kw_only=True)
class ModelShape:
    """The numbers of a model's config.json that decide whether it fits."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = {"extra": "forbid", "use_attribute_docstrings": True}
    """Settings take a shape as it is, and read this when they do."""

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
    intermediate_size: Annotated[int, Interval(ge=1, le=1_000_000)] | None = None
    """`intermediate_size`: with `quantization_group`, over how many GPUs quantized weights can be spread."""
    quantization_group: Annotated[int, Interval(ge=1, le=1024)] | None = None
    """`group_size` of AWQ or GPTQ weights."""
    latent_kv: _Width | None = None
    """Values of a token in a compressed cache (`kv_lora_rank` + `qk_rope_head_dim`), which every GPU holds in full."""
    extra_gib: Annotated[float, Interval(ge=0, le=64)] = 0.0
    """Memory on each GPU beside weights and cache that such a model takes: activations of experts, an encoder of
    pictures."""
    state_mib: Annotated[float, Interval(ge=0, le=4096)] = 0.0
    """What one request keeps in the cache whatever its length, on all GPUs together: the state of layers without a
    key-value cache (hybrid models)."""
    float16: bool = True
    """Runs in float16, which is all that GPUs without bfloat16 compute."""


@lru_cache(maxsize=1)
def _all() -> dict[str, ModelShape]:
    return {row["id"]: _shape(row) for row in rows("models")}


def _shape(row: dict[str, str]) -> ModelShape:
    return ModelShape(
        parameters_billion=float(row["parameters_billion"]),
        layers=int(row["layers"]),
        hidden_size=int(row["hidden_size"]),
        attention_heads=int(row["attention_heads"]),
        kv_heads=int(row["kv_heads"]),
        head_dim=int(row["head_dim"]),
        vocabulary=int(row["vocabulary"]),
        context_length=int(row["context_length"]),
        tied_embeddings=row["tied"] == "yes",
        bytes_per_parameter=float(row["bytes_per_parameter"] or 2.0),
        kv_layers=int(row["kv_layers"]) if row["kv_layers"] else None,
        latent_kv=int(row["latent_kv"]) if row["latent_kv"] else None,
        float16=row["float16"] != "no",
        extra_gib=float(row["extra_gib"] or 0),
        state_mib=float(row["state_mib"] or 0),
    )


def get(hf_id: str) -> ModelShape | None:
    """The shape of a Hugging Face id; None for a model that the table does not hold."""
    return _all().get(hf_id)


def names() -> tuple[str, ...]:
    """All known ids."""
    return tuple(_all())


@lru_cache(maxsize=1)
def _modelscope() -> dict[str, str]:
    return {row["id"]: row["id"] if row["modelscope"] == "=" else row["modelscope"] for row in rows("models")}


def modelscope_id(hf_id: str) -> str | None:
    """The same weights at ModelScope, where some vendors have another name; None where that is not known."""
    return _modelscope().get(hf_id) or None


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a model asks of its engine."""

    versions: tuple[str, ...]
    """Versions of the engine that run it."""
    reason: str
    """Why no other does."""


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
    """The versions of an engine that run a model; None where every version on record does."""
    found = (limit for name, of, limit in _limits() if of == engine and fnmatchcase(hf_id, name))
    return next(found, None)


@lru_cache(maxsize=1)
def gated() -> frozenset[str]:
    """Models whose weights the hub gives only to accounts that have accepted their licence."""
    return frozenset(row["id"] for row in rows("models") if row["gated"] == "yes")


@lru_cache(maxsize=1)
def with_code() -> frozenset[str]:
    """Models whose own code comes with the weights, without which no engine reads them."""
    return frozenset(row["id"] for row in rows("model_engines") if row["code"] == "yes")


EXTRAS = ".extras"
"""Folder of what does not come from a model's repository, within the model's."""


@dataclass(frozen=True, kw_only=True)
class ExtraFile:
    """A file that an engine needs for a model, and that is not in its repository."""

    name: str
    sha256: str
    url: str
    folder_variable: str
    """Environment variable by which the engine is told of the folder."""


def extra_files(hf_id: str) -> tuple[ExtraFile, ...]:
    """What a model needs beside its repository."""
    return tuple(
        ExtraFile(**{name: value for name, value in row.items() if name != "pattern"})
        for row in rows("model_files")
        if fnmatchcase(hf_id.lower(), row["pattern"])
    )

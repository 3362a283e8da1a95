"""The shape of a model from its config.json: what `catalog add-model` writes into `data/models.csv`.

Weights are counted from the configuration, for the architectures whose layers are known here; for others their size
comes from the hub, or from the index beside the weights.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from llmplatform.catalog import config_layers as layers
from llmplatform.catalog.config_quantization import Quantization, quantizations
from llmplatform.catalog.gpus import GIB
from llmplatform.catalog.models import ModelShape
from llmplatform.catalog.tables import rows

_LANGUAGE = ("text_config", "language_config", "llm_config")
"""Keys of the part about the language model, where there are others."""
_INDEXER_SCALE = 4
"""Bytes of the scale of 128 values (vLLM 0.33, models/deepseek_v2.py, `DeepseekV32IndexerCache`)."""


_BY_HAND = "write the model's shape into the stack file (models.*.shape)"


class UnknownModelError(Exception):
    """A configuration whose numbers do not say how large the model, or its cache, is. The text is the sentence."""


@dataclass(frozen=True, kw_only=True)
class Described:
    """What a config.json says."""

    shape: ModelShape
    quantization: str | None
    """Name of the quantization of its weights; None for 16 bit."""


def describe(
    config: Mapping[str, Any],
    *,
    beside: Mapping[str, Any] | None = None,
    stored_bytes: int | None = None,
    parameters: int | None = None,
) -> Described:
    """The shape of a model.

    Args:
        config: Its config.json.
        beside: Its hf_quant_config.json, if it has one.
        stored_bytes: Bytes of all its weights, as the hub or their index says.
        parameters: Number of its weights, as the hub says.

    Raises:
        UnknownModelError: if it cannot be told from that.
    """
    text = _language(config)
    kind = str(text.get("model_type") or config.get("model_type") or "")
    if not kind:
        raise UnknownModelError("the file names no model_type; write the path of a model's config.json")
    try:
        return _describe(config, text, kind, (beside or {}).get("quantization"), stored_bytes, parameters)
    except KeyError as missing:
        raise UnknownModelError(
            f"model_type '{kind}': {missing.args[0]} is missing or not known, so that the cache cannot be computed; "
            f"{_BY_HAND}"
        ) from None
    except ValidationError as invalid:
        faults = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in invalid.errors())
        raise UnknownModelError(f"model_type '{kind}': its numbers are no model's ({faults}); {_BY_HAND}") from None
    except (TypeError, ValueError, AttributeError, IndexError, ZeroDivisionError):
        raise UnknownModelError(
            f"model_type '{kind}': a value of its config.json is empty or of another form; {_BY_HAND}"
        ) from None


def _describe(
    config: Mapping[str, Any],
    text: Mapping[str, Any],
    kind: str,
    beside: Mapping[str, Any] | None,
    stored_bytes: int | None,
    parameters: int | None,
) -> Described:
    other = _others().get(kind)
    if other:
        raise UnknownModelError(f"model_type '{kind}': {other}; write the model's shape into the stack file by hand")
    found = quantizations(config.get("quantization_config") or text.get("quantization_config") or {}, beside)
    tied = bool(config.get("tie_word_embeddings", text.get("tie_word_embeddings", _tied_by_default(kind))))
    embeddings = text["vocab_size"] * text["hidden_size"] * (1 if tied else 2)
    vision = config.get("vision_config")
    counted, experts = kind in _counted(), layers.experts(text)
    if counted:
        weights, size = _counts(text, vision, found)
    elif stored_bytes and parameters:
        weights, size = parameters - embeddings, stored_bytes - 2 * embeddings
    else:
        raise UnknownModelError(
            f"model_type '{kind}': its weights cannot be counted from config.json; put the weights' "
            "model.safetensors.index.json beside it, or leave the file away: the hub knows their size"
        )
    kept = layers.count(text)
    kinds = layers.attention(text)
    with_cache, states = kept["full"] + kept["window"] + kept["latent"], kept["linear"] + kept["mamba"]
    window = text.get("sliding_window") or text.get("attention_chunk_size")
    widths = {kind_: (layers.kv_heads(text, kind_), layers.kv_head_dim(text, kind_)) for kind_ in ("full", "window")}
    main = "full" if kept["full"] or kept["latent"] else "window"
    index = text.get("index_head_dim")
    state = sum(number * layers.state_bytes(text, each) for each, number in kept.items())
    group = next((each.group for each in found if each.group), None)
    shape = ModelShape(
        parameters_billion=round((weights + embeddings) / 1e9, 2),
        layers=len(kinds),
        hidden_size=text["hidden_size"],
        attention_heads=text["num_attention_heads"],
        kv_heads=widths[main][0],
        head_dim=widths[main][1],
        vocabulary=text["vocab_size"],
        context_length=text.get("max_position_embeddings") or config["max_position_embeddings"],
        tied_embeddings=tied,
        bytes_per_parameter=_rounded_up(size / weights),
        kv_layers=with_cache if with_cache < len(kinds) else None,
        window=window if kept["window"] else None,
        window_layers=kept["window"] or None,
        window_kv_heads=widths["window"][0] if kept["window"] and widths["window"] != widths[main] else None,
        window_head_dim=widths["window"][1] if kept["window"] and widths["window"] != widths[main] else None,
        latent_kv=text["kv_lora_rank"] + text["qk_rope_head_dim"] if kept["latent"] else None,
        indexer_bytes=index + math.ceil(index / 128) * _INDEXER_SCALE if index and kept["latent"] else None,
        state_mib=_rounded_up(state / 2**20, 2),
        state_layers=states if states and states + with_cache < len(kinds) else None,
        intermediate_size=layers.expert_width(text) if group or experts else None,
        quantization_group=group,
        experts=experts,
        experts_per_token=layers.experts_per_token(text) if experts else None,
        routed_experts_gib=_gib(text, layers.ROUTED, found) if counted and experts else None,
        shared_experts_gib=_gib(text, layers.SHARED, found) if counted and experts else None,
        image_encoder=vision is not None,
        float16=not kind.startswith(("gemma", "gpt_oss")),
    )
    # Building a dataclass checks nothing, and the table's reader refuses a bad row.
    checked = TypeAdapter(ModelShape).validate_python(asdict(shape))
    return Described(shape=checked, quantization=_name(found))


def _language(config: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = next((config[key] for key in _LANGUAGE if isinstance(config.get(key), Mapping)), None)
    return cast(Mapping[str, Any], {**config, **inner}) if inner else config


def _counts(
    text: Mapping[str, Any], vision: Mapping[str, Any] | None, found: Iterable[Quantization]
) -> tuple[float, float]:
    """Weights outside the embeddings, and their bytes."""
    kinds = tuple(found)
    weights = size = 0.0
    for part in layers.parts(text):
        weights += part.weights
        size += part.weights * _bytes(part.name, kinds)
    encoder = layers.encoder_weights(vision) if vision else 0
    return weights + encoder, size + 2 * encoder


def _gib(text: Mapping[str, Any], name: str, found: tuple[Quantization, ...]) -> float | None:
    """Memory of one kind of parts; None without any."""
    parts = (part for part in layers.parts(text) if part.name.endswith(name))
    return _rounded_up(sum(part.weights * _bytes(part.name, found) for part in parts) / GIB) or None


def _bytes(module: str, kinds: tuple[Quantization, ...]) -> float:
    if module.endswith((".gate", ".mlp.router")):
        return 2.0
    return min((kind.bytes_of(module) for kind in kinds), default=2.0)


def _name(found: tuple[Quantization, ...]) -> str | None:
    return "+".join(dict.fromkeys(each.name for each in found)) or None


def _rounded_up(value: float, digits: int = 3) -> float:
    return math.ceil(round(value, 6) * 10**digits) / 10**digits


def _tied_by_default(kind: str) -> bool:
    return kind.startswith("gemma")


def _counted() -> frozenset[str]:
    return frozenset(row["model_type"] for row in rows("model_types") if not row["unlike"])


def _others() -> Mapping[str, str]:
    return {row["model_type"]: row["unlike"] for row in rows("model_types") if row["unlike"]}

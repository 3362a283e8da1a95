"""The layers of a model, read from its config.json: which attention each has, and how many weights.

Key names are those of transformers' configurations, which engines read as well.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Config = Mapping[str, Any]
"""A config.json, or the part of it about the language model."""

Attention = Literal["full", "window", "latent", "linear", "mamba", "none"]
"""What a layer keeps of earlier tokens: all keys and values, those of a window, one compressed vector each, a state of
fixed size (gated delta networks, Mamba 2), or nothing."""

_KINDS: Mapping[str, Attention] = {
    "full_attention": "full",
    "attention": "full",
    "sliding_attention": "window",
    "chunked_attention": "window",
    "linear_attention": "linear",
    "deepseek_sparse_attention": "latent",
}
"""Values of `layer_types`."""

_LATENT = frozenset(
    {
        "axk1",
        "deepseek_v2",
        "deepseek_v3",
        "deepseek_v32",
        "glm4_moe_lite",
        "glm_moe_dsa",
        "kimi_k2",
        "longcat_flash",
        "pangu_ultra_moe",
    }
)
"""Architectures whose keys and values are kept compressed; those of others with a `kv_lora_rank` are kept in full.
Source: vLLM 0.33, wheel: transformers_utils/model_arch_config_convertor.py, `is_deepseek_mla`, less drafts and those
that are refused here."""

ROUTED, SHARED = ".experts", ".shared_experts"
"""Ends of the names of parts: experts that a token may be sent to, and those that every token uses."""

_CHOSEN = ("num_experts_per_tok", "top_k_experts")
"""Keys of the number of experts that a token is sent to."""

_MATRICES = 3
"""Of a gated feed-forward part: gate, up and down."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """Weights of one kind in one layer, or outside the layers."""

    name: str
    """Path of their module below the language model, e.g. `layers.3.mlp.experts`."""
    weights: float


def attention(config: Config) -> tuple[Attention, ...]:
    """What each layer keeps. Raises KeyError without the number of layers."""
    pattern = _pattern(config)
    if pattern:
        return tuple("full" if sign == "*" else "mamba" if sign == "M" else "none" for sign in pattern)
    count = config["num_hidden_layers"]
    if is_latent(config):
        return ("latent",) * count
    return tuple(_attention(config, layer) for layer in range(count))


def is_latent(config: Config) -> bool:
    """Whether an engine keeps keys and values compressed."""
    return bool(config.get("kv_lora_rank")) and config.get("model_type") in _LATENT


def _pattern(config: Config) -> str | None:
    """Layers of Nemotron-H by sign: `M` Mamba, `*` attention, `E` experts, `-` a feed-forward part."""
    signs = {"mamba": "M", "attention": "*", "moe": "E", "mlp": "-"}
    named = config.get("layers_block_type")
    return "".join(signs[each] for each in named) if named else config.get("hybrid_override_pattern")


def _attention(config: Config, layer: int) -> Attention:
    types = config.get("layer_types")
    if types:
        return _KINDS.get(types[layer], "full")
    window = config.get("sliding_window") if config.get("use_sliding_window", True) else None
    if "hybrid_layer_pattern" in config:
        return "window" if config["hybrid_layer_pattern"][layer] else "full"
    if "attention_chunk_size" in config:
        # Every fourth layer has no rotary positions and sees everything (transformers, Llama4TextConfig).
        rotary = config.get("no_rope_layers") or [(index + 1) % 4 for index in range(layer + 1)]
        return "window" if rotary[layer] else "full"
    if config.get("full_attention_interval"):
        return "full" if (layer + 1) % config["full_attention_interval"] == 0 else "linear"
    every = config.get("sliding_window_pattern") or config.get("_sliding_window_pattern")
    if window and every:
        return "full" if (layer + 1) % every == 0 else "window"
    return "window" if window and config.get("model_type") == "mistral" else "full"


def head_dim(config: Config) -> int:
    """`head_dim`, or hidden_size / num_attention_heads."""
    return config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]


def experts(config: Config) -> int | None:
    """Experts of a layer; None without them."""
    return config.get("num_experts") or config.get("n_routed_experts") or config.get("num_local_experts") or None


def experts_per_token(config: Config) -> int | None:
    """Experts that a token is sent to."""
    return next((config[key] for key in _CHOSEN if config.get(key)), None)


def expert_width(config: Config) -> int:
    """Width of one expert, without experts of the feed-forward part. Raises KeyError without either."""
    return config.get("moe_intermediate_size") or config["intermediate_size"]


def state_bytes(config: Config, kind: Attention) -> float:
    """Bytes that one layer keeps of a request, on all GPUs together: the state and the last inputs of a convolution.

    Source: vLLM 0.33, model_executor/layers/mamba/mamba_utils.py: `gated_delta_net_state_shape`,
    `mamba2_state_shape`; the convolution in 16 bit, the state as the configuration says.
    """
    if kind == "linear":
        keys, values = _linear_widths(config)
        state = config["linear_num_value_heads"] * config["linear_value_head_dim"] * config["linear_key_head_dim"]
        inputs = (config["linear_conv_kernel_dim"] - 1) * (2 * keys + values)
        return state * _bytes(config.get("mamba_ssm_dtype")) + inputs * 2
    if kind == "mamba":
        inner = config["mamba_num_heads"] * config["mamba_head_dim"]
        inputs = (config["conv_kernel"] - 1) * (inner + 2 * config["n_groups"] * config["ssm_state_size"])
        return inner * config["ssm_state_size"] * _bytes(config.get("mamba_ssm_cache_dtype")) + inputs * 2
    return 0


def _bytes(dtype: str | None) -> int:
    return 4 if dtype == "float32" else 2


def _linear_widths(config: Config) -> tuple[int, int]:
    """Widths of all keys and of all values of a linear layer."""
    return (
        config["linear_num_key_heads"] * config["linear_key_head_dim"],
        config["linear_num_value_heads"] * config["linear_value_head_dim"],
    )


def parts(config: Config) -> Iterator[Part]:
    """The weights of all layers. Norms and biases, less than a thousandth, are left out."""
    for layer, kind in enumerate(attention(config)):
        path = f"layers.{layer}"
        if kind in ("linear", "mamba"):
            name = "linear_attn" if kind == "linear" else "mixer"
            yield Part(name=f"{path}.{name}", weights=_linear(config) if kind == "linear" else _mamba(config))
        elif kind != "none":
            name = "mixer" if _pattern(config) else "self_attn"
            yield Part(name=f"{path}.{name}", weights=_latent(config) if kind == "latent" else _heads(config, kind))
        yield from _feed_forward(config, layer, path)


def _heads(config: Config, kind: Attention) -> float:
    hidden, size = config["hidden_size"], kv_head_dim(config, kind)
    queries, keys = config["num_attention_heads"] * size, kv_heads(config, kind) * size
    shared = kind == "full" and config.get("attention_k_eq_v")
    gated = 2 if config.get("attn_output_gate") else 1
    return hidden * (queries * gated + keys * (1 if shared else 2) + queries)


def kv_heads(config: Config, kind: Attention) -> int:
    """Heads with keys and values of a layer of that kind."""
    own = {"full": "num_global_key_value_heads", "window": "swa_num_key_value_heads"}.get(kind, "")
    return config.get(own) or config.get("num_key_value_heads") or config["num_attention_heads"]


def kv_head_dim(config: Config, kind: Attention) -> int:
    """Width of such a head; of the values, where keys and values are compressed."""
    if is_latent(config):
        return config["v_head_dim"]
    if config.get("kv_lora_rank"):
        return max(config["qk_nope_head_dim"] + config["qk_rope_head_dim"], config["v_head_dim"])
    own = {"full": "global_head_dim", "window": "swa_head_dim"}.get(kind, "")
    return config.get(own) or head_dim(config)


def _latent(config: Config) -> float:
    hidden, heads = config["hidden_size"], config["num_attention_heads"]
    rank, keys, rotary = config["kv_lora_rank"], config["qk_nope_head_dim"], config["qk_rope_head_dim"]
    queries = config.get("q_lora_rank")
    width = heads * (keys + rotary)
    found = hidden * (rank + rotary) + rank * heads * (keys + config["v_head_dim"])
    found += heads * config["v_head_dim"] * hidden
    found += queries * (hidden + width) if queries else hidden * width
    if config.get("index_head_dim"):
        index = config["index_n_heads"] * config["index_head_dim"]
        found += (queries or hidden) * index + hidden * (config["index_head_dim"] + config["index_n_heads"])
    return found


def _linear(config: Config) -> float:
    keys, values = _linear_widths(config)
    heads = config["linear_num_value_heads"]
    return config["hidden_size"] * (2 * keys + 2 * values + 2 * heads + values)


def _mamba(config: Config) -> float:
    inner = config["mamba_num_heads"] * config["mamba_head_dim"]
    inputs = 2 * inner + 2 * config["n_groups"] * config["ssm_state_size"] + config["mamba_num_heads"]
    return config["hidden_size"] * (inputs + inner)


def _feed_forward(config: Config, layer: int, path: str) -> Iterator[Part]:
    hidden, pattern = config["hidden_size"], _pattern(config)
    count = experts(config)
    if pattern:
        # Ungated, and only in layers of their own (transformers, NemotronHConfig).
        if pattern[layer] == "-":
            yield Part(name=f"{path}.mixer", weights=2 * hidden * config["intermediate_size"])
        elif pattern[layer] == "E" and count:
            width = config.get("moe_latent_size") or hidden
            shared = config.get("moe_shared_expert_intermediate_size") or 0
            yield Part(name=f"{path}.mixer{ROUTED}", weights=2 * count * width * config["moe_intermediate_size"])
            yield Part(name=f"{path}.mixer{SHARED}", weights=2 * hidden * shared)
            projections = 2 * hidden * width if width != hidden else 0
            yield Part(name=f"{path}.mixer.gate", weights=hidden * count + projections)
        return
    with_experts = count is not None and _has_experts(config, layer)
    if count and with_experts:
        block = "block_sparse_moe" if config.get("model_type") in ("mixtral", "minimax_m2") else "mlp"
        beside = config.get("enable_moe_block")
        width = expert_width(config)
        name = f"{path}{ROUTED}" if beside else f"{path}.{block}{ROUTED}"
        yield Part(name=name, weights=_MATRICES * count * hidden * width)
        yield Part(name=f"{path}.{block}.gate", weights=hidden * count)
        shared = _shared_width(config, width)
        if shared:
            yield Part(name=f"{path}.{block}{SHARED}", weights=_MATRICES * hidden * shared)
    if not with_experts or config.get("enable_moe_block"):
        width = config.get("intermediate_size_mlp") or config["intermediate_size"]
        yield Part(name=f"{path}.mlp", weights=_MATRICES * hidden * width)


def _has_experts(config: Config, layer: int) -> bool:
    frequency = config.get("moe_layer_freq")
    if isinstance(frequency, list):
        return bool(frequency[layer])
    step = config.get("interleave_moe_layer_step") or config.get("decoder_sparse_step") or frequency or 1
    first = config.get("first_k_dense_replace") or 0
    dense = config.get("mlp_only_layers") or []
    return layer >= first and layer not in dense and (layer + 1) % step == 0


def _shared_width(config: Config, width: int) -> int:
    """Width of the expert that every token uses."""
    own = config.get("shared_expert_intermediate_size") or config.get("share_expert_dim")
    if own:
        return own
    if config.get("model_type") == "llama4_text":
        return width
    return width * (config.get("n_shared_experts") or 0)


def encoder_weights(vision: Config) -> float:
    """Weights of an encoder of pictures, roughly: four matrices of attention and three of the feed-forward part."""
    width = vision.get("hidden_size") or vision.get("vt_hidden_size") or 0
    depth = vision.get("depth") or vision.get("num_hidden_layers") or vision.get("vt_num_hidden_layers") or 0
    inner = vision.get("intermediate_size") or vision.get("vt_intermediate_size") or 4 * width
    return depth * width * (4 * width + _MATRICES * inner)


def count(config: Config) -> Counter[Attention]:
    """Layers by what they keep."""
    return Counter(attention(config))

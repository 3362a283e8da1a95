"""Bytes of a model's weights, by the quantization that its config.json names."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import translate
from functools import lru_cache
from typing import Any

_SCALE = 2
"""Bytes of the scale of a group of integers (16 bit)."""


@dataclass(frozen=True, kw_only=True)
class Quantization:
    """How weights are stored, and which are not."""

    name: str
    """`fp8`, `awq`, `nvfp4` and so on."""
    bytes_per_weight: float
    group: int | None = None
    """Weights that share a scale, where their number limits the spread over GPUs."""
    excluded: tuple[str, ...] = ()
    """Modules that stay in 16 bit: names, wildcards, or regular expressions after `re:`."""
    targets: tuple[str, ...] = ()
    """Modules that are quantized; empty: all but the excluded ones."""

    def bytes_of(self, module: str) -> float:
        """Bytes of a weight of a module, named below the language model."""
        if self.targets:
            return self.bytes_per_weight if any(_covers(each, module) for each in self.targets) else 2.0
        return 2.0 if any(_covers(each, module) for each in self.excluded) else self.bytes_per_weight


def quantizations(config: Mapping[str, Any], beside: Mapping[str, Any] | None = None) -> tuple[Quantization, ...]:
    """The quantizations of a config.json; none for weights in 16 bit.

    Args:
        config: Its `quantization_config`, where it has one.
        beside: `quantization` of hf_quant_config.json, which NVIDIA's repositories have.

    Raises:
        KeyError: for a method that is not known.
    """
    found = config or beside or {}
    mixed = found.get("quantized_layers") or (beside or {}).get("quantized_layers")
    if mixed:
        return tuple(_by_layer(mixed))
    return (_one(found),) if found else ()


def _one(found: Mapping[str, Any]) -> Quantization:
    excluded = _excluded(found)
    algorithm = found.get("quant_algo")
    method = found.get("quant_method")
    if algorithm and algorithm != "MIXED_PRECISION":
        return Quantization(name=algorithm.lower(), bytes_per_weight=_ALGORITHMS[algorithm], excluded=excluded)
    if method in ("fp8", "fbgemm_fp8"):
        block = found.get("weight_block_size")
        return Quantization(name="fp8", bytes_per_weight=1.0, group=max(block) if block else None, excluded=excluded)
    if method == "mxfp4":
        return Quantization(name="mxfp4", bytes_per_weight=_MXFP4, excluded=excluded)
    if method in ("awq", "gptq", "auto-round"):
        bits, group = found.get("bits") or found["w_bit"], found.get("group_size") or found.get("q_group_size") or 128
        per = bits / 8 + (_SCALE + bits / 8) / group
        return Quantization(name=method, bytes_per_weight=per, group=group, excluded=excluded)
    if method == "compressed-tensors":
        # Each of several groups has modules of its own, by patterns of many forms: the largest counts.
        groups = [_group(group["weights"], excluded) for group in found["config_groups"].values() if group["weights"]]
        largest = max(groups, key=lambda group: group.bytes_per_weight)
        return replace(largest, group=max(group.group or 0 for group in groups) or None)
    raise KeyError(method or algorithm)


_MXFP4 = 0.58
"""Bytes of a weight of gpt-oss as loaded: half a byte, a scale of 8 bit for 32 of them, and widths of 2,880 filled up
to what kernels read. Source: start-up logs (tests, engine_starts.csv: 65.97, 13.47 and 13.72 GiB)."""

_ALGORITHMS: Mapping[str, float] = {"FP8": 1.0, "NVFP4": 0.5 + 1 / 16, "W4A16_NVFP4": 0.5 + 1 / 16, "MXFP8": 1 + 1 / 32}
"""Bytes of a weight by NVIDIA's names: NVFP4 has a scale of 8 bit for 16 weights, MXFP8 one for 32."""


def _by_layer(layers: Mapping[str, Mapping[str, Any]]) -> Iterator[Quantization]:
    """Of modules, each with its own algorithm."""
    targets: dict[str, list[str]] = {}
    for module, how in layers.items():
        targets.setdefault(how["quant_algo"], []).append(module)
    for algorithm, modules in targets.items():
        name = algorithm.lower().removeprefix("w4a16_")
        yield Quantization(name=name, bytes_per_weight=_ALGORITHMS[algorithm], targets=tuple(modules))


def _group(weights: Mapping[str, Any], excluded: tuple[str, ...]) -> Quantization:
    """One of the groups of llm-compressor's configurations."""
    per, size = _weights(weights)
    name = f"{'w' if weights['type'] == 'int' else 'fp'}{weights['num_bits']}"
    return Quantization(name=name, bytes_per_weight=per, group=size, excluded=excluded)


def _weights(weights: Mapping[str, Any]) -> tuple[float, int | None]:
    """Bytes of a weight with its part of the scales, and the size of the groups that limit the spread."""
    bits, group = weights["num_bits"], weights.get("group_size")
    if weights.get("strategy") == "block":
        return bits / 8, max(map(int, re.findall(r"\d+", str(weights["block_structure"]))))
    if not group or group < 0:
        return bits / 8, None
    scale = 1 if weights["type"] == "float" else _SCALE
    zero = 0 if weights.get("symmetric", True) else bits / 8
    return bits / 8 + (scale + zero) / group, group if weights["type"] == "int" else None


def _excluded(found: Mapping[str, Any]) -> tuple[str, ...]:
    names = ("modules_to_not_convert", "ignore", "exclude_modules", "ignored_layers")
    return tuple(each for name in names for each in found.get(name) or ())


@lru_cache(maxsize=4096)
def _pattern(entry: str) -> re.Pattern[str]:
    if entry.startswith("re:"):
        return re.compile(entry[3:])
    # Prefixes differ by how a publisher wraps the language model.
    plain = re.sub(r"^.*?(?=layers\.)", "", entry) if "layers." in entry else entry
    return re.compile(translate(plain) if "*" in plain else rf"{re.escape(plain)}(\..*)?$")


def _covers(entry: str, module: str) -> bool:
    """Whether an entry of a list means a module. One of `a.b` means all within it, one of its parts does not."""
    if entry.startswith("re:"):
        return bool(_pattern(entry).match(f"model.{module}") or _pattern(entry).match(f"model.{module}.up_proj"))
    if "." not in entry and "*" not in entry:
        return entry in module.split(".")
    return bool(_pattern(entry).match(module) or _inner(entry, module))


_INNER = {
    "self_attn": ("q_proj", "q_a_proj", "qkv_proj", "o_proj"),
    "linear_attn": ("in_proj_qkv", "in_proj_qkvz"),
    "mlp": ("gate_proj", "gate_up_proj", "up_proj"),
    "shared_experts": ("gate_proj", "up_proj"),
    "experts": ("0.gate_proj", "0.w1", "0.up_proj"),
    "mixer": ("in_proj", "q_proj", "up_proj"),
}
"""Parts by which publishers name a module that is left out, or quantized, as a whole."""


def _inner(entry: str, module: str) -> bool:
    last = module.rpartition(".")[2]
    return any(_pattern(entry).fullmatch(f"{module}.{part}") for part in _INNER.get(last, ()))

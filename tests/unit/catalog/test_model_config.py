"""Shapes from config.json files against published numbers, for each kind of attention and quantization."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from llmplatform.catalog import models
from llmplatform.catalog.config_quantization import quantizations
from llmplatform.catalog.model_config import UnknownModelError, describe
from llmplatform.planning.fit import weights_gib

KNOWN: dict[str, dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "model_configs.yaml").read_text("utf-8"))
DENSE = KNOWN["dense"]["config"]


@pytest.mark.parametrize("name", KNOWN)
def test_a_configuration_gives_the_published_number_of_weights(name: str) -> None:
    known = KNOWN[name]
    found = describe(known["config"])
    assert found.shape.parameters_billion == pytest.approx(known["billion"], rel=0.01)
    assert found.quantization == known.get("quantization")
    if "gib" in known:
        assert weights_gib(found.shape) == pytest.approx(known["gib"], rel=0.02)


@pytest.mark.parametrize("name", KNOWN)
def test_a_configuration_says_what_a_layer_keeps(name: str) -> None:
    known = KNOWN[name]
    shape = describe(known["config"]).shape
    assert {field: getattr(shape, field) for field in known["shape"]} == known["shape"]
    assert models.attention(shape) == known["attention"]


def test_an_architecture_whose_cache_is_unlike_others_is_refused_with_the_reason() -> None:
    with pytest.raises(UnknownModelError, match=r"model_type 'deepseek_v4': its cache is compressed .* by hand"):
        describe({**DENSE, "model_type": "deepseek_v4"})


def test_an_unknown_architecture_needs_the_size_of_its_weights() -> None:
    with pytest.raises(UnknownModelError, match=r"use --id, or put .* model\.safetensors\.index\.json beside it"):
        describe({**DENSE, "model_type": "brand_new"})
    found = describe({**DENSE, "model_type": "brand_new"}, stored_bytes=16_400_000_000, parameters=8_200_000_000)
    assert not found.counted
    assert weights_gib(found.shape) == pytest.approx(15.27, rel=0.01)
    assert found.shape.bytes_per_parameter == pytest.approx(2, abs=0.001)


def test_a_missing_number_is_named() -> None:
    broken = {key: value for key, value in DENSE.items() if key != "num_hidden_layers"}
    with pytest.raises(UnknownModelError, match="num_hidden_layers is missing"):
        describe(broken)


@pytest.mark.parametrize(
    ("config", "module", "size"),
    [
        ({"quant_method": "awq", "bits": 4, "group_size": 128}, "layers.3.mlp", 0.52),
        ({"quant_method": "gptq", "bits": 8, "group_size": 128}, "layers.3.mlp", 1.023),
        (
            {"quant_method": "mxfp4", "modules_to_not_convert": ["model.layers.*.self_attn"]},
            "layers.3.mlp.experts",
            0.53125,
        ),
        ({"quant_method": "mxfp4", "modules_to_not_convert": ["model.layers.*.self_attn"]}, "layers.3.self_attn", 2),
        ({"quant_algo": "NVFP4", "ignore": ["model.layers.1.self_attn*"]}, "layers.1.self_attn", 2),
        ({"quant_algo": "NVFP4", "ignore": ["model.layers.1.self_attn*"]}, "layers.11.self_attn", 0.5625),
        ({"quant_algo": "NVFP4", "ignore": ["language_model.model.layers.0*"]}, "layers.0.mlp", 2),
        ({"quant_algo": "NVFP4", "ignore": ["model.layers.7.self_attn.o_proj"]}, "layers.7.self_attn", 2),
        ({"quant_algo": "NVFP4", "ignore": ["model.layers.7.mlp.gate"]}, "layers.7.mlp", 0.5625),
        ({"quant_method": "fp8", "modules_to_not_convert": ["gate"]}, "layers.7.mlp.gate", 2),
        ({"quantized_layers": {"model.layers.0.mlp.gate_proj": {"quant_algo": "W4A16_NVFP4"}}}, "layers.0.mlp", 0.5625),
        ({"quantized_layers": {"model.layers.0.mlp.gate_proj": {"quant_algo": "W4A16_NVFP4"}}}, "layers.1.mlp", 2),
    ],
)
def test_a_module_has_the_bytes_that_its_quantization_says(config: dict[str, Any], module: str, size: float) -> None:
    (found,) = quantizations(config)
    assert found.bytes_of(module) == pytest.approx(size, abs=0.001)


def test_an_unknown_quantization_is_named() -> None:
    with pytest.raises(UnknownModelError, match="one_bit is missing or not known"):
        describe({**DENSE, "quantization_config": {"quant_method": "one_bit"}})

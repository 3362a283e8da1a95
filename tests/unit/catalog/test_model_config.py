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
    with pytest.raises(UnknownModelError, match=r"put the weights' model\.safetensors\.index\.json beside it"):
        describe({**DENSE, "model_type": "brand_new"})
    found = describe({**DENSE, "model_type": "brand_new"}, stored_bytes=16_400_000_000, parameters=8_200_000_000)
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
            0.58,
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


def gpt_oss(layers: int, experts: int) -> dict[str, Any]:
    """The config.json of openai/gpt-oss-*, as aiconfigurator keeps it (model_configs.yaml)."""
    return {
        "model_type": "gpt_oss",
        "hidden_size": 2880,
        "intermediate_size": 2880,
        "num_hidden_layers": layers,
        "num_local_experts": experts,
        "num_attention_heads": 64,
        "num_key_value_heads": 8,
        "head_dim": 64,
        "layer_types": ["sliding_attention", "full_attention"] * (layers // 2),
        "sliding_window": 128,
        "vocab_size": 201088,
        "max_position_embeddings": 131072,
        "tie_word_embeddings": False,
        "quantization_config": {
            "quant_method": "mxfp4",
            "modules_to_not_convert": [
                "model.layers.*.self_attn",
                "model.layers.*.mlp.router",
                "model.embed_tokens",
                "lm_head",
            ],
        },
    }


@pytest.mark.parametrize(
    ("layers", "experts", "loaded"),
    [
        pytest.param(36, 128, 65.97, id="120b: vllm-project/vllm#23278"),
        pytest.param(24, 32, 13.72, id="20b: engine_starts.csv, which has 13.47 as well"),
    ],
)
def test_experts_in_4_bit_count_as_they_are_loaded(layers: int, experts: int, loaded: float) -> None:
    found = describe(gpt_oss(layers, experts)).shape
    assert weights_gib(found) == pytest.approx(loaded, rel=0.01)
    assert (found.window, found.window_layers, found.experts) == (128, layers // 2, experts)


def test_blocks_of_8_bit_limit_the_spread_of_an_expert() -> None:
    blocks = {"quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}}
    found = describe({**KNOWN["experts"]["config"], **blocks}).shape
    assert (found.quantization_group, found.intermediate_size) == (128, 768)
    tensor = describe({**DENSE, "quantization_config": {"quant_method": "fp8"}}).shape
    assert tensor.quantization_group is None


def test_experts_are_counted_apart_by_whether_every_token_uses_them() -> None:
    """DeepSeek-V3: 58 layers with 256 experts, one more for every token, and three matrices of 7168 x 2048 each."""
    config = KNOWN["compressed keys and values, with three dense layers before the experts"]["config"]
    found, one = describe({**config, "num_experts_per_tok": 8}).shape, 58 * 3 * 7168 * 2048 / 2**30
    assert found.experts_per_token == 8
    assert found.routed_experts_gib == pytest.approx(256 * one, rel=1e-4)
    assert found.shared_experts_gib == pytest.approx(one, rel=1e-3)
    dense = describe(DENSE).shape
    assert (dense.experts_per_token, dense.routed_experts_gib, dense.shared_experts_gib) == (None, None, None)


def test_the_largest_of_several_groups_counts() -> None:
    groups = {
        "group_0": {"weights": {"num_bits": 4, "type": "int", "group_size": 128, "symmetric": True}},
        "group_1": {"weights": {"num_bits": 8, "type": "float", "strategy": "block", "block_structure": [128, 128]}},
    }
    (found,) = quantizations({"quant_method": "compressed-tensors", "config_groups": groups})
    assert (found.name, found.bytes_per_weight, found.group) == ("fp8", 1.0, 128)


def test_keys_and_values_are_compressed_only_where_vllm_does_so() -> None:
    """vLLM 0.33, `is_deepseek_mla`: a list of architectures. Others keep whole heads, of queries' width."""
    latent = KNOWN["compressed keys and values, with three dense layers before the experts"]["config"]
    assert describe(latent).shape.latent_kv == 576
    other = describe({**latent, "model_type": "minicpm3"}, stored_bytes=8_000_000_000, parameters=4_000_000_000).shape
    assert other.latent_kv is None
    assert (other.kv_heads, other.head_dim) == (128, 128 + 64)


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ({"num_hidden_layers": None}, "is empty or of another form"),
        ({"num_attention_heads": 0, "head_dim": None}, "is empty or of another form"),
        ({"layer_types": ["full_attention"]}, "is empty or of another form"),
        ({"quantization_config": {"quant_method": "fp8", "weight_block_size": 128}}, "is empty or of another form"),
        ({"quantization_config": {"quant_method": "compressed-tensors", "config_groups": {}}}, "of another form"),
        ({"vocab_size": 50_000_000}, "vocabulary: Input should be less than or equal to 10000000"),
        ({"num_key_value_heads": 5000}, "kv_heads: Input should be less than or equal to 1024"),
    ],
)
def test_a_value_that_no_model_has_is_told_in_a_sentence(broken: dict[str, Any], says: str) -> None:
    with pytest.raises(UnknownModelError, match=says) as raised:
        describe({**DENSE, **broken})
    assert "\n" not in str(raised.value)
    assert str(raised.value).endswith("write the model's shape into the stack file (models.*.shape)")

"""Memory of models on GPUs against reference vectors."""

from dataclasses import replace
from typing import Any

import pytest

from llmplatform.catalog import engines, gpus, models
from llmplatform.catalog.gpus import Gpu
from llmplatform.catalog.models import ModelShape
from llmplatform.planning import fit as planning
from llmplatform.planning.fit import Fit, weights_gib
from llmplatform.specs.engines import GpuUse

CHATGLM = "zai-org/chatglm3-6b"
LLAMA = "meta-llama/Llama-3.1-8B-Instruct"
QWEN = "Qwen/Qwen2.5-7B-Instruct"


ENGINE = engines.facts("vllm").memory


def fit(
    shape: ModelShape,
    gpu: Gpu,
    *,
    tensor_parallel: int = 1,
    context_length: int | None = None,
    **use: Any,
) -> Fit:
    asked = GpuUse(**{"share": 0.92, **use})
    return planning.fit(shape, gpu, ENGINE, asked, tensor_parallel=tensor_parallel, context_length=context_length)


def shape(name: str, bytes_per_parameter: float = 2.0) -> ModelShape:
    found = models.get(name)
    assert found is not None, name
    return replace(found, bytes_per_parameter=bytes_per_parameter)


@pytest.mark.parametrize(
    ("model", "quantized", "tensor_parallel", "weights", "overhead", "cache", "tokens", "fits"),
    [
        ("Qwen/Qwen3-4B", 2.0, 1, 7.49, 2.4, 3.51, 25_500, True),
        (QWEN, 0.52, 1, 5.19, 2.4, 5.80, 108_600, True),
        (LLAMA, 2.0, 1, 14.96, 2.4, -3.96, 0, False),
        (LLAMA, 0.52, 1, 5.34, 2.4, 5.66, 46_300, True),
        (CHATGLM, 2.0, 1, 11.62, 2.4, -0.63, 0, False),
        (LLAMA, 2.0, 4, 3.74, 3.0, 6.66, 218_100, True),
    ],
)
def test_the_memory_of_a_t4_agrees_with_the_reference(
    model: str,
    quantized: float,
    tensor_parallel: int,
    weights: float,
    overhead: float,
    cache: float,
    tokens: int,
    fits: bool,
) -> None:
    found = fit(shape(model, quantized), gpus.get("T4"), tensor_parallel=tensor_parallel, context_length=8192)
    assert found.weights_gib == pytest.approx(weights, rel=0.02)
    assert found.overhead_gib == pytest.approx(overhead)
    assert found.kv_gib == pytest.approx(cache, abs=0.1)
    assert found.kv_tokens == pytest.approx(tokens, rel=0.03)
    assert found.fits is fits


@pytest.mark.parametrize(
    ("model", "gib"),
    [
        ("Qwen/Qwen3-8B", 15.3),
        ("Qwen/Qwen3-32B", 61.0),
        ("meta-llama/Llama-3.3-70B-Instruct", 131.4),
        ("openai/gpt-oss-120b", 65.97),  # As loaded: vllm-project/vllm#23278.
        ("openai/gpt-oss-20b", 13.47),  # As loaded: engine_starts.csv.
        # The card: 689 GB for 685 billion weights. 14 billion of them guess tokens and are not loaded.
        ("deepseek-ai/DeepSeek-V3", 628),
        ("google/gemma-2-9b-it", 17.2),
    ],
)
def test_weights_are_as_large_as_published(model: str, gib: float) -> None:
    found = models.get(model)
    assert found is not None
    assert weights_gib(found) == pytest.approx(gib, rel=0.02)


def test_quantized_weights_keep_their_embeddings_in_16_bit() -> None:
    assert weights_gib(shape(QWEN, 0.52)) * 2**30 / 1e9 == pytest.approx(5.6, rel=0.02), (
        "half a byte each would say 4.0 GB"
    )
    assert weights_gib(shape(LLAMA, 1.0)) * 2**30 / 1e9 == pytest.approx(9.1, rel=0.02), (
        "one byte each would say 8.0 GB"
    )


def test_a_cache_in_8_bit_holds_twice_the_tokens() -> None:
    model, gpu = shape("Qwen/Qwen3-8B"), gpus.get("L4")
    assert fit(model, gpu, kv_bytes=1).kv_tokens == pytest.approx(2 * fit(model, gpu).kv_tokens, abs=2)


def test_a_compressed_cache_is_not_divided_among_gpus() -> None:
    model = models.get("deepseek-ai/DeepSeek-V3")
    assert model is not None
    one, eight = (fit(model, gpus.get("H200"), tensor_parallel=size) for size in (1, 8))
    assert one.cache.per_token == eight.cache.per_token == pytest.approx(68.6 * 1024, rel=0.01)


def test_key_value_heads_are_copied_when_there_are_more_gpus_than_heads() -> None:
    model = models.get("Qwen/Qwen3-30B-A3B")
    assert model is not None
    assert model.kv_heads == 4
    four, eight = (fit(model, gpus.get("L4"), tensor_parallel=size).cache.per_token for size in (4, 8))
    assert four == eight, "each GPU holds at least one head"


def test_only_layers_with_a_cache_count() -> None:
    model = models.get("Qwen/Qwen3-Next-80B-A3B-Instruct")
    assert model is not None
    assert fit(model, gpus.get("H100")).cache.per_token == 24 * 1024


def test_a_large_gpu_needs_more_for_itself_unless_sequences_are_bounded() -> None:
    model, gpu = shape("Qwen/Qwen3-8B"), gpus.get("H100")
    assert fit(model, gpu).overhead_gib > fit(model, gpu, sequences=256).overhead_gib


def test_a_longer_context_never_fits_where_a_shorter_does_not() -> None:
    model, gpu = shape("Qwen/Qwen3-8B"), gpus.get("A10G")
    verdicts = [fit(model, gpu, context_length=length).fits for length in range(1024, 40961, 1024)]
    assert verdicts == sorted(verdicts, reverse=True)
    assert {True, False} == set(verdicts)


def test_an_a100_takes_no_more_for_itself_than_a_small_gpu() -> None:
    """vLLM 0.33 computes more at once from 70 GiB on, but not on an A100 (engine/arg_utils.py)."""
    model = shape(QWEN)
    assert fit(model, gpus.get("A100-80GB")).overhead_gib == fit(model, gpus.get("L4")).overhead_gib
    assert fit(model, gpus.get("H100")).overhead_gib > fit(model, gpus.get("A100-80GB")).overhead_gib


def test_what_fits_by_a_hair_does_not_fit() -> None:
    model, gpu = shape(QWEN), gpus.get("L4")
    tokens = fit(model, gpu).kv_tokens
    assert not fit(model, gpu, context_length=tokens).fits, "the estimate is no better than a few per cent"
    assert not fit(model, gpu, context_length=int(tokens / 1.04)).fits
    assert fit(model, gpu, context_length=int(tokens / 1.06)).fits


def test_gpt_oss_120b_does_not_start_on_one_h100_at_nine_tenths() -> None:
    """vllm-project/vllm#23278: loading took 66.0 GiB, and -2.14 GiB were left for the cache."""
    found = fit(shape("openai/gpt-oss-120b", 0.59), gpus.get("H100"), share=0.9, context_length=8192)
    assert found.kv_gib == pytest.approx(-2.14, abs=1)
    assert not found.fits


def test_a_window_bounds_what_a_long_request_takes() -> None:
    """Gemma 3: five of six layers see 1,024 tokens; vLLM keeps those of two batches beside them."""
    model, gpu = shape("google/gemma-3-27b-it"), gpus.get("H100")
    full = fit(replace(model, window=None, window_layers=None), gpu, context_length=131_072)
    found = fit(model, gpu, context_length=131_072)
    held = 1024 + 2 * 8192 + 16
    layers = 10 + 60 * held / 131_072  # 52 layers in groups of 10: 60.
    assert found.concurrency / full.concurrency == pytest.approx(62 / layers, rel=0.001)
    assert fit(model, gpu, context_length=8192).cache.request(8192) == pytest.approx(
        70 / 62 * full.cache.per_token * 8192, rel=0.001
    ), "short requests use whole groups of layers"


def test_the_longest_context_is_one_that_fits_by_the_margin() -> None:
    for name in ("google/gemma-3-27b-it", "Qwen/Qwen3.5-35B-A3B-FP8", "Qwen/Qwen3-32B-FP8"):
        model, gpu = models.known(name), gpus.get("H100")
        longest = fit(model, gpu).longest_context
        assert fit(model, gpu, context_length=longest).fits
        assert not fit(model, gpu, context_length=int(longest * 1.01) + 16).fits


def test_heads_of_windows_count_by_their_own_width() -> None:
    model = models.known("google/gemma-4-26B-A4B-it")
    cache = fit(model, gpus.get("H100")).cache
    assert cache.per_token == 5 * 2 * 2 * 512 * 2
    assert cache.per_token_in_window == 25 * 2 * 8 * 256 * 2


def test_an_index_is_a_further_cache_and_the_8_bit_cache_beside_it_has_scales_and_16_bit_parts() -> None:
    """FlashMLA's format of 656 bytes: 512 values of 8 bit, 4 scales of 32 and 64 rotary values of 16 (vLLM 0.33,
    v1/attention/backends/mla/flashmla_sparse.py)."""
    model, gpu = models.known("deepseek-ai/DeepSeek-V3.2"), gpus.get("H200")
    assert fit(model, gpu, tensor_parallel=8).cache.per_token == 61 * (576 * 2 + 132)
    assert fit(model, gpu, tensor_parallel=8, kv_bytes=1).cache.per_token == 61 * (656 + 132)
    without = models.known("deepseek-ai/DeepSeek-V3")
    assert fit(without, gpu, tensor_parallel=8, kv_bytes=1).cache.per_token == 61 * 576


@pytest.mark.parametrize("name", ["V3", "R1", "V3-0324", "R1-0528", "V3.1"])
def test_each_gpu_holds_some_weights_of_compressed_attention_in_full(name: str) -> None:
    """Eight of them loaded 79.74 GiB each, of 627 together (vLLM 0.11 to 0.20: engine_starts.csv): H20, too."""
    found = fit(models.known(f"deepseek-ai/DeepSeek-{name}"), gpus.get("H20"), tensor_parallel=8)
    assert found.weights_gib == pytest.approx(79.74, rel=0.005)
    assert 8 * found.weights_gib > weights_gib(models.known(f"deepseek-ai/DeepSeek-{name}")) + 7


def test_experts_and_an_encoder_take_memory_of_their_own() -> None:
    dense, gpu = shape("Qwen/Qwen3-8B"), gpus.get("L40S")
    plain = fit(dense, gpu).overhead_gib
    assert fit(replace(dense, experts=128), gpu).overhead_gib == pytest.approx(plain + ENGINE.experts_gib)
    assert fit(replace(dense, image_encoder=True), gpu).overhead_gib == pytest.approx(plain + ENGINE.encoder_gib)


def test_an_engine_without_a_known_batch_counts_no_windows() -> None:
    model, gpu = shape("google/gemma-3-27b-it"), gpus.get("H100")
    unknown = ENGINE.model_copy(update={"batched_tokens": {}})
    found = planning.fit(model, gpu, unknown, GpuUse(share=0.92), context_length=131_072)
    assert found.cache.request(131_072) == pytest.approx(62 * 2 * 16 * 128 * 2 * 131_072)


@pytest.mark.parametrize(
    ("name", "share", "blocks"), [("Qwen/Qwen3.6-27B-FP8", 0.92, 939), ("Qwen/Qwen3.6-27B", 0.95, 556)]
)
def test_a_hybrid_model_starts_only_with_a_state_for_each_sequence(name: str, share: float, blocks: int) -> None:
    """vllm-project/recipes#831: "max_num_seqs (1024) exceeds available Mamba cache blocks (939)", of Qwen3.8-27B, which
    has the layers of Qwen3.6-27B."""
    model, gpu = models.known(name), gpus.get("RTX-PRO-6000")
    found = fit(model, gpu, share=share, context_length=32_768)
    assert 0.9 * blocks <= found.most_states <= 1.05 * blocks
    assert found.states == 1024
    assert not found.fits
    assert found.needed_gib > found.usable_gib
    assert fit(model, gpu, share=share, context_length=32_768, sequences=256).fits


def test_tokens_of_a_hybrid_model_are_kept_in_blocks_as_large_as_a_state() -> None:
    """The block of Qwen3.5-35B-A3B: 61.4 MiB of states in 30 layers, 2 KiB a token in each of 10: 1,056 tokens."""
    cache = fit(models.known("Qwen/Qwen3.5-35B-A3B"), gpus.get("H200")).cache
    assert cache.block == 1056
    assert cache.request(1) == cache.request(1056) < cache.request(1057)
    assert cache.fixed == 3 * 30 * 1056 * 2048, "three copies"

"""The memory of models by SGLang's own share against what it said at its start, as others published it."""

from dataclasses import replace

import pytest

from llmplatform.catalog import engines, gpus, models
from llmplatform.planning.fit import Fit, fit
from llmplatform.specs.engines import GpuUse

STARTS = [
    # https://github.com/ai-dynamo/aisimulate/pull/263: about 509,000 tokens.
    pytest.param("deepseek-ai/DeepSeek-R1", None, "H200", 8, 0.82, 509_000, id="R1, 8xH200"),
    # https://github.com/vllm-project/vllm/issues/21348, the FP8 weights.
    pytest.param("Qwen/Qwen3-235B-A22B", 1.0, "H100", 4, 0.93, 367_404, id="Qwen3-235B, 4xH100"),
]


def computed(model: str, bytes_per_parameter: float | None, gpu: str, size: int, share: float) -> Fit:
    shape = models.get(model)
    assert shape
    if bytes_per_parameter:
        shape = replace(shape, bytes_per_parameter=bytes_per_parameter)
    memory = engines.facts("sglang").memory
    return fit(shape, gpus.get(gpu), memory, GpuUse(share=share), tensor_parallel=size, context_length=32_768)


@pytest.mark.parametrize(("model", "bytes_per_parameter", "gpu", "size", "share", "tokens"), STARTS)
def test_the_cache_is_neither_smaller_than_promised_nor_much_larger(
    model: str, bytes_per_parameter: float | None, gpu: str, size: int, share: float, tokens: int
) -> None:
    ratio = computed(model, bytes_per_parameter, gpu, size, share).kv_tokens / tokens
    assert 0.9 <= ratio <= 1.0


def test_what_is_resident_before_the_weights_is_counted() -> None:
    """137.29 GB were free of an H200's 139.8 before eight of them loaded: github.com/sgl-project/sglang/pull/11716."""
    found = computed("deepseek-ai/DeepSeek-R1", None, "H200", 8, 0.88)
    assert found.overhead_gib >= (139.8 - 137.29) * 0.88

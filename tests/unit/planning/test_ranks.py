"""Data-parallel ranks of a replica: their GPUs, the weights that they share, their caches, and starts that others
published."""

from typing import Any

import pytest
from support.plans import SPOT_OF_FOUR, model_plan, stack

from llmplatform.catalog import engines, gpus, models
from llmplatform.catalog.gpus import GIB
from llmplatform.planning.ceilings import gpus_beside, room
from llmplatform.planning.fit import Fit, fit, model_fit
from llmplatform.planning.ranks import Ranks
from llmplatform.specs.engines import GpuUse
from llmplatform.specs.models import Model

EIGHT = gpus.get("H200")
DEEPSEEK = "deepseek-ai/DeepSeek-V3"


def model(source: str = DEEPSEEK, **settings: Any) -> Model:
    return Model.model_validate({"source": source, "pool": "gpu", **settings})


def computed(gpu: str = "H200", **settings: Any) -> Fit:
    return model_fit(model(**settings), gpus.get(gpu))


def test_weights_of_ranks_that_share_experts_take_what_the_engine_said() -> None:
    """One rank for each of eight H100, "Model loading took 5.44 GiB":
    https://github.com/antonai-work/vllm-deepep-v2-efa/blob/8073c4654ffcb6fa20d46220856c1ee113ea714e/docs/VALIDATION-WAVE11-CU12-NCCL-TEST.md
    """
    found = computed("H100", source="Qwen/Qwen3-30B-A3B-FP8", data_parallel=8, expert_parallel=True)
    assert found.weights_gib == pytest.approx(5.44, rel=0.01)


def test_starts_of_others_with_eight_ranks_fit() -> None:
    """Kimi-K2.5 on eight H20 of 143 GB, as large as an H200, vLLM 0.19.0 (pegainfer, documentation: "Kimi-K2 vLLM
    H20 Baseline"). DeepSeek-V3.2 on eight H200, two for a rank: https://github.com/LMCache/LMCache/pull/2521.
    """
    kimi: dict[str, Any] = {
        "source": "moonshotai/Kimi-K2.5",
        "context_length": 4096,
        "engine": {"kind": "vllm", "max_num_seqs": 256},
    }
    assert model_fit(model(**kimi, data_parallel=8, expert_parallel=True), EIGHT).fits
    assert computed(source="deepseek-ai/DeepSeek-V3.2", tensor_parallel=2, data_parallel=4, expert_parallel=True).fits


def test_a_start_that_crashed_does_not_fit() -> None:
    """Eight ranks of DeepSeek-V3.2, each on an H200: "TP1 + DP8 will crash on H200, as TP1 requires too much memory on
    each GPU" (https://github.com/LMCache/LMCache/pull/2521).
    """
    found = computed(source="deepseek-ai/DeepSeek-V3.2", data_parallel=8, expert_parallel=True)
    assert not found.fits


def test_each_rank_of_a_model_without_experts_has_all_of_it() -> None:
    one, four = (computed("A10G", source="Qwen/Qwen3-8B", data_parallel=number) for number in (1, 4))
    assert (four.weights_gib, four.overhead_gib) == (one.weights_gib, one.overhead_gib), "ranks do not meet"
    assert four.concurrency == 4 * one.concurrency
    assert four.fits == one.fits


def test_all_but_the_routed_experts_is_copied_to_each_rank() -> None:
    """DeepSeek-V3: 58 layers of 256 experts with three matrices of 7168 x 2048, in 8 bit."""
    routed = 58 * 256 * 3 * 7168 * 2048 / GIB
    one, eight = (computed(data_parallel=number, expert_parallel=number > 1) for number in (1, 8))
    assert one.weights_gib - eight.weights_gib == pytest.approx(routed * 7 / 8, rel=1e-4)


def test_vllm_spreads_experts_over_all_ranks_with_and_without_whole_ones_and_sglang_only_whole_ones() -> None:
    wanted: dict[str, Any] = {"source": "Qwen/Qwen3-235B-A22B", "tensor_parallel": 2, "data_parallel": 4}
    vllm = [computed(**wanted, expert_parallel=whole).weights_gib for whole in (False, True)]
    parts, whole = (
        computed(**wanted, engine={"kind": "sglang"}, expert_parallel=whole).weights_gib for whole in (False, True)
    )
    assert vllm[0] == vllm[1] == whole
    copied = computed(source="Qwen/Qwen3-235B-A22B", tensor_parallel=2).weights_gib
    assert parts == copied > 3 * whole


def test_experts_that_every_token_uses_are_on_every_gpu_where_vllm_spreads_tokens_over_a_ranks_gpus() -> None:
    parts, whole = (
        computed(tensor_parallel=2, data_parallel=4, expert_parallel=each).weights_gib for each in (False, True)
    )
    shared = 58 * 3 * 7168 * 2048 / GIB
    assert whole - parts == pytest.approx(shared / 2, rel=1e-3)


def test_a_rank_has_the_cache_of_a_server_of_its_gpus() -> None:
    one, four = (computed(tensor_parallel=2, data_parallel=number).cache for number in (1, 4))
    assert one == four


@pytest.mark.parametrize("ranks", [2, 8])
def test_the_buffers_of_experts_have_a_row_for_each_token_of_every_rank(ranks: int) -> None:
    """vLLM 0.33, wheel: fused_moe/experts/triton_moe.py, `workspace_shapes`, of all ranks' tokens less those of one,
    which the constants have."""
    shape, facts = models.known(DEEPSEEK), engines.facts("vllm").memory
    tokens, chosen, hidden, width = 8192, 8, 7168, 2048
    buffers = tokens * chosen * (max(width, hidden) + max(2 * width, hidden)) * 2 / GIB
    alone, together = (
        fit(shape, EIGHT, facts, GpuUse(share=0.92), ranks=Ranks(number=number, share_experts=True)).overhead_gib
        for number in (1, ranks)
    )
    assert together - alone >= (ranks - 1) * buffers
    assert together - alone <= (ranks - 1) * buffers * 1.3 + facts.communication_gib


def test_a_larger_batch_takes_more_and_a_smaller_one_less() -> None:
    eight: dict[str, Any] = {"data_parallel": 8, "expert_parallel": True}
    usual, large, small = (
        computed(**eight, engine={"kind": "vllm", "extra_args": [f"--max-num-batched-tokens={each}"]}).overhead_gib
        for each in ("8192", "16K", "2k")
    )
    assert usual == computed(**eight).overhead_gib, "the default of a large GPU"
    assert large - usual == pytest.approx((usual - computed().overhead_gib - 0.6) * 8 / 7, rel=1e-3)
    assert small < usual / 2


def test_sglang_divides_a_batch_by_its_ranks() -> None:
    one, eight = (computed(engine={"kind": "sglang"}, data_parallel=each, expert_parallel=each > 1) for each in (1, 8))
    assert eight.overhead_gib - one.overhead_gib == pytest.approx(engines.facts("sglang").memory.communication_gib)


def test_a_pod_has_the_gpus_of_all_ranks_and_their_share_of_the_node() -> None:
    four, one = model_plan(SPOT_OF_FOUR, data_parallel=4), model_plan(SPOT_OF_FOUR, tensor_parallel=4)
    assert (four.nodes, four.gpus) == (1, 4)
    assert (four.cpu_millicores, four.memory_mib, four.shm_mib) == (one.cpu_millicores, one.memory_mib, one.shm_mib)
    assert model_plan(SPOT_OF_FOUR, tensor_parallel=2, data_parallel=2).gpus == 4


def test_a_pool_has_room_for_whole_replicas() -> None:
    chat = {"source": "Qwen/Qwen3-8B", "pool": "gpu", "context_length": 8192, "tensor_parallel": 2, "data_parallel": 2}
    wanted = stack({"gpu": {**SPOT_OF_FOUR, "max": 3}}, {"chat": chat, "other": {**chat, "data_parallel": 1}})
    assert gpus_beside(wanted, "other") == 4
    assert room(wanted, "chat") == 2, "two of twelve GPUs are another model's"

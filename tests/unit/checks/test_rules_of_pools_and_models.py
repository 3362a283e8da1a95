"""What pools and models demand of one another: GPUs, disks, sizes, engines."""

from typing import Any

import pytest
from support.stack_settings import problems

from llmplatform.checks import parse
from llmplatform.specs import Stack

pytestmark = pytest.mark.usefixtures("on_a_day")


def test_weights_on_a_node_are_within_its_disk(raw: dict[str, Any]) -> None:
    raw["models"]["qwen3-8b"]["weights"] = {"cache": "node"}
    assert problems(raw) == []
    raw["models"]["qwen3-8b"]["weights"] = {"cache": "node", "size_gib": 380}
    assert problems(raw) == [], "450 GB of local disk, less an image: the root volume does not count"
    raw["pools"]["gpu"] |= {"instance_types": ["g6e.48xlarge"], "disk_gib": 200}
    raw["models"] = {
        "large": {
            "source": "Qwen/Qwen2.5-72B-Instruct",
            "pool": "gpu",
            "tensor_parallel": 8,
            "context_length": 8192,
            "weights": {"cache": "node"},
        }
    }
    assert problems(raw) == []
    raw["models"]["large"]["source"] = "mistralai/Mistral-Large-Instruct-2411"
    assert problems(raw) == [], "228 GiB on 7.6 TB of local disks"
    raw["pools"]["gpu"] |= {"instance_types": ["g4dn.xlarge"], "disk_gib": 500}
    raw["models"] = {"small": {"source": "Qwen/Qwen3-4B", "pool": "gpu", "context_length": 8192}}
    raw["models"]["small"]["weights"] = {"cache": "node", "size_gib": 200}
    assert [line.partition(":")[0] for line in problems(raw)] == ["models.small.weights.size_gib"], "125 GB"


def test_a_release_of_bottlerocket_may_end_in_digits(raw: dict[str, Any]) -> None:
    raw["pools"]["gpu"] |= {"image": "bottlerocket", "image_release": "1.65.0-91234567"}
    assert problems(raw) == [], "a commit is no day"


def test_a_pool_that_starts_from_zero_needs_the_autoscaler(raw: dict[str, Any]) -> None:
    raw["addons"]["cluster_autoscaler"] = {"enabled": False}
    assert problems(raw) == [
        (
            "pools.gpu.min: the pool starts from no node, and without cluster_autoscaler none is added; "
            "write 'min: 3', or set addons.cluster_autoscaler.enabled to true"
        )
    ]


def test_two_device_plugins_on_a_node_are_refused(raw: dict[str, Any]) -> None:
    raw["pools"]["rocket"] = {"instance_types": ["g6.2xlarge"], "max": 1, "image": "bottlerocket"}
    assert problems(raw) == [
        (
            "pools.rocket.image: Bottlerocket has a device plugin of its own, and pool 'gpu' needs the "
            "operator's, which would "
            "offer the GPUs here a second time; use one image for all GPU pools"
        )
    ]
    raw["pools"]["gpu"]["image"] = "bottlerocket"
    assert problems(raw) == []


def test_pool_zones_are_the_environments(raw: dict[str, Any]) -> None:
    raw["pools"]["gpu"]["zones"] = ["us-east-1c"]
    assert problems(raw) == [
        (
            "pools.gpu.zones[0]: 'us-east-1c' is not a zone of the environment; "
            "use 'us-east-1a' or 'us-east-1b', or add it to cloud.zones"
        )
    ]


@pytest.mark.parametrize(
    "label", ["nvidia.com/gpu", "node.kubernetes.io/x", "eks.amazonaws.com/x", "llmplatform.dev/pool"]
)
def test_labels_of_others_are_left_to_them(raw: dict[str, Any], label: str) -> None:
    raw["pools"]["gpu"]["labels"] = {label: "x"}
    domain = next(each for each in ("nvidia.com", "kubernetes.io", "amazonaws.com", "llmplatform.dev") if each in label)
    assert problems(raw) == [
        f"pools.gpu.labels.{label}: labels of {domain} are set by others; use a domain of your own, or none"
    ]


def test_a_model_that_needs_bfloat16_is_kept_off_a_t4(raw: dict[str, Any]) -> None:
    raw["pools"]["gpu"]["instance_types"] = ["g4dn.2xlarge"]
    raw["models"] = {"gemma": {"source": "google/gemma-3-1b-it", "pool": "gpu", "gated": True}}
    raw["secrets"] = {"huggingface_token": {"secure": "v1:x:y"}}
    assert problems(raw) == [
        (
            "models.gemma.pool: 'google/gemma-3-1b-it' needs bfloat16, which the T4 of pool 'gpu' does not compute; "
            "use a pool of newer GPUs, such as A10G or L4"
        )
    ]


def test_a_model_may_bring_its_own_shape(raw: dict[str, Any]) -> None:
    model = raw["models"]["qwen3-8b"]
    model["source"] = "example/unheard-of-1b"
    assert any("the catalog does not know" in line for line in problems(raw))
    model["shape"] = {
        "parameters_billion": 1.0,
        "layers": 16,
        "hidden_size": 2048,
        "attention_heads": 32,
        "kv_heads": 8,
        "head_dim": 64,
        "vocabulary": 128256,
        "context_length": 32768,
    }
    assert problems(raw) == []
    model["shape"]["layrs"] = 3
    assert problems(raw) == ["models.qwen3-8b.shape.layrs: unknown key 'layrs'; did you mean 'layers'?"]


def test_a_larger_pool_is_proposed_where_there_is_one(raw: dict[str, Any]) -> None:
    raw["pools"]["big"] = {"instance_types": ["g6e.2xlarge"], "max": 1}
    raw["models"]["qwen3-8b"]["context_length"] = 40960
    assert problems(raw)[0].endswith("set context_length to 18176, or use pool 'big'")


def test_more_gpus_are_proposed_where_the_node_has_them(raw: dict[str, Any]) -> None:
    raw["pools"]["gpu"]["instance_types"] = ["g5.12xlarge"]
    raw["models"]["qwen3-8b"]["context_length"] = 40960
    assert problems(raw)[0].endswith("set context_length to 18176, or set tensor_parallel to 2")


def test_the_remedies_for_a_model_that_does_not_fit_make_it_fit(raw: dict[str, Any]) -> None:
    raw["models"]["qwen3-8b"]["context_length"] = 17408
    assert problems(raw) == [], "the length that was proposed"


def test_a_pool_whose_nodes_are_too_small_for_two_replicas_counts_whole_nodes(raw: dict[str, Any]) -> None:
    raw["pools"]["gpu"] = {"instance_types": ["g5.12xlarge"], "max": 2}
    model = {"source": "microsoft/phi-4", "pool": "gpu", "context_length": 8192, "tensor_parallel": 2}
    raw["models"] = {"phi": {**model, "replicas": 4}}
    assert problems(raw) == [], "two replicas of two GPUs are on each node"
    raw["models"]["phi"]["replicas"] = 5
    assert [line.partition(":")[0] for line in problems(raw)] == ["pools.gpu.max"]


def test_a_thousand_models_are_read(raw: dict[str, Any]) -> None:
    model = raw["models"].pop("qwen3-8b")
    raw["pools"]["gpu"] |= {"instance_types": ["g5.48xlarge"], "max": 125}
    raw["models"] = {f"model-{number}": model for number in range(1000)}
    stack = parse(raw)
    assert isinstance(stack, Stack)
    assert len(stack.models) == 1000


def test_without_an_autoscaler_a_pool_has_the_nodes_that_stay(raw: dict[str, Any]) -> None:
    """kubernetes/autoscaler#525: no autoscaler adds nodes, and the pods wait for ever."""
    raw["addons"]["cluster_autoscaler"] = {"enabled": False}
    raw["pools"]["gpu"] |= {"capacity": "on_demand", "min": 1, "max": 3}
    raw["models"]["qwen3-8b"]["replicas"] = 3
    assert [line.partition(";")[0] for line in problems(raw)] == [
        "pools.gpu.min: the replicas of its models need 3 nodes, and without cluster_autoscaler it stays at 1"
    ]
    raw["pools"]["gpu"]["min"] = 3
    assert problems(raw) == []


def test_a_v100_runs_the_engine_that_has_kernels_for_it(raw: dict[str, Any]) -> None:
    """The wheel of vLLM 0.6.6.post1 has kernels for 7.0; the hub's Qwen3 it does not know."""
    raw["pools"]["gpu"] |= {"instance_types": ["p3.2xlarge"], "disk_gib": 200}
    model = {"source": "Qwen/Qwen2.5-3B-Instruct", "pool": "gpu", "context_length": 4096}
    raw["models"] = {"chat": {**model, "engine": {"version": "0.6.6.post1"}}}
    assert problems(raw) == []
    raw["models"] = {"chat": model}
    assert [line.partition(":")[0] for line in problems(raw)] == ["models.chat.pool"], "newer engines have none"


def test_quantized_weights_are_not_spread_where_their_groups_would_break(raw: dict[str, Any]) -> None:
    """vllm-project/vllm#13640: 29568 / 2 is no multiple of 128."""
    raw["pools"]["gpu"] |= {"instance_types": ["g6e.12xlarge"]}
    shape = {"parameters_billion": 72.7, "layers": 80, "hidden_size": 8192, "attention_heads": 64, "kv_heads": 8}
    shape |= {"head_dim": 128, "vocabulary": 152064, "context_length": 32768, "bytes_per_parameter": 0.52}
    model = {"source": "Qwen/Qwen2.5-VL-72B-Instruct-AWQ", "pool": "gpu", "context_length": 8192, "shape": shape}
    raw["models"] = {"seeing": model}
    (line,) = problems(raw)
    assert "set tensor_parallel" not in line, "it is not known whether they can be"
    model |= {"tensor_parallel": 2, "shape": {**shape, "intermediate_size": 29568, "quantization_group": 128}}
    assert any(line.startswith("models.seeing.tensor_parallel: ") for line in problems(raw))


def test_experts_in_blocks_of_8_bit_are_spread_only_where_no_block_breaks(raw: dict[str, Any]) -> None:
    """vllm-project/vllm#17569: 1536 / 8 = 192 "is not divisible by weight quantization block_n = 128"; its answer is
    --enable-expert-parallel."""
    raw["pools"]["gpu"] |= {"instance_types": ["p5.48xlarge"], "disk_gib": 1000}
    model = {"source": "Qwen/Qwen3-235B-A22B-FP8", "pool": "gpu", "tensor_parallel": 8, "context_length": 8192}
    raw["models"] = {"large": model}
    (line,) = problems(raw)
    assert line.startswith("models.large.tensor_parallel: ")
    assert line.endswith(
        "in groups of 128 weights, cannot be spread over 8 GPUs; use 1, 2 or 4, or set expert_parallel to true"
    )
    model["expert_parallel"] = True
    assert problems(raw) == []


def test_more_gpus_are_not_proposed_where_blocks_of_8_bit_would_break(raw: dict[str, Any]) -> None:
    raw["pools"]["gpu"] |= {"instance_types": ["g6.12xlarge"], "disk_gib": 300}
    raw["models"] = {"a": {"source": "Qwen/Qwen3-30B-A3B-FP8", "pool": "gpu", "context_length": 16384}}
    (line,) = problems(raw)
    assert line.endswith("set tensor_parallel to 2")
    raw["models"]["a"] |= {
        "tensor_parallel": 2,
        "context_length": 262144,
        "source": "Qwen/Qwen3-30B-A3B-Instruct-2507-FP8",
    }
    (line,) = problems(raw)
    assert "set tensor_parallel to" not in line, "768 / 4 = 192 is no multiple of 128"

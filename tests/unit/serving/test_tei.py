"""Text Embeddings Inference: its image by the GPU, its arguments, and what it does not have."""

from typing import Any

import pytest
from support.model_servers import container, pod, served
from support.plans import SPOT_FIRST, T4, model_plan

from llmplatform.catalog import engine_flags, engines
from llmplatform.checks import InvalidStack
from llmplatform.planning.fit import model_fit
from llmplatform.planning.models import ModelPlan
from llmplatform.serving.engines import server

WEIGHTS = "/models/huggingface/BAAI/bge-m3/main"
CPUS = {"instance_types": ["m7i.2xlarge"], "max": 2}
SHAPE = {
    "parameters_billion": 0.568,
    "layers": 24,
    "hidden_size": 1024,
    "attention_heads": 16,
    "kv_heads": 16,
    "head_dim": 64,
    "vocabulary": 250002,
    "context_length": 8192,
    "tied_embeddings": True,
    "bytes_per_parameter": 4,
}
BGE: dict[str, Any] = {"source": "BAAI/bge-m3", "shape": SHAPE, "context_length": None}
ON_CPUS: dict[str, Any] = {**BGE, "resources": {"cpu": 4, "memory_gib": 6}}


def plan(pool: dict[str, Any] = SPOT_FIRST, engine: dict[str, Any] | None = None, **settings: Any) -> ModelPlan:
    return model_plan(pool, engine={"kind": "tei", **(engine or {})}, **{**BGE, **settings})


def words(found: ModelPlan) -> tuple[str, ...]:
    return server(found, weights=WEIGHTS).arguments


@pytest.mark.parametrize(
    ("machine", "tag"),
    [
        ("g4dn.xlarge", "turing-1.9.3"),
        ("p4d.24xlarge", "1.9.3"),
        ("g5.2xlarge", "86-1.9.3"),
        ("g6.2xlarge", "89-1.9.3"),
        ("p5.48xlarge", "hopper-1.9.3"),
        ("p6-b200.48xlarge", "100-1.9.3"),
    ],
)
def test_each_gpu_has_an_image_of_its_own(machine: str, tag: str) -> None:
    found = plan({"instance_types": [machine], "max": 1})
    assert found.image == f"ghcr.io/huggingface/text-embeddings-inference:{tag}"


def test_without_a_gpu_the_image_is_that_for_cpus() -> None:
    found = model_plan(CPUS, engine={"kind": "tei"}, **ON_CPUS)
    assert found.image.endswith(":cpu-1.9.3")
    assert found.gpus == 0
    resources = container(served(CPUS, engine={"kind": "tei"}, **ON_CPUS))["resources"]
    assert "nvidia.com/gpu" not in {**resources["requests"], **resources["limits"]}


def test_a_gpu_that_no_image_is_for_is_refused() -> None:
    with pytest.raises(InvalidStack, match=r"tei 1\.9\.3 has no kernels for the B300"):
        plan({"instance_types": ["p6-b300.48xlarge"], "max": 1})


def test_it_listens_to_all_where_no_root_is_needed() -> None:
    found = words(plan())
    assert found[found.index("--hostname") + 1] == "0.0.0.0", "HOSTNAME is the pod's name"  # noqa: S104
    assert found[found.index("--port") + 1] == "8080"
    assert [port["containerPort"] for port in container(served(engine={"kind": "tei"}, **BGE))["ports"]] == [8080]


def test_the_settings_reach_the_command_line() -> None:
    engine = {
        "max_batch_tokens": 32768,
        "pooling": "cls",
        "dtype": "float32",
        "extra_args": ["--payload-limit=4000000"],
    }
    found = " ".join(words(plan(engine=engine)))
    assert f"--model-id {WEIGHTS} --served-model-name chat" in found
    assert "--max-batch-tokens 32768 --pooling cls --dtype float32 --payload-limit=4000000" in found


def test_every_flag_is_one_that_it_knows() -> None:
    engine = {"max_batch_tokens": 1000, "pooling": "mean", "dtype": "float16"}
    emitted = {word for word in words(plan(engine=engine)) if word.startswith("--")}
    assert emitted <= engine_flags.flags("tei", engines.facts("tei").release().version)


def test_it_finishes_its_answers_and_needs_no_python() -> None:
    found, times = pod(served(engine={"kind": "tei"}, **BGE)), plan().drain
    assert found["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"] == times.pre_stop
    assert found["initContainers"][0]["image"].startswith("docker.io/library/python:")
    assert [each["name"] for each in found["volumes"]] == ["weights", "shared-memory", "hydration"], "it writes nothing"


def test_it_keeps_no_cache_so_that_only_weights_and_a_batch_have_to_fit() -> None:
    found = plan(T4)
    assert found.pool.gpu
    fit = model_fit(found.spec, found.pool.gpu)
    assert fit.fits
    assert (fit.kv_tokens, fit.overhead_gib) == (0, 3.0)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (
            {"tensor_parallel": 2},
            "tensor_parallel: Text Embeddings Inference has no such setting; a replica uses one GPU",
        ),
        ({"context_length": 512}, "context_length: Text Embeddings Inference has no such setting"),
        ({"trust_remote_code": True}, "trust_remote_code: Text Embeddings Inference has no such setting"),
        ({"engine": {"extra_args": ["--max-num-seqs=4"]}}, "tei has no flag '--max-num-seqs'"),
        ({"engine": {"extra_args": ["--pooling=cls"]}}, "set engine.pooling"),
        ({"engine": {"env": {"HOSTNAME": "x"}}}, "the platform sets this variable"),
        ({"engine": {"version": "1.2.0"}}, "what tei 1.2.0 accepts is not on record"),
    ],
)
def test_what_it_does_not_have_is_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidStack) as found:
        plan({"instance_types": ["g5.12xlarge"], "max": 1}, **settings)
    assert says in str(found.value)


def test_memory_without_gpus_holds_the_weights_in_float32() -> None:
    small = {"cpu": 2, "memory_gib": 2}
    with pytest.raises(InvalidStack, match=r"2 GiB do not hold the weights of 'BAAI/bge-m3', which take 2\.1 without"):
        model_plan(
            CPUS, engine={"kind": "tei"}, **{**BGE, "shape": {**SHAPE, "bytes_per_parameter": 2}}, resources=small
        )

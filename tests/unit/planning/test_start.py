"""The phases of a server's start, against starts that others measured and published."""

from dataclasses import dataclass
from typing import Any

import pytest
from support.plans import SMALL, SPOT_FIRST, model_plan, pool_plans
from support.program import ROOT

from llmplatform.catalog import instance_types
from llmplatform.catalog.start_times import start_times
from llmplatform.checks import parse
from llmplatform.checks.files import read
from llmplatform.planning.models import ModelPlan, plan_models
from llmplatform.planning.pools import plan_pools
from llmplatform.planning.start import MARGIN, own_phases, start
from llmplatform.specs.mirrors import Mirrors
from llmplatform.specs.models import Model


@dataclass(frozen=True)
class Measured:
    """A start in public: from the container's start to serving."""

    source: str
    gib: float
    """What was loaded."""
    seconds: float


PUBLIC = (
    Measured("kaito-project/kaito#2325: vLLM 0.25.1, 27B, A100", 51.75, 74 + 21 + 62 + 195),
    Measured("vllm-project/vllm#47456: 0.24.0, 30B MoE in FP8, H100, to the first token", 30.5, 292.5),
    Measured("vllm-project/vllm#44881: 0.22.1, 35B MoE in NVFP4, RTX 5090", 21.82, 16 + 18 + 43 + 210),
    Measured("vllm-project/vllm#20264: 3B, with compiled kernels", 3.42, 59),
)


def seconds(plan: ModelPlan) -> dict[str, int]:
    return {phase.name: phase.seconds for phase in plan.start.phases}


@pytest.mark.parametrize("measured", PUBLIC, ids=lambda measured: measured.source)
def test_a_start_is_expected_to_take_no_less_than_others_measured(measured: Measured) -> None:
    shape = instance_types.get("aws", "p5.48xlarge")
    phases = own_phases(Model.model_validate(SMALL), shape, measured.gib)
    assert sum(phase.seconds for phase in phases) >= measured.seconds


def test_a_start_is_allowed_more_than_it_is_expected_to_take() -> None:
    for model in ("Qwen/Qwen3-8B", "Qwen/Qwen3-32B"):
        plan = model_plan({"instance_types": ["g6e.12xlarge"], "max": 1}, source=model, tensor_parallel=4)
        own = sum(phase.seconds for phase in plan.start.phases if phase.own)
        assert own * MARGIN <= plan.startup_seconds <= max(600, own * MARGIN + 60)


def test_shared_weights_are_downloaded_once_and_those_of_a_node_by_every_server() -> None:
    shared, node = model_plan(), model_plan(weights={"cache": "node"})
    weights = {plan.spec.weights.cache: plan.start.phases[2] for plan in (shared, node)}
    assert (weights["shared"].seconds, weights["node"].once_seconds) == (0, 0)
    assert weights["shared"].once_seconds == weights["node"].seconds > 15.3 * 2**30 / 105e6 - 1
    assert seconds(node)["load"] < seconds(shared)["load"], "a local disk is nearer than a file system"


def test_weights_in_a_bucket_do_not_cross_the_route_to_the_internet_and_those_in_a_claim_are_not_copied() -> None:
    bucket = model_plan(weights={"source": "s3://acme-models/qwen", "cache": "node"}).start.phases[2]
    assert 15.3 * 2**30 / 1e8 - 1 < bucket.seconds < 418
    assert "bucket" in bucket.how
    claim = model_plan(weights={"source": "pvc://weights/qwen"}).start.phases[2]
    assert (claim.seconds, claim.once_seconds) == (0, 0)
    elsewhere = {"source": "s3://acme-models/qwen", "buckets": {"region": "eu-west-1"}}
    hub, far = (model_plan(weights=each).start.phases[2] for each in ({}, elsewhere))
    assert far.once_seconds == hub.once_seconds
    named = {"source": "s3://acme-models/qwen", "buckets": {"region": "us-east-1"}, "cache": "node"}
    assert model_plan(weights=named).start.phases[2] == bucket, "the region of the stack, in words"


def test_a_node_and_its_image_are_no_part_of_what_the_server_is_allowed() -> None:
    plan = model_plan(SPOT_FIRST)
    parts = seconds(plan)
    assert parts["node"] + parts["image"] + plan.start.own_seconds == plan.start.new_node_seconds
    assert plan.start.ready_node_seconds == plan.start.new_node_seconds - parts["node"]
    assert plan.start.node_seconds >= 900 + parts["node"] + parts["image"], "the first group may be sold out"


@pytest.mark.parametrize(
    ("pool", "slower"),
    [
        ({"instance_types": ["g5.2xlarge"]}, False),
        ({"instance_types": ["g5.2xlarge"], "image": "bottlerocket"}, False),
        ({"instance_types": ["g5.2xlarge"], "image": "bottlerocket", "image_release": "1.43.0-deadbeef"}, True),
    ],
)
def test_nodes_that_fetch_in_parallel_have_an_image_sooner(pool: dict[str, Any], slower: bool) -> None:
    image = seconds(model_plan({"max": 2, **pool}))["image"]
    assert (image > seconds(model_plan())["image"]) is slower


def test_an_image_from_a_registry_of_the_region_does_not_cross_the_route_to_the_internet() -> None:
    """On Alibaba Cloud the route is 200 Mbit/s."""

    def image(registry: str) -> int:
        raw = read(ROOT / "Pulumi.dev-ack.yaml")
        raw["mirrors"]["images"] = {host: f"{registry}/{host}" for host in raw["mirrors"]["images"]}
        settings = parse(raw)
        (plan,) = plan_models(settings, plan_pools(settings))
        return seconds(plan)["image"]

    near, far = image("acme-registry-vpc.cn-hangzhou.cr.aliyuncs.com"), image("registry.example.cn")
    assert far == image("acme-registry.cn-hangzhou.cr.aliyuncs.com"), "its public address"
    assert far > 2 * near


@pytest.mark.parametrize(("region", "near"), [("us-east-1", True), ("eu-west-1", False)])
def test_ecr_of_another_region_is_far(region: str, near: bool) -> None:
    registry = f"111122223333.dkr.ecr.{region}.amazonaws.com"
    plan = model_plan()
    image = f"{registry}/vllm/vllm-openai:v1"
    found = start(plan.spec, plan.pool, image=image, mirrors=Mirrors(), stored_gib=1, loaded_gib=1)
    assert ("a registry of the region" in found.phases[1].how) is near


def test_every_figure_has_its_source() -> None:
    facts = start_times()
    figures = [each for table in type(facts).model_fields for each in getattr(facts, table).values()]
    assert len(figures) > 12
    assert all(len(each.source) > 20 and each.value > 0 for each in figures)
    assert set(facts.node) == {pool.shape.provider for pool in pool_plans()} | {"alicloud"}


def test_weights_in_an_image_are_fetched_with_it() -> None:
    engine = {"kind": "custom", "image": "registry.example.org/own:1", "without_metrics": True}
    plain = model_plan(engine=engine)
    with_weights = model_plan(engine=engine, weights={"cache": "image"})
    assert seconds(with_weights)["weights"] == 0
    assert seconds(with_weights)["image"] > 1.9 * seconds(plain)["image"]


def test_a_new_node_of_a_pool_that_fetches_images_before_fetches_all_of_them_at_once() -> None:
    def image(*, prepull: bool, others: int) -> tuple[int, int]:
        raw = read(ROOT / "Pulumi.dev.yaml")
        ((name, model),) = raw["models"].items()
        raw["pools"][model["pool"]].update(prepull=prepull, disk_gib=1000, max=8)
        other = {**model, "engine": {"kind": "sglang"}}
        raw["models"] |= {f"other-{at}": other for at in range(others)}
        settings = parse(raw)
        phase = next(plan for plan in plan_models(settings, plan_pools(settings)) if plan.name == name).start.phases[1]
        return phase.seconds, phase.ready_seconds

    own = image(prepull=False, others=0)[0]
    assert image(prepull=True, others=0) == (own, 0)
    assert image(prepull=False, others=1) == (own, own)
    assert image(prepull=True, others=2) == (2 * own, 0), "the others have one image"

"""What a platform's stack tells those who build on it, and how it is read."""

from collections.abc import Mapping
from typing import Any

import pytest
from existing_things import exported, told
from program import stack_config

from llmplatform.specs import AlicloudPlatformRef, AwsPlatformRef, InvalidStack, PlatformRef, parse, parse_platform_ref
from llmplatform.specs.section import Section

KINDS: Mapping[str, type[AwsPlatformRef] | type[AlicloudPlatformRef]] = {
    "dev": AwsPlatformRef,
    "dev-ack": AlicloudPlatformRef,
}


@pytest.mark.parametrize("stack", KINDS)
def test_the_program_exports_every_field_of_the_reference_and_no_other(stack: str) -> None:
    ref = exported(stack)
    assert set(ref) == set(KINDS[stack].model_fields)
    for part in ("network", "cluster", "platform"):
        section = KINDS[stack].model_fields[part].annotation
        assert isinstance(section, type)
        assert issubclass(section, Section)
        assert set(ref[part]) == set(section.model_fields), f"{part}: somebody would have to guess the rest"


@pytest.mark.parametrize("stack", KINDS)
def test_its_sections_make_a_stack_of_models_that_is_valid(stack: str) -> None:
    config = stack_config(stack)
    own = {key: config[f"llmplatform:{key}"] for key in ("environment", "models")}
    found = parse({**own, **parse_platform_ref(told(stack)).sections()})
    assert found.platform.kind == found.cluster.kind == found.network.kind == "existing"
    assert all(pool.existing for pool in found.pools.values()), "another stack's pools are used and not made"
    assert found.cloud == parse_platform_ref(told(stack)).cloud


@pytest.mark.parametrize("stack", KINDS)
def test_it_says_what_a_pod_must_know_of_a_gpu_node(stack: str) -> None:
    gpu = parse_platform_ref(told(stack)).nodes["gpu"]
    assert gpu.labels["llmplatform.dev/pool"] == "gpu"
    assert [taint.key for taint in gpu.taints] == ["nvidia.com/gpu"]
    assert (gpu.gpus, gpu.most > 0) == (1, True)


def test_reading_what_was_written_changes_nothing() -> None:
    ref = parse_platform_ref(told("dev"))
    assert parse_platform_ref(ref.model_dump(mode="json")) == ref


def test_where_nobody_scrapes_a_missing_namespace_is_not_taken_for_the_usual_one() -> None:
    assert parse_platform_ref(told("dev")).platform.monitoring_namespace is None, "the engine may leave out a null"


def problems(raw: Mapping[str, Any]) -> list[str]:
    try:
        found: PlatformRef = parse_platform_ref(raw)
    except InvalidStack as invalid:
        return [str(problem) for problem in invalid.problems]
    raise AssertionError(f"it was taken: {found}")


def test_another_form_of_the_output_is_refused_in_one_sentence() -> None:
    (line,) = problems({**told("dev"), "version": 2})
    assert line.startswith("version: 2 is not a form of PlatformRef that is known; give the output 'platform'")


def test_all_that_is_wrong_with_it_is_told_at_once() -> None:
    raw = told("dev")
    raw["cluster"] = {**raw["cluster"], "endpoint_url": "http://10.0.0.5"}
    raw["network"] = {**raw["network"], "vpc_id": "vpc-nonsense"}
    lines = problems(raw)
    assert [line.partition(":")[0] for line in lines] == ["network.vpc_id", "cluster.endpoint_url"]

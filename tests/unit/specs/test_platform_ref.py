"""The reference of a platform in its stack's output, and how it is read."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import pytest
from support.existing_things import exported, told
from support.program import stack_config

from llmplatform.checks import InvalidStack, parse, parse_platform_ref
from llmplatform.specs import AlicloudPlatformRef, AwsPlatformRef
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
        assert set(ref[part]) == set(section.model_fields), f"{part}: a reader would have to guess the rest"


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


def test_without_scraping_a_missing_namespace_is_not_taken_for_the_usual_one() -> None:
    assert parse_platform_ref(told("dev")).platform.monitoring_namespace is None, "the engine may leave out a null"


@pytest.mark.parametrize("stack", KINDS)
def test_a_newer_platform_is_read_by_programs_that_do_not_know_its_new_fields(stack: str) -> None:
    newer = grown(told(stack))
    assert newer != told(stack)
    assert parse_platform_ref(newer) == parse_platform_ref(told(stack)), "every reader would have to be updated first"


def grown(value: Any) -> Any:
    """A reference as a later llmplatform may tell it: each of its groups with a field more."""
    if isinstance(value, list):
        return [grown(each) for each in value]
    if not isinstance(value, dict):
        return value
    whole = {key: grown(each) for key, each in value.items()}
    by_name = not value or any(isinstance(each, str) and "." in key for key, each in value.items())
    return whole if by_name or set(value) & NAMED else {**whole, "of_a_later_version": {"more": [1]}}


NAMED = {"gpu", "research", "us-east-1a", "cn-hangzhou-j", "llmplatform.dev/pool", "llmplatform.dev/model-client"}
"""Keys of what is no group of fields, but values by name."""


def test_a_platform_of_a_form_that_is_not_known_yet_says_what_has_to_be_updated() -> None:
    assert lines_of({**told("dev"), "version": 2, "cluster": "in another form"}) == [
        "version: the platform's is 2, and this llmplatform reads up to 1; update llmplatform here"
    ]


@pytest.mark.parametrize("version", [None, 0, "one", {}])
def test_what_has_no_version_is_no_output_of_a_platform(version: object) -> None:
    (line,) = lines_of({**told("dev"), "version": version})
    assert line.startswith("version: ")
    assert line.endswith("; give the output 'platform' of a platform's stack")


@pytest.mark.parametrize("stack", KINDS)
@pytest.mark.parametrize("wrong", [None, "?", [], {}, 1.5, [{"a": 1}]], ids=repr)
def test_whatever_is_wrong_is_told_in_our_words_with_the_remedy(stack: str, wrong: object) -> None:
    found = dict.fromkeys(line for path in paths(told(stack)) for line in lines_of(with_value(stack, path, wrong)))
    assert len(found) > 10, "of most fields this is no value"
    assert not [line for line in found if not line.endswith(REMEDIES)]
    assert not [line for line in found if any(word in line for word in ("hould", "Input", " valid "))], (
        "pydantic's words"
    )


REMEDIES = (
    "; run `pulumi up` of the platform's stack, then give its output 'platform' again",
    "; give the output 'platform' of a platform's stack",
    "; update llmplatform here",
)


def with_value(stack: str, path: tuple[str, ...], value: object) -> dict[str, Any]:
    raw = deepcopy(told(stack))
    at: Any = raw
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return raw


def lines_of(raw: Mapping[str, Any]) -> list[str]:
    try:
        parse_platform_ref(raw)
    except InvalidStack as invalid:
        return [str(problem) for problem in invalid.problems]
    return []


def paths(value: Any) -> Iterator[tuple[str, ...]]:
    """The way to every value of a reference."""
    for key, each in value.items() if isinstance(value, dict) else ():
        yield (key,)
        yield from ((key, *rest) for rest in paths(each))


def test_all_that_is_wrong_with_it_is_told_at_once() -> None:
    raw = told("dev")
    raw["cluster"] = {**raw["cluster"], "endpoint_url": "http://10.0.0.5"}
    raw["network"] = {**raw["network"], "vpc_id": "vpc-nonsense"}
    lines = lines_of(raw)
    assert [line.partition(":")[0] for line in lines] == ["network.vpc_id", "cluster.endpoint_url"]

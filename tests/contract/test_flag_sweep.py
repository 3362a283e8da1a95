"""Each flag of an engine's command line, set once by a user: the container gets it, or the user reads what to set.

Nothing between the stack file and the pod loses one, and a value of the wrong type never gets that far.
"""

from collections.abc import Sequence

import pytest
from support.model_servers import container, served
from support.plans import SPOT_FIRST, model_plan

from llmplatform.catalog import engine_flags, engines
from llmplatform.checks import InvalidStack

FACTS = engines.facts("vllm")
VERSION = FACTS.release().version
KINDS = engine_flags.kinds("vllm", VERSION)
OWNED = FACTS.owned_flags
FREE = sorted(set(KINDS) - set(OWNED))
TYPED = [flag for flag in FREE if KINDS[flag] not in ("", "on", "switch")]


def written(flag: str) -> str:
    """The flag with a value of its type."""
    kind, _, choices = KINDS[flag].partition(" ")
    if FACTS.weights and flag == FACTS.weights.quantization_flag:
        return f"{flag}=fp8"
    values = {"whole": "2", "readable": "8k", "number": "0.5", "one-of": choices.partition(" ")[0], "": "/anything"}
    return flag if kind in ("on", "switch") else f"{flag}={values[kind]}"


def refused(arguments: Sequence[str]) -> list[str]:
    """What is said of each argument, in their order."""
    with pytest.raises(InvalidStack) as invalid:
        model_plan(engine={"extra_args": arguments})
    lines = [str(problem).partition("models.chat.engine.extra_args") for problem in invalid.value.problems]
    assert [rest.partition("]: ")[0] for _, _, rest in lines] == [f"[{index}" for index in range(len(arguments))]
    return [rest.partition("]: ")[2] for _, _, rest in lines]


def test_the_list_is_that_of_a_whole_command_line() -> None:
    assert len(KINDS) > 300
    assert len(FREE) > 250, "a platform that owns more takes settings away"
    assert len(TYPED) > 80


def test_every_free_flag_reaches_the_container_once_and_after_the_platforms_own() -> None:
    wanted = [written(flag) for flag in FREE]
    words = container(served(SPOT_FIRST, engine={"extra_args": wanted}))["args"]
    assert words[-len(wanted) :] == wanted
    given = [word.partition("=")[0] for word in words if word.startswith("--")]
    overruled = {flag for flag in given if given.count(flag) > 1}
    assert overruled <= set(FACTS.overridable), "the engine would take the last one without a word"


def test_every_other_flag_is_refused_with_what_to_do() -> None:
    ours = sorted(set(KINDS) & set(OWNED))
    lines = refused([written(flag) for flag in ours])
    assert lines == [f"'{flag}' is not for here; {OWNED[flag]}; remove it" for flag in ours]
    assert {*ours, *FREE} == set(KINDS), "a flag that is neither would be lost"


def test_a_value_of_another_type_is_refused() -> None:
    lines = refused([f"{flag}=~" for flag in TYPED])
    assert [line for line in lines if "'~' is not" not in line] == []


def test_a_switch_takes_no_value_and_is_turned_off_where_the_parser_can() -> None:
    switches = [flag for flag in FREE if KINDS[flag] in ("on", "switch")]
    lines = refused([f"{flag}=true" for flag in switches])
    assert [line for line in lines if "is a switch" not in line] == []
    off = [f"--no-{flag.removeprefix('--')}" for flag in switches if KINDS[flag] == "switch"]
    assert model_plan(engine={"extra_args": off}).spec.engine.extra_args == tuple(off)
    on = [f"--no-{flag.removeprefix('--')}" for flag in switches if KINDS[flag] == "on"]
    assert [line.partition("; ")[0] for line in refused(on)] == [f"vllm has no flag '{flag}'" for flag in on]

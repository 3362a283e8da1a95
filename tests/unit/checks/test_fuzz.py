"""A few stack files at random; `make fuzz` judges thousands."""

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import get_type_hints

import pytest
from support import stack_fuzz

from llmplatform.checks import InvalidStack, Problem, parse, rules
from llmplatform.checks.rules import OUR_MISTAKE
from llmplatform.checks.rules.rule import whole
from llmplatform.specs.stack import Stack


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_files_from_the_schema_are_refused_in_lines_or_accepted(seed: int, tmp_path: Path) -> None:
    wrong = [became for _, _, became in stack_fuzz.judged(seed, 60, tmp_path) if became not in stack_fuzz.RIGHT]
    assert not wrong, f"PYTHONPATH=tests python -m support.stack_fuzz --seed {seed} --files 60 --keep wrong"


def test_a_rule_that_fails_is_seen_and_hides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(stack: Stack) -> Iterator[Problem]:
        raise RuntimeError("generator raised StopIteration")

    def misspelt(stack: Stack) -> Iterator[Problem]:
        yield Problem(stack.pool, "of the field 'pools'", "a slip that a type checker sees")

    monkeypatch.setattr(rules, "PROBLEMS", (*rules.PROBLEMS, *whole(broken, misspelt)))
    raw = {each.removeprefix("llmplatform:"): value for each, value in stack_fuzz.document("dev")["config"].items()}
    raw["models"]["qwen3-8b"]["pool"] = "gpus"
    with pytest.raises(InvalidStack) as refusal:
        parse(raw)
    lines = str(refusal.value).splitlines()
    assert any("there is no pool 'gpus'" in line for line in lines)
    assert any(OUR_MISTAKE in line and "RuntimeError" in line for line in lines), "an error of ours is not swallowed"
    raw["environment"]["owner"] = 3
    with pytest.raises(InvalidStack) as refusal:
        parse(raw)
    lines = str(refusal.value).splitlines()
    for error in ("RuntimeError", "AttributeError"):
        assert any(OUR_MISTAKE in line and error in line for line in lines), "nor in a file that is wrong in itself"


def test_every_rule_is_asked() -> None:
    asked = {rule.judge for rule in (*rules.PROBLEMS, *rules.WARNINGS, *rules.ADVICE)}
    modules = [module for _, module in inspect.getmembers(rules, inspect.ismodule)]
    written = [
        each
        for module in modules
        for name, each in inspect.getmembers(module, inspect.isfunction)
        if each.__module__ == module.__name__ and not name.startswith("_")
        if get_type_hints(each) == {"stack": Stack, "return": Iterator[Problem]}
    ]
    assert len(written) > 100
    assert not [each.__name__ for each in written if each not in asked], "a rule that is in no tuple judges nothing"

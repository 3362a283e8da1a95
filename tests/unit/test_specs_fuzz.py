"""A few stack files at random; `make fuzz` judges thousands."""

from pathlib import Path

import pytest
import stack_fuzz

from llmplatform.checks import parse
from llmplatform.checks.problems import InvalidStack
from llmplatform.checks.rules import OUR_MISTAKE, RULES
from llmplatform.specs.stack import Stack


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_files_from_the_schema_are_refused_in_lines_or_accepted(seed: int, tmp_path: Path) -> None:
    wrong = [became for _, _, became in stack_fuzz.judged(seed, 60, tmp_path) if became not in stack_fuzz.RIGHT]
    assert not wrong, f"python tests/stack_fuzz.py --seed {seed} --files 60 --keep wrong"


def test_a_rule_that_fails_is_seen_and_hides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(stack: Stack) -> None:
        raise RuntimeError("generator raised StopIteration")

    monkeypatch.setitem(RULES, broken, "")  # pyright: ignore[reportArgumentType]
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
    assert any(OUR_MISTAKE in line for line in str(refusal.value).splitlines()), "nor in a file that is wrong in itself"

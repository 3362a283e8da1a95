"""What is said of the time that a start is allowed."""

from typing import Any

import pytest

from llmplatform.checks import parse, warnings

pytestmark = pytest.mark.usefixtures("on_a_day")


def test_a_time_that_is_shorter_than_the_start_is_warned_of(raw: dict[str, Any]) -> None:
    def said() -> list[str]:
        return [str(each) for each in warnings(parse(raw)) if each.path.endswith("startup_minutes")]

    raw["models"]["qwen3-8b"]["startup_minutes"] = 7
    assert said() == [
        (
            "models.qwen3-8b.startup_minutes: 7 minutes are less than the 421 s that its start is expected to take "
            "(boot 100 s, load 51 s, compile 270 s): it would be ended, and start anew without end; "
            "write 8 or more, or remove it"
        )
    ]
    raw["models"]["qwen3-8b"]["startup_minutes"] = 8
    assert said() == []

"""Kills of the stacks on Alibaba Cloud: ten moments of the twenty that every run of the tests looks at."""

from pathlib import Path

import pytest
from support.sandboxes import killed

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(killed.TIMEOUT)]


@pytest.mark.parametrize(
    ("stack", "kills", "phases"),
    [("dev-ack", 6, ("up", "change", "down")), ("prod-ack", 4, ("up", "down"))],
)
def test_a_stack_survives_kills_at_any_moment(tmp_path: Path, stack: str, kills: int, phases: tuple[str, ...]) -> None:
    killed.survives(tmp_path, stack, kills, phases)

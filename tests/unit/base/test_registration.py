"""What is kept of the call stack with every resource."""

import sys
import traceback
from pathlib import Path

import pytest
from support.program import ROOT, committed

from llmplatform.base import PlatformComponent
from llmplatform.base.registration import short_stack_traces
from llmplatform.testing import RecordingEngine


def deep(levels: int) -> PlatformComponent:
    return deep(levels - 1) if levels else PlatformComponent("test:index:Thing", "thing", None)


def test_a_state_keeps_the_two_lines_that_made_a_resource() -> None:
    with_whole = RecordingEngine().run(lambda: deep(20)).named("thing")

    def program() -> None:
        with short_stack_traces():
            deep(20)

    with_short = RecordingEngine().run(program).named("thing")
    assert len(with_whole.stack_trace) > 20, "the SDK sends them all"
    assert 1 <= len(with_short.stack_trace) <= 4
    assert set(with_short.stack_trace) == {Path(__file__).as_uri()}


@pytest.mark.parametrize("stack", ["dev", "dev-ack"])
def test_every_resource_says_which_line_of_ours_made_it(stack: str) -> None:
    ours = (ROOT.as_uri() + "/infra", ROOT.as_uri() + "/components")
    registered = committed(stack).registered
    # Above a provider the SDK shows one of its own lines.
    registered = [each for each in registered if not each.type.startswith("pulumi:providers:")]
    wrong = [each.urn for each in registered if not each.stack_trace or not each.stack_trace[0].startswith(ours)]
    assert not wrong
    assert max(len(each.stack_trace) for each in registered) <= 4, "more is kept, and written at every step"


def test_an_error_is_printed_with_its_whole_stack() -> None:
    def fail(levels: int) -> None:
        if levels:
            fail(levels - 1)
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong") as caught, short_stack_traces():
        fail(20)
    assert len(traceback.extract_tb(caught.value.__traceback__)) > 20
    assert not hasattr(sys, "tracebacklimit")

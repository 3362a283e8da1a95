"""How a program registers thousands of resources without the SDK's time growing faster than their number.

docs/benchmarks.md has the figures.
"""

import asyncio
import gc
import sys
from collections.abc import Generator
from contextlib import contextmanager

import pulumi

_OF_THE_SDK = 6
"""Calls between the line that makes a resource and the SDK's look at the stack."""


@contextmanager
def quick_registration() -> Generator[None]:
    """Within it a program makes all its resources.

    They live to the program's end: a collector that runs as often as by default only goes through them again and again.
    """
    gc.set_threshold(100_000)
    with short_stack_traces():
        yield


@contextmanager
def short_stack_traces(frames: int = 2) -> Generator[None]:
    """Within it a resource is registered with the innermost `frames` lines of those that led to it.

    Otherwise the SDK sends the whole call stack, which grows with the depth of the components; an engine whose state
    lies in a folder or a bucket writes all of it at every step.
    An exception that leaves the block is still printed with its whole stack.
    """
    before = getattr(sys, "tracebacklimit", None)
    sys.tracebacklimit = _OF_THE_SDK + frames
    try:
        yield
    finally:
        if before is None:
            del sys.tracebacklimit
        else:
            sys.tracebacklimit = before


def export(outputs: pulumi.Inputs) -> None:
    """The stack's outputs, after every registration has begun: only then does the SDK wait for registrations.

    Before, it waits for all properties at once, and again for all of them whenever one is known: a time that grows with
    the square of the number of resources.
    """

    async def begun() -> pulumi.Inputs:
        await asyncio.sleep(0)
        return outputs

    pulumi.run(begun)

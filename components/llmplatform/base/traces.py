"""How much of the call stack is kept with every resource."""

import sys
from collections.abc import Generator
from contextlib import contextmanager

_OF_THE_SDK = 6
"""Calls between the line that makes a resource and the SDK's look at the stack."""


@contextmanager
def short_stack_traces(frames: int = 2) -> Generator[None]:
    """Within it a resource is registered with the innermost `frames` lines of those that led to it.

    Otherwise the SDK sends the whole call stack, which grows with the depth of the components; an engine whose state
    lies in a folder or a bucket writes all of it at every step. docs/benchmarks.md has the figures.
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

"""Faults that must not delay other resources: they are reported, and fail the program at its end.

An error that reaches a registration, including a component's outputs, ends the program while other registrations are
unfinished (`wait_for_rpcs`, pulumi/pulumi, sdk/python/lib/pulumi/runtime/stack.py); an unused one is raised later.
The engine deletes nothing after a program that failed (pkg/resource/deploy/deployment_executor.go, `Execute`).
"""

from collections.abc import Sequence

import pulumi


def fail_at_the_end(*pools: pulumi.Output[Sequence[str]]) -> None:
    """Fail the program with all faults of its pools, at its end: nothing waits for the remedy."""
    pulumi.Output.all(*pools).apply(_raise)


def _raise(pools: Sequence[Sequence[str]]) -> None:
    lines = [line for faults in pools for line in faults]
    if lines:
        raise pulumi.RunError("\n".join(lines))

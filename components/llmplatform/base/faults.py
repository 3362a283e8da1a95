"""What is broken and must hold up nothing: it is said, and fails the program, when all else is done.

An error that reaches a registration, a component's outputs among them, ends the program with others still on their way
(`wait_for_rpcs`, pulumi/pulumi, sdk/python/lib/pulumi/runtime/stack.py); one that nobody uses is raised after all.
The engine deletes nothing after a program that failed (pkg/resource/deploy/deployment_executor.go, `Execute`).
"""

from collections.abc import Sequence

import pulumi


def fail_at_the_end(*pools: pulumi.Output[Sequence[str]]) -> None:
    """Fail the program with all faults of its pools, once all else is done: nothing waits for the remedy."""
    pulumi.Output.all(*pools).apply(_raise)


def _raise(pools: Sequence[Sequence[str]]) -> None:
    lines = [line for faults in pools for line in faults]
    if lines:
        raise pulumi.RunError("\n".join(lines))

"""Generated passwords that can be rotated while clients use them.

Several are valid at once. A rotation generates one of them anew and leaves the others, so that clients with the
password before it are served until they have the new one.
"""

from dataclasses import dataclass

import pulumi
import pulumi_random as random


@dataclass(frozen=True, kw_only=True)
class Passwords:
    """Passwords that a server accepts."""

    current: pulumi.Output[str]
    """The one for clients."""
    valid: tuple[pulumi.Output[str], ...]
    """All of them, in an order that no rotation changes."""


def rotated(
    name: str, version: int, opts: pulumi.ResourceOptions, *, valid: int = 2, following: bool = False
) -> Passwords:
    """Passwords of a version and of those before it, `valid` in all.

    Version n + 1 generates one of them and takes another for clients. `following`: the one after is among them, for a
    server that learns of a new password later than its clients do.
    """
    newest = version + following

    def of(slot: int) -> pulumi.Output[str]:
        made = random.RandomPassword(
            f"{name}-{'abc'[slot]}",
            # Alibaba Cloud takes at most 32 characters, of three kinds at least; AWS at least 16.
            length=32,
            special=False,
            min_lower=1,
            min_upper=1,
            min_numeric=1,
            keepers={"version": str(newest - (newest - slot) % valid)},
            opts=opts,
        )
        return pulumi.Output.secret(made.result)

    made = tuple(of(slot) for slot in range(valid))
    return Passwords(current=made[version % valid], valid=made)

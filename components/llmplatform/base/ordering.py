"""Dependencies that data flow does not show, as part of a value, so that every user of the value has them.

And dependencies that data flow would add needlessly.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, TypeVar

import pulumi

T = TypeVar("T")


def after(value: pulumi.Input[T], *resources: pulumi.Resource) -> pulumi.Output[T]:
    """The same value, whose users are created after the resources and deleted before them.

    It depends on the URNs of the resources, which a preview knows even for a resource that it replaces: any other
    property would make the value unknown there, and every user of it would look replaced as well.
    A component stands for all its children.
    """

    def first(found: Sequence[Any]) -> T:
        return found[0]

    return pulumi.Output.all(value, *(resource.urn for resource in resources)).apply(first)


def if_made(value: pulumi.Output[T]) -> pulumi.Output[T | None]:
    """The same value, or None if its source has failed in this update: its users are created all the same.

    The engine skips each resource that depends on one that failed (pulumi/pulumi, pkg/resource/deploy), and the values
    of a failed one are unknown to the program (sdk/python/lib/pulumi/runtime/resource.py, `result_failed`).
    So its users are no longer deleted before it, either.
    """

    async def known() -> bool:
        return not pulumi.runtime.is_dry_run() or await value.is_known()

    return pulumi.Output(set(), asyncio.ensure_future(value.future()), asyncio.ensure_future(known()))


def as_far_as_known(value: pulumi.Output[T]) -> pulumi.Output[T | None]:
    """The same value, or None while it is unknown: in a preview before its creation, in an update if that failed.

    Functions applied to it always run, so they may decide about registrations, and show in a preview.
    """
    always = asyncio.get_event_loop().create_future()
    always.set_result(True)
    return pulumi.Output(set(), asyncio.ensure_future(value.future()), always)

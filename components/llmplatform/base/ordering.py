"""Order that data flow alone does not show, carried by a value so that nobody who uses the value can forget it."""

from collections.abc import Sequence
from typing import Any, TypeVar

import pulumi

T = TypeVar("T")


def after(value: pulumi.Input[T], *resources: pulumi.Resource) -> pulumi.Output[T]:
    """The same value, whose users are created after the resources and deleted before them.

    It leans on the URNs of the resources, which a preview knows even of a resource that it replaces: any other property
    would make the value unknown there, and every user of it would look as if it were replaced as well.
    A component stands for all its children.
    """

    def first(found: Sequence[Any]) -> T:
        return found[0]

    return pulumi.Output.all(value, *(resource.urn for resource in resources)).apply(first)

"""Under which URNs a running stack may know what a program registers: the one it has now, and those of its aliases.

As the engine derives them (pulumi/pulumi, pkg/resource/deploy: aliases and inherited aliases), but for every alias of a
parent, where the engine knows which one the stack has.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol


class Known(Protocol):
    """A registration, as far as its names go."""

    @property
    def urn(self) -> str:
        """Its URN now."""
        ...

    @property
    def parent(self) -> str:
        """URN of its parent; empty for none."""
        ...

    @property
    def aliases(self) -> tuple[str, ...]:
        """Former URNs, as far as the registration gives them itself."""
        ...


@dataclass(frozen=True, kw_only=True)
class Urn:
    """The parts of `urn:pulumi:STACK::PROJECT::PARENT_TYPE$TYPE::NAME`."""

    stack: str
    project: str
    parent: str
    """Type of the parent, empty for none."""
    type: str
    name: str

    @classmethod
    def read(cls, text: str) -> "Urn":
        """Parse `urn:pulumi:…`."""
        stack, project, types, name = text.removeprefix("urn:pulumi:").split("::", 3)
        parent, _, type_ = types.rpartition("$")
        return cls(stack=stack, project=project, parent=parent, type=type_, name=name)

    def __str__(self) -> str:
        types = f"{self.parent}${self.type}" if self.parent else self.type
        return f"urn:pulumi:{self.stack}::{self.project}::{types}::{self.name}"


def alias_urn(alias: Any, urn: str) -> str:
    """The URN that an alias of a registration stands for: what it leaves out is as it is now."""
    if alias.urn:
        return str(alias.urn)
    now, spec = Urn.read(urn), alias.spec
    parent = "" if spec.noParent else Urn.read(spec.parentUrn).type if spec.parentUrn else now.parent
    return str(
        Urn(
            stack=spec.stack or now.stack,
            project=spec.project or now.project,
            parent=parent,
            type=spec.type or now.type,
            name=spec.name or now.name,
        )
    )


def known_as(registered: Sequence[Known]) -> set[str]:
    """Every URN that a stack may have for what is registered. A parent is registered before its children."""
    names: dict[str, set[str]] = {}
    for one in registered:
        own = {one.urn, *one.aliases}
        former = names.get(one.parent, set()) - {one.parent}
        names[one.urn] = own | {_under(parent, urn, one.parent) for parent in former for urn in own}
    return set[str]().union(*names.values())


def _under(parent: str, child: str, parent_now: str) -> str:
    """A child's URN under a former URN of its parent."""
    before, now, inner = Urn.read(parent), Urn.read(parent_now), Urn.read(child)
    # The engine takes a child to be named after its parent where its name begins so.
    name = before.name + inner.name.removeprefix(now.name) if inner.name.startswith(now.name) else inner.name
    return str(replace(inner, stack=before.stack, project=before.project, parent=before.type, name=name))

"""One registration, as an engine sees it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Properties = dict[str, Any]
Computed = Mapping[str, Any] | Callable[["Registered"], Mapping[str, Any]]
"""What a cloud adds to a resource's inputs: a constant, or a function of the registration."""


@dataclass(frozen=True, kw_only=True)
class Registered:
    """One registration, as an engine sees it."""

    type: str
    """Token, such as `aws:ec2/vpc:Vpc`."""
    name: str
    """Name within the program, not the cloud's."""
    urn: str
    """URN: stack, project, types of the parents, type and name."""
    parent: str
    """URN of the parent."""
    inputs: Properties
    """Properties, secrets unwrapped."""
    secrets: frozenset[str]
    """Top-level properties that hold a secret."""
    custom: bool
    """False for a component."""
    dependencies: frozenset[str]
    """URNs that it waits for: those in `depends_on` and those whose outputs it uses."""
    protect: bool
    """Whether deleting it is refused."""
    ignore_changes: tuple[str, ...]
    """Properties whose changes are ignored."""
    retain_on_delete: bool
    """Whether the cloud keeps it when the stack gives it up."""
    deleted_with: str
    """URN of the resource with which it goes; empty for none."""
    delete_before_replace: bool
    """Whether a replacement is made only after the old one is gone."""
    provider: str
    """Reference of the provider; empty when none was given."""
    aliases: tuple[str, ...] = ()
    """URNs, as far as the registration gives them itself."""
    secret_outputs: tuple[str, ...] = ()
    """Computed properties that are kept encrypted."""
    waits: tuple[str, ...] = ()
    """How long its creation and its update may take; empty where that is left to the provider."""
    ends: str = ""
    """How long its deletion may take; empty where that is left to the provider."""
    stack_trace: tuple[str, ...] = ()
    """The lines that led to it, innermost first: paths as URIs."""

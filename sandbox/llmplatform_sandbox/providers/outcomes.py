"""Inputs and results of a provider's hooks beside plain values: naming, failures, errors."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal


class ProviderError(Exception):
    """A refused request: the message goes to the user unchanged. Nothing was created."""


class InitFailed(Exception):
    """A resource that exists but did not become ready."""

    def __init__(
        self, id_: str, state: Mapping[str, Any], reasons: Sequence[str], inputs: Mapping[str, Any] | None = None
    ) -> None:
        """`inputs` only when raised by a read."""
        super().__init__(f"{id_} exists, but did not become ready: {'; '.join(reasons)}")
        self.id = id_
        self.state = state
        self.reasons = reasons
        self.inputs = inputs


@dataclass(frozen=True)
class Failure:
    """An input that Check refuses."""

    property: str
    """Property path; empty for the resource as a whole."""
    reason: str


@dataclass(frozen=True, kw_only=True)
class Autonaming:
    """Autonaming of a resource without a name in the program."""

    name: str
    """The resource's name in the program."""
    urn: str
    proposed: str | None = None
    """The engine's proposal from the project's autonaming setting. It changes at every Check: prefer the old name."""
    mode: Literal["propose", "enforce", "disable"] = "propose"

    def pick(self, old: str | None, *, hex_chars: int = 8) -> str | None:
        """The name to use: the old one, the proposal, or `<name>-<random hex>`; None if naming is disabled."""
        if old:
            return old
        if self.mode == "disable":
            return None
        return self.proposed or f"{self.name}-{secrets.token_hex(hex_chars)[:hex_chars]}"

"""Kubernetes minors of a cluster, and their upgrades."""

from collections.abc import Mapping, Sequence
from typing import Any

from llmplatform_sandbox.cloud.requests import CloudError


def other_minor(inputs: Mapping[str, Any], minors: Sequence[str]) -> Sequence[tuple[str, str]]:
    """The fault of a version that the sandbox cannot run."""
    version = inputs.get("version")
    if isinstance(version, str) and version not in minors:
        return [("version", f"{version}: {cannot(minors)}")]
    return []


def cannot(minors: Sequence[str]) -> str:
    """The supported versions."""
    reach = f"{minors[0]} to {minors[-1]}" if len(minors) > 1 else minors[-1]
    return f"the sandbox runs Kubernetes {reach}; write {minors[-1]}, or try this version on a real account"


def number(minor: str) -> int:
    """35 of `1.35`, or of any text with that prefix."""
    return int(minor.split(".")[1])


def refuse_leap(old: str, new: str, code: str) -> None:
    """Raises CloudError unless a control plane may be upgraded from one minor to the other: only to the next one."""
    if number(new) < number(old):
        raise CloudError(f"{code} from {old} to {new}: a control plane never goes back; write {old}")
    if number(new) > number(old) + 1:
        raise CloudError(f"{code} from {old} to {new}: go minor by minor; write 1.{number(old) + 1} first")

"""Kubernetes minors of a cluster: which there can be, and which may follow which."""

from collections.abc import Mapping, Sequence
from typing import Any

from llmplatform_sandbox.cloud.requests import CloudError


def other_minor(inputs: Mapping[str, Any], minors: Sequence[str]) -> Sequence[tuple[str, str]]:
    """What is wrong with a version that the sandbox cannot be."""
    version = inputs.get("version")
    if isinstance(version, str) and version not in minors:
        return [("version", f"{version}: {cannot(minors)}")]
    return []


def cannot(minors: Sequence[str]) -> str:
    """Which versions there are instead."""
    reach = f"{minors[0]} to {minors[-1]}" if len(minors) > 1 else minors[-1]
    return f"the sandbox runs Kubernetes {reach}; write {minors[-1]}, or try this version on a real account"


def number(minor: str) -> int:
    """35 of `1.35`, or of anything that begins so."""
    return int(minor.split(".")[1])


def refuse_leap(old: str, new: str, code: str) -> None:
    """Raises CloudError unless a control plane may go from one minor to the other: to the next one alone."""
    if number(new) < number(old):
        raise CloudError(f"{code} from {old} to {new}: a control plane never goes back; write {old}")
    if number(new) > number(old) + 1:
        raise CloudError(f"{code} from {old} to {new}: go minor by minor; write 1.{number(old) + 1} first")

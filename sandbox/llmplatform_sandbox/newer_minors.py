"""Kubernetes minors that clouds offer and that the sandbox cannot run yet: planned without a control plane."""

from pathlib import Path
from typing import Any, cast

import yaml

from llmplatform.catalog.versions import ACK, EKS
from llmplatform_sandbox.controlplane import KUBERNETES_MINOR, KUBERNETES_MINORS


def newer(stack_file: Path) -> str:
    """What to know of a plan whose cluster is of such a minor: a sentence, empty where it is not."""
    try:
        content: dict[str, Any] = yaml.safe_load(stack_file.read_text(encoding="utf-8-sig")) or {}
        section = cast(dict[str, Any], content["config"]["llmplatform:cluster"])
        wanted = str(section["kubernetes_version"])
        number = _number(wanted)
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError, IndexError):
        return ""  # Another project, or a file that others complain of.
    if number <= _number(KUBERNETES_MINOR):
        return ""
    return f"Kubernetes {wanted}: planned, though the sandbox ends at {KUBERNETES_MINOR} and `sandbox up` refuses it"


def _number(minor: str) -> int:
    return int(minor.split(".")[1])


PLANNED_MINORS = tuple(sorted({*KUBERNETES_MINORS, *(EKS.keys() & ACK.keys())}, key=_number))
"""Those that a plan may name, the newest last."""

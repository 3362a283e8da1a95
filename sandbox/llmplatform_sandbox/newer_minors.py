"""Kubernetes minors that clouds offer and the sandbox cannot run: they are planned without a control plane."""

from pathlib import Path

from llmplatform_sandbox.cloud.alicloud import offered
from llmplatform_sandbox.controlplane import KUBERNETES_MINOR, KUBERNETES_MINORS
from llmplatform_sandbox.stack_settings import setting


def newer(stack_file: Path) -> str:
    """The note on a plan whose cluster has such a minor; empty if it has not."""
    wanted = setting(stack_file, "cluster", "kubernetes_version")
    if wanted not in PLANNED_MINORS or wanted in KUBERNETES_MINORS:
        return ""
    return f"Kubernetes {wanted}: planned, though the sandbox ends at {KUBERNETES_MINOR} and `sandbox up` refuses it"


def _number(minor: str) -> int:
    return int(minor.split(".")[1])


PLANNED_MINORS = tuple(sorted({*KUBERNETES_MINORS, *offered.versions()}, key=_number))
"""Minors that a plan may name, the newest last."""

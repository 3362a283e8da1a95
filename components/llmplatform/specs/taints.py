"""Taints of nodes, and the tolerations of pods, in Kubernetes' spelling."""

from typing import Literal

from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.names import LabelKey, LabelValue

Effect = Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]

GPU_TAINT = "nvidia.com/gpu"
"""Key of the taint that tools put on nodes with GPUs, each with its own value. Models tolerate it by default."""


class Taint(Section):
    """A taint of a pool's nodes. It keeps out pods that do not tolerate it."""

    key: LabelKey
    """Key, e.g. `team` or `example.org/team`."""
    value: LabelValue = ""
    """Value, for a toleration to match."""
    effect: Effect = "NoSchedule"
    """`NoSchedule` admits no new pods, `NoExecute` also evicts running ones, `PreferNoSchedule` is a preference."""

    @property
    def keeps_away(self) -> bool:
        """Whether a pod without a toleration cannot run there."""
        return self.effect != "PreferNoSchedule"

    @property
    def toleration(self) -> dict[str, str]:
        """The toleration that matches it alone.

        The API server leaves an empty value out (k8s.io/api core/v1, Toleration: omitempty): written, it would be a
        change in every update.
        """
        value = {"value": self.value} if self.value else {}
        return {"key": self.key, "operator": "Equal", **value, "effect": self.effect}


class Toleration(Section):
    """A taint that pods tolerate."""

    key: LabelKey
    """Key of the taint."""
    value: LabelValue | None = None
    """Its value. Empty: any."""
    effect: Effect | None = None
    """Its effect. Empty: each."""

    def bears(self, taint: Taint) -> bool:
        """Whether it matches the taint. Source: Kubernetes, "Taints and Tolerations"."""
        return self.key == taint.key and self.value in (None, taint.value) and self.effect in (None, taint.effect)

"""Taints of nodes, and the tolerations with which a pod bears them, in Kubernetes' spelling."""

from typing import Literal

from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.names import LabelKey, LabelValue

Effect = Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]

GPU_TAINT = "nvidia.com/gpu"
"""Key of the taint that every tool puts on nodes with GPUs, each with a value of its own. Models bear it unasked."""


class Taint(Section):
    """A taint of a pool's nodes: pods that do not tolerate it stay away."""

    key: LabelKey
    """Its name, e.g. `team` or `example.org/team`."""
    value: LabelValue = ""
    """Its value, which a toleration may ask for."""
    effect: Effect = "NoSchedule"
    """`NoSchedule` takes no new pods, `NoExecute` evicts those that run, too; `PreferNoSchedule` is a wish."""

    @property
    def keeps_away(self) -> bool:
        """Whether a pod that does not tolerate it cannot run there."""
        return self.effect != "PreferNoSchedule"


class Toleration(Section):
    """A taint that pods bear."""

    key: LabelKey
    """Name of the taint."""
    value: LabelValue | None = None
    """Its value. Empty: any."""
    effect: Effect | None = None
    """Its effect. Empty: each."""

    def bears(self, taint: Taint) -> bool:
        """Whether it is about that taint. Source: Kubernetes, "Taints and Tolerations", when the two match."""
        return self.key == taint.key and self.value in (None, taint.value) and self.effect in (None, taint.effect)

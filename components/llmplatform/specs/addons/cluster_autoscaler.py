"""Scaling of node pools: cluster-autoscaler on EKS, ACK's own autoscaler on ACK."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from llmplatform.specs.capability import Capability
from llmplatform.specs.section import Section


class Autoscaling(Section):
    """Scale-down of idle nodes."""

    scale_down_minutes: Annotated[int, Field(ge=1, le=1440)] = 10
    """Idle time before a node is removed."""


class ClusterAutoscaler(Autoscaling, Capability):
    """Adds nodes for pods that do not fit, and removes idle nodes."""

    charts: ClassVar = ("cluster-autoscaler",)


class AckAutoscaler(Autoscaling):
    """ACK's own autoscaler, configured by the platform.

    ACK cannot switch it off again: give a pool of fixed size equal `min` and `max`. In an existing cluster its owner's
    configuration stays.
    """

    scaler: Literal["cluster-autoscaler", "goatscaler"] = "cluster-autoscaler"
    """`goatscaler` (instant scaling) is quicker, but has no priorities and does not see the stock of spot machines: use
    it only for on-demand pools."""

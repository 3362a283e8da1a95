"""Scaling of node pools: cluster-autoscaler on EKS, ACK's own autoscaler on ACK."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from llmplatform.specs.capability import Capability
from llmplatform.specs.section import Section


class Autoscaling(Section):
    """When nodes are removed that nobody needs."""

    scale_down_minutes: Annotated[int, Field(ge=1, le=1440)] = 10
    """How long a node is idle before it goes."""


class ClusterAutoscaler(Autoscaling, Capability):
    """Adds nodes for pods that do not fit, and removes idle nodes."""

    charts: ClassVar = ("cluster-autoscaler",)


class AckAutoscaler(Autoscaling):
    """ACK's own autoscaler, configured by the platform.

    ACK cannot switch it off again: a pool of a fixed size has a `min` that is its `max`. In an existing cluster it
    stays as its owner configured it.
    """

    scaler: Literal["cluster-autoscaler", "goatscaler"] = "cluster-autoscaler"
    """`goatscaler` (instant scaling) is quicker, but knows no priorities and does not see what spot machines there
    are: it is for pools that are paid on demand."""

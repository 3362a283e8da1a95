"""Node pools: which machines, how many, and how they are paid for."""

from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary import AwsZone, InstanceTypeName, LabelKey, LabelValue

Capacity = Literal["on_demand", "spot", "spot_first"]


class Pool(Section):
    """Machines of one shape. Whether it is a GPU pool follows from the instance types."""

    instance_types: Annotated[tuple[InstanceTypeName, ...], Field(min_length=1)]
    """Tried together; all have the same GPUs, vCPUs and memory, because the autoscaler plans with one shape per
    pool."""
    capacity: Capacity = "on_demand"
    """`spot_first` makes a spot group and an on-demand group that pods cannot tell apart; the autoscaler fills the
    spot group while the cloud has spot machines."""
    min: NonNegativeInt = 0
    """Nodes that stay. GPU pools usually start from 0."""
    max: PositiveInt
    """Upper bound of nodes, of each group where there are two; the bound of the cost, too."""
    disk_gib: Annotated[int, Field(ge=20, le=16384)] = 200
    """Size of the encrypted root volume in GiB. An engine's image takes 25 to 30 GiB unpacked; GPU pools need 200
    or more."""
    image: Literal["al2023", "bottlerocket"] = "al2023"
    """Operating system of the nodes."""
    zones: tuple[AwsZone, ...] = ()
    """Zones to use, of the environment's. Empty: all of them."""
    labels: dict[LabelKey, LabelValue] = Field(default_factory=dict)
    """Node labels beside ours."""
    existing: bool = False
    """The pool is another stack's, in an existing cluster: models may use it, and nothing is made for it."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"min ({self.min}) is above max ({self.max}); raise max or lower min")
        return self

"""Common parts of chart values: each add-on models only the keys that it sets.

None has images or pull secrets: `base/images.py` sets those for every chart.
"""

from typing import Any, Self

import pulumi
from pydantic import AliasGenerator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Text = pulumi.Output[str] | str


class Values(BaseModel):
    """Values of a chart, or a part of them: only the keys that we set. None keeps the chart's default."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        alias_generator=AliasGenerator(serialization_alias=to_camel),
    )

    def dump(self) -> dict[str, Any]:
        """The values in the chart's spelling."""
        return self.model_dump(by_alias=True, exclude_none=True)


class Switch(Values):
    """A part of a chart that is on or off."""

    enabled: bool = True


class Resources(Values):
    """Requests and limits of a container."""

    requests: dict[str, str]
    limits: dict[str, str] | None = None

    @classmethod
    def of(cls, cpu: str, memory: str, *, most_memory: str | None = None) -> Self:
        """Requests for CPU and memory, and a memory limit if given."""
        return cls(requests={"cpu": cpu, "memory": memory}, limits={"memory": most_memory} if most_memory else None)


class Part(Values):
    """A container and its resources."""

    resources: Resources


class Image(Values):
    """An image with a tag of ours."""

    tag: str | None


class ServiceAccount(Values):
    """The service account of an identity in the cloud."""

    create: bool | None = None
    name: Text
    annotations: dict[str, Text] | None = None


class ServiceMonitor(Values):
    """The chart's own ServiceMonitor."""

    enabled: bool
    namespace: Text | None = None
    interval: str | None = None


class Tolerations(Values):
    """Taints that pods tolerate."""

    tolerations: tuple[dict[str, str], ...]


def everywhere(**options: Any) -> Any:
    """A field for the chart's key `global`, which is a keyword in Python."""
    return Field(serialization_alias="global", **options)

"""The types of cloud resources in the stacks, from `data/resources/<cloud>.toml`: one row each.

Readers: recovery, risks of a diff, resource groups, and the tests that hold both clouds to the same rules.
"""

import tomllib
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from llmplatform.catalog.tables import DATA

CLOUDS = ("aws", "alicloud")
FoundBy = Literal["tag", "call", "id", "again", "person"]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Ready(_Row):
    """The output that shows whether an object is ready, for types whose creation takes minutes.

    An object that is read too early lacks outputs that others need (an address, a certificate, the name of a scaling
    scaling group), and no update would read it again.
    """

    output: str
    values: tuple[str, ...] = ()
    """Values of the output once it is ready, the usual one first; empty: any value."""

    def missing(self, outputs: Mapping[str, Any]) -> str:
        """The object's present value; empty once it is ready."""
        value = outputs.get(self.output)
        if value in self.values or (value and not self.values):
            return ""
        return f"its {self.output} is {value or 'not there'}"

    @property
    def wanted(self) -> str:
        """The condition to wait for, as the end of a sentence."""
        return f"it is {self.values[0]}" if self.values else "the console shows it as running"


class ResourceType(_Row):
    """A type of cloud resource."""

    found_by: FoundBy
    """How to find an object whose creation was interrupted. `tag`: by its tags. `call`: by a call of its service
    (`Account.found`). `id`: its id is in the inputs of the create, within another object of the stack; it is adopted,
    and the refresh forgets it if it does not exist. `again`: a second create changes nothing. `person`: nothing marks
    it."""
    id: str = "{last}"
    """Its id: `{last}` is the end of its ARN, every other name a property of the create's inputs."""
    creating_again: str = ""
    """For `again`: the call, and the effect of a second one."""
    look_with: str = ""
    """For `person`: the command that finds it, with properties of the create's inputs."""
    outputs: Mapping[str, str] = {}
    """Outputs that the provider needs to read it beside its id: name → as `id`."""
    schema_version: int = 0
    """Version of its state in the provider. The provider upgrades an older one by assumptions: a cluster's
    `bootstrapSelfManagedAddons` becomes true, which replaces the cluster."""
    tags: bool = True
    """Whether it has tags."""
    resource_group: bool = False
    """Whether it can be in a resource group."""
    holds_data: bool = False
    """Whether it holds data that no update restores: `environment.protection` refuses to delete it."""
    runs_a_cluster: bool = False
    """Whether a Kubernetes provider of the same state works in a cluster of it."""
    ready: Ready | None = None
    """None if the provider's read waits until it is ready."""
    loss: str = ""
    """What is lost when it is deleted or replaced, after its name; empty: nothing."""
    loss_when_deleted: str = ""
    """The same if it is deleted without a replacement; empty: `loss`."""

    def id_of(self, inputs: Mapping[str, Any], arn: str = "") -> str:
        """The id. Raises KeyError if an input that it needs is missing."""
        return self.id.format_map({**inputs, "last": arn.rpartition("/")[2]})

    def outputs_of(self, id_: str) -> dict[str, str]:
        """Outputs that an adopted object needs beside its inputs and its id."""
        return {name: form.format(id=id_) for name, form in self.outputs.items()}


def _read(cloud: str) -> dict[str, ResourceType]:
    text = (DATA / "resources" / f"{cloud}.toml").read_text(encoding="utf-8")
    return {name: ResourceType.model_validate(row) for name, row in tomllib.loads(text).items()}


RESOURCES: Mapping[str, ResourceType] = {name: row for cloud in CLOUDS for name, row in _read(cloud).items()}
"""Every type of cloud resource in the stacks, by its type token."""

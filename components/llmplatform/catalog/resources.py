"""The types of cloud resources that the stacks register, from `data/resources/<cloud>.toml`: one row each.

Read by recovery, by the risks of a diff, by resource groups, and by the tests that hold both clouds to the same.
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
    """The output that shows whether an object is made, for types whose creates take minutes.

    An object that is read too early has outputs that lack what others need (an address, a certificate, the name of a
    scaling group), and no update would look again.
    """

    output: str
    values: tuple[str, ...] = ()
    """Values of the output once it is made, the usual one first; empty: any value."""

    def missing(self, outputs: Mapping[str, Any]) -> str:
        """What the object shows instead; empty once it is made."""
        value = outputs.get(self.output)
        if value in self.values or (value and not self.values):
            return ""
        return f"its {self.output} is {value or 'not there'}"

    @property
    def wanted(self) -> str:
        """What to wait for, as the end of a sentence."""
        return f"it is {self.values[0]}" if self.values else "the console shows it as running"


class ResourceType(_Row):
    """A type of cloud resource."""

    found_by: FoundBy
    """How an object is found whose create was interrupted. `tag`: by its tags. `call`: by a call of its service
    (`Account.found`). `id`: its id is in the create's inputs, and within an object of the stack's own; it is adopted,
    and the refresh forgets it if it does not exist. `again`: a second create changes nothing. `person`: nothing marks
    it."""
    id: str = "{last}"
    """Its id: `{last}` is the end of its ARN, everything else a property of the create's inputs."""
    creating_again: str = ""
    """Of `again`: the call, and what a second one does."""
    look_with: str = ""
    """Of `person`: the command that finds it, with properties of the create's inputs."""
    outputs: Mapping[str, str] = {}
    """Outputs that the provider needs to read it besides its id: name → as `id`."""
    schema_version: int = 0
    """Version of the state that the provider keeps of it. The provider upgrades an older one by assumptions about the
    past: a cluster's `bootstrapSelfManagedAddons` becomes true, which replaces the cluster."""
    tags: bool = True
    """Whether it takes tags."""
    resource_group: bool = False
    """Whether it can be put into a resource group."""
    holds_data: bool = False
    """Whether it holds data that no update brings back: `environment.protection` refuses to delete it."""
    runs_a_cluster: bool = False
    """Whether its objects run a cluster that a Kubernetes provider of the same state works in."""
    ready: Ready | None = None
    """None where the provider's read waits until it is made."""
    loss: str = ""
    """What is lost when it is deleted or replaced, after its name; empty: nothing."""
    loss_when_deleted: str = ""
    """The same where no other takes its place; empty: `loss`."""

    def id_of(self, inputs: Mapping[str, Any], arn: str = "") -> str:
        """The id. Raises KeyError when an input that it needs is not known."""
        return self.id.format_map({**inputs, "last": arn.rpartition("/")[2]})

    def outputs_of(self, id_: str) -> dict[str, str]:
        """What an adopted object needs to have besides its inputs and its id."""
        return {name: form.format(id=id_) for name, form in self.outputs.items()}


def _read(cloud: str) -> dict[str, ResourceType]:
    text = (DATA / "resources" / f"{cloud}.toml").read_text(encoding="utf-8")
    return {name: ResourceType.model_validate(row) for name, row in tomllib.loads(text).items()}


RESOURCES: Mapping[str, ResourceType] = {name: row for cloud in CLOUDS for name, row in _read(cloud).items()}
"""Every type of cloud resource that the stacks register, by its type token."""

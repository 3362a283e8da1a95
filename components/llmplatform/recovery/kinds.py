"""How recovery finds resources outside of the clouds; rows of the catalog say it for cloud resources."""

from llmplatform.catalog.resources import RESOURCES, ResourceType

KUBERNETES = ResourceType(found_by="id")
"""An object of a cluster, found by its name."""
GENERATED = ResourceType(found_by="again", creating_again="a new value is generated; the lost one was never used")
SCHEMA_VERSIONS = {name: row.schema_version for name, row in RESOURCES.items() if row.schema_version}
CLUSTERS = frozenset(name for name, row in RESOURCES.items() if row.runs_a_cluster)


def kind_of(type_: str) -> ResourceType | None:
    """How to find a resource of a type; None for an unknown type."""
    if type_.startswith("kubernetes:"):
        return KUBERNETES
    return GENERATED if type_.startswith("random:") else RESOURCES.get(type_)


def outputs_of(type_: str, id_: str) -> dict[str, str]:
    """Outputs that an adopted resource of a type needs beside its inputs and its id."""
    row = RESOURCES.get(type_)
    return row.outputs_of(id_) if row else {}

"""How recovery finds the resources that are of no cloud; those of the clouds are rows of the catalog."""

from llmplatform.catalog.resources import RESOURCES, ResourceType

KUBERNETES = ResourceType(found_by="id")
"""An object of a cluster: read by its name."""
GENERATED = ResourceType(found_by="again", creating_again="a value that nobody has seen is generated anew")
SCHEMA_VERSIONS = {name: row.schema_version for name, row in RESOURCES.items() if row.schema_version}
CLUSTERS = frozenset(name for name, row in RESOURCES.items() if row.runs_a_cluster)


def kind_of(type_: str) -> ResourceType | None:
    """How a resource of a type is found; None for a type that is not known."""
    if type_.startswith("kubernetes:"):
        return KUBERNETES
    return GENERATED if type_.startswith("random:") else RESOURCES.get(type_)


def outputs_of(type_: str, id_: str) -> dict[str, str]:
    """What an adopted resource of a type needs to have besides its inputs and its id."""
    row = RESOURCES.get(type_)
    return row.outputs_of(id_) if row else {}

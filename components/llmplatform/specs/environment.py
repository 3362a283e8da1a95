"""Owner and protection of an environment."""

from typing import Literal

from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.names import EnvironmentName, Owner


class Environment(Section):
    """Identity of the environment. Every cloud object carries it as tags."""

    name: EnvironmentName
    """Short name: the stack's name, with a prefix if several projects share an account."""
    owner: Owner
    """Team that is responsible for the environment."""
    cost_center: Owner
    """Cost centre of the environment."""
    protection: Literal["none", "full"] = "full"
    """`full` refuses to delete data and resources that cannot be restored: network, cluster, its key and logs, the
    shared file system, buckets, databases, caches. Disks of the metrics outlive their release. Weights are deleted with
    their model. `none` is for short-lived environments."""

    @property
    def protected(self) -> bool:
        """Whether deletion of data and irreplaceable resources is refused."""
        return self.protection == "full"

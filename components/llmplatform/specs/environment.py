"""Who an environment belongs to and how carefully it is kept."""

from typing import Literal

from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.names import EnvironmentName, Owner


class Environment(Section):
    """Identity of the environment; every cloud object carries it as tags."""

    name: EnvironmentName
    """Short name: that of the stack, or a prefix and that of the stack where several projects share an account."""
    owner: Owner
    """Team that answers for the environment."""
    cost_center: Owner
    """Where its cost is booked."""
    protection: Literal["none", "full"] = "full"
    """`full` refuses to delete what holds data or cannot be made again: network, cluster, its key and its logs, the
    shared file system, the bucket; and the disks of the metrics outlive their release. Weights that a model has
    downloaded go with it. `none` is for environments that come and go."""

    @property
    def protected(self) -> bool:
        """Whether it refuses to delete what holds data or cannot be made again."""
        return self.protection == "full"

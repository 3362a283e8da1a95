"""What runs in the cluster beneath the models: installed by us, or there already."""

from typing import Annotated, Literal

from pydantic import Field

from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary import Name


class NewPlatform(Section):
    """Add-ons, namespaces and guard rails are installed by this stack."""

    kind: Literal["new"]
    models_namespace: Name = "models"
    """Namespace of the model servers."""


class ExistingPlatform(Section):
    """Another stack has installed the add-ons; this one only adds to it."""

    kind: Literal["existing"]
    models_namespace: Name = "models"
    """Namespace of the model servers; it exists."""
    monitoring_namespace: Name | None = "monitoring"
    """Namespace whose Prometheus scrapes the models. Null: nobody does, and there is no kind ServiceMonitor."""
    shared_storage_class: Name = "efs"
    """Class of volumes that many pods share; the models' weights lie on one."""


class ExistingAckPlatform(ExistingPlatform):
    """Another stack has installed the add-ons; this one only adds to it."""

    shared_storage_class: Name = "nas"
    """Class of volumes that many pods share; the models' weights lie on one."""


EksPlatform = Annotated[NewPlatform | ExistingPlatform, Field(discriminator="kind")]
AckPlatform = Annotated[NewPlatform | ExistingAckPlatform, Field(discriminator="kind")]

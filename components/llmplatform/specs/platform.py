"""What runs in the cluster beneath the models: installed by us, or there already."""

from typing import Annotated, Literal

from pydantic import Field

from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.names import Name, ObjectName


class StorageClass(Section):
    """A storage class: made by this stack, or taken as it is."""

    kind: Literal["new", "existing"] = "new"
    """With `existing` nothing is made, neither the class nor what is behind it."""
    name: ObjectName


class NewPlatform(Section):
    """Add-ons, namespaces and guard rails are installed by this stack."""

    kind: Literal["new"]
    models_namespace: Name = "models"
    """Namespace of the model servers."""
    block_class: StorageClass = StorageClass(name="gp3")
    """Class of disks for one pod. In a new cluster it is the default class; in an existing one the default stays."""
    shared_class: StorageClass = StorageClass(name="efs")
    """Class of volumes that many pods share, with its file system; the models' weights lie on one."""


class NewAckPlatform(NewPlatform):
    """Add-ons, namespaces and guard rails are installed by this stack."""

    block_class: StorageClass = StorageClass(name="essd")
    """Class of disks for one pod. In a new cluster it is the default class; in an existing one the default stays."""
    shared_class: StorageClass = StorageClass(name="nas")
    """Class of volumes that many pods share, with its file system; the models' weights lie on one."""
    object_class: StorageClass = StorageClass(name="oss")
    """Class of volumes in a bucket, which many pods read."""


class ExistingPlatform(Section):
    """Another stack has installed the add-ons; this one only adds to it."""

    kind: Literal["existing"]
    models_namespace: Name = "models"
    """Namespace of the model servers; it exists."""
    monitoring_namespace: Name | None = "monitoring"
    """Namespace whose Prometheus scrapes the models. Null: nobody does, and there is no kind ServiceMonitor."""
    shared_storage_class: ObjectName = "efs"
    """Class of volumes that many pods share; the models' weights lie on one."""


class ExistingAckPlatform(ExistingPlatform):
    """Another stack has installed the add-ons; this one only adds to it."""

    shared_storage_class: ObjectName = "nas"
    """Class of volumes that many pods share; the models' weights lie on one."""


EksPlatform = Annotated[NewPlatform | ExistingPlatform, Field(discriminator="kind")]
AckPlatform = Annotated[NewAckPlatform | ExistingAckPlatform, Field(discriminator="kind")]

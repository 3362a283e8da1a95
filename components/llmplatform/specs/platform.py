"""The software beneath the models: installed by this stack, or by another."""

from typing import Annotated, Literal

from pydantic import Field

from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.addresses import ClusterUrl
from llmplatform.specs.vocabulary.names import Name, ObjectName


class StorageClass(Section):
    """A storage class: created by this stack, or an existing one."""

    kind: Literal["new", "existing"] = "new"
    """With `existing`, this stack creates neither the class nor its file system or bucket."""
    name: ObjectName


class NewPlatform(Section):
    """This stack installs add-ons, namespaces and guard rails."""

    kind: Literal["new"]
    models_namespace: Name = "models"
    """Namespace of the model servers."""
    block_class: StorageClass = StorageClass(name="gp3")
    """Class of disks for one pod. It is the default class of a new cluster; an existing cluster keeps its own."""
    shared_class: StorageClass = StorageClass(name="efs")
    """Class of volumes that many pods share, with its file system. The models' weights are on such a volume."""


class NewAckPlatform(NewPlatform):
    """This stack installs add-ons, namespaces and guard rails."""

    block_class: StorageClass = StorageClass(name="essd")
    """Class of disks for one pod. It is the default class of a new cluster; an existing cluster keeps its own."""
    shared_class: StorageClass = StorageClass(name="nas")
    """Class of volumes that many pods share, with its file system. The models' weights are on such a volume."""
    object_class: StorageClass = StorageClass(name="oss")
    """Class of volumes in a bucket, which many pods read."""


class ExistingPlatform(Section):
    """Another stack has installed the add-ons. This stack only adds models."""

    kind: Literal["existing"]
    models_namespace: Name = "models"
    """Existing namespace for the model servers."""
    monitoring_namespace: Name | None = "monitoring"
    """Namespace of the Prometheus that scrapes the models. Null: no scraping, and the ServiceMonitor CRD is not
    used."""
    prometheus_url: ClusterUrl | None = None
    """Address of that Prometheus as pods reach it, for models whose `scaling` asks it."""
    keda: bool = False
    """Whether KEDA runs in the cluster, and may ask that Prometheus."""
    kserve: bool = False
    """Whether KServe runs in the cluster as `addons.kserve` installs it, for models with `workload: kserve`."""
    lws: bool = False
    """Whether LeaderWorkerSet's controller runs in the cluster, for models over several nodes."""
    kuberay_namespace: Name | None = None
    """Namespace of the KubeRay operator, if one watches the models' namespace. Models behind Ray Serve need it."""
    shared_storage_class: ObjectName = "efs"
    """Class of volumes that many pods share. The models' weights are on such a volume."""


class ExistingAckPlatform(ExistingPlatform):
    """Another stack has installed the add-ons. This stack only adds models."""

    shared_storage_class: ObjectName = "nas"
    """Class of volumes that many pods share. The models' weights are on such a volume."""


EksPlatform = Annotated[NewPlatform | ExistingPlatform, Field(discriminator="kind")]
AckPlatform = Annotated[NewAckPlatform | ExistingAckPlatform, Field(discriminator="kind")]

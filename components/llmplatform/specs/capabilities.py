"""The capabilities of a stack file: one line each, named like the module of its settings."""

from collections.abc import Iterator
from inspect import isclass

from llmplatform.specs import addons, services
from llmplatform.specs.capability import Capability
from llmplatform.specs.section import Section


class Addons(Section):
    """Add-ons of all clouds."""

    monitoring: addons.Monitoring = addons.Monitoring()
    gateway: addons.Gateway = addons.Gateway()
    keda: addons.Keda = addons.Keda()
    kserve: addons.Kserve = addons.Kserve()
    lws: addons.Lws = addons.Lws()
    kuberay: addons.Kuberay = addons.Kuberay()
    cnpg: addons.Cnpg = addons.Cnpg()


class AwsAddons(Addons):
    """All add-ons."""

    cluster_autoscaler: addons.ClusterAutoscaler = addons.ClusterAutoscaler()
    gpu_operator: addons.GpuOperator = addons.GpuOperator()
    cert_manager: addons.CertManager = addons.CertManager()


class AlicloudAddons(Addons):
    """All add-ons."""

    cluster_autoscaler: addons.AckAutoscaler = addons.AckAutoscaler()
    gpu_metrics: addons.GpuMetrics = addons.GpuMetrics()
    cert_manager: addons.AckCertManager = addons.AckCertManager()
    logs: addons.Logs = addons.Logs()


class Services(Section):
    """Services for models, clients and developers."""

    cache: services.Cache = services.Cache()
    mlflow: services.Mlflow = services.Mlflow()
    milvus: services.Milvus = services.Milvus()


class Jobs(Section):
    """Jobs that run once or on a schedule."""


def capabilities(section: type[Section]) -> Iterator[tuple[str, type[Capability]]]:
    """The capabilities of a section of the stack file: name and class of their settings."""
    for name, field in section.model_fields.items():
        if isclass(field.annotation) and issubclass(field.annotation, Capability):
            yield name, field.annotation


ALL = tuple(kind for section in (AwsAddons, AlicloudAddons, Services, Jobs) for _, kind in capabilities(section))
"""Settings of every capability on any cloud."""
NAMESPACES = tuple(sorted({namespace for kind in ALL for namespace in kind.namespaces}))
"""Namespaces of the capabilities."""

"""Models as objects of KServe."""

from typing import ClassVar

from llmplatform.specs.capability import Capability


class Kserve(Capability):
    """KServe without Knative: makes the pods of models with `workload: kserve`, and of InferenceServices of your own.

    It needs cert-manager. Switching it off deletes every InferenceService of the cluster.
    """

    charts: ClassVar = ("kserve-crd", "kserve-resources")
    namespaces: ClassVar = ("kserve",)

    enabled: bool = False

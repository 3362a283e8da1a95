"""Rules about KServe, and about models whose pods it makes.

Sources: kserve/kserve at v0.20.0, pkg/apis/serving/v1beta1 and pkg/constants/constants.go.
"""

from collections.abc import Iterator, Mapping

from llmplatform.checks.problems import Problem
from llmplatform.checks.rules.rule import each_model, whole
from llmplatform.specs.models import Model
from llmplatform.specs.platform import ExistingPlatform
from llmplatform.specs.stack import Stack

_READ: Mapping[str, str] = {
    "STORAGE_URI": "it would download what is named there before each start",
    "PROTOCOL": "it would refuse all but its own protocols",
    "MULTI_MODEL_SERVER": "it would put an agent for further models beside the server",
    "INFERENCE_SERVICE_NAME": "it sets it to the model's name",
}
"""Variables of a server's container that KServe acts on: predictor_custom.go, utils.go (IsMMSPredictor)."""
_PREFIXES = ("serving.kserve.io/", "internal.serving.kserve.io/", "autoscaling.knative.dev/", "prometheus.kserve.io/")
"""Of annotations that KServe acts on. Those of pods are those of the Deployment, and come before the service's own
(components/predictor.go, buildObjectMeta), so that one of them would bring a second autoscaler."""


def _models(stack: Stack) -> Iterator[tuple[str, Model]]:
    """Models whose pods KServe makes."""
    yield from ((name, model) for name, model in stack.models.items() if model.workload == "kserve")


def kserve_has_certificates(stack: Stack) -> Iterator[Problem]:
    """The chart's webhooks have a Certificate of cert-manager."""
    if stack.platform.kind == "new" and stack.addons.kserve.enabled and not stack.addons.cert_manager.enabled:
        yield Problem(
            "addons.kserve.enabled",
            "its webhooks get their certificate from cert-manager, and addons.cert_manager is off",
            "set addons.cert_manager.enabled to true",
        )


def kserve_is_there(stack: Stack) -> Iterator[Problem]:
    """A model that KServe is to serve has it in the cluster."""
    platform = stack.platform
    if isinstance(platform, ExistingPlatform):
        there, remedy = platform.kserve, "set platform.kserve to true where the platform's stack installs it"
        fault = "it needs KServe, and the platform says of none"
    else:
        there, remedy = stack.addons.kserve.enabled, "set addons.kserve.enabled to true"
        fault = "it needs KServe, and addons.kserve is off"
    for name, _ in _models(stack):
        if not there:
            yield Problem(f"models.{name}.workload", fault, f"{remedy}, or write 'deployment'")


def names_are_free_beside_kserve(stack: Stack) -> Iterator[Problem]:
    """No model has the name of the Deployment and the Service that KServe makes for another."""
    for name, _ in _models(stack):
        taken = f"{name}-predictor"
        if taken in stack.models:
            yield Problem(f"models.{taken}", f"KServe gives that name to the servers of '{name}'", "use another name")


def kserve_reads_no_variable(stack: Stack) -> Iterator[Problem]:
    """A server's variables mean nothing to KServe."""
    for name, model in _models(stack):
        for variable in model.engine.env:
            if variable in _READ:
                yield Problem(
                    f"models.{name}.engine.env.{variable}", f"KServe reads it, too: {_READ[variable]}", "remove it"
                )


def kserve_reads_no_annotation(stack: Stack) -> Iterator[Problem]:
    """Annotations of a server's pods mean nothing to KServe: number, weights and metrics follow from our settings."""
    for name, model in _models(stack):
        for key in model.pod_annotations:
            if key.startswith(_PREFIXES):
                yield Problem(
                    f"models.{name}.pod_annotations.{key}",
                    "KServe would act on it, beside what scales and fills these pods already",
                    "remove it; the number of servers follows from replicas or scaling",
                )


PROBLEMS = (
    *whole(kserve_has_certificates),
    *each_model(kserve_is_there, names_are_free_beside_kserve, kserve_reads_no_variable, kserve_reads_no_annotation),
)

"""CRDs during whose creation an API server was killed."""

from llmplatform_sandbox.kube.client import Kube
from llmplatform_sandbox.kube.readiness import condition

_TOUCHED = "sandbox.llmplatform.dev/touched"


def resume_definitions(kube: Kube) -> list[str]:
    """Let an API server continue with the CRDs that its predecessor had accepted and not yet served.

    It establishes a CRD at a change event, so after a start it overlooks those for up to the five minutes until its
    informers resync. Returns their names.
    Source: apiextensions-apiserver, customresource_handler.go (updateCustomResourceDefinition).
    """
    accepted = [
        each
        for each in kube.list("apiextensions.k8s.io/v1", "CustomResourceDefinition")
        if condition(each, "NamesAccepted").get("status") == "True"
        and condition(each, "Established").get("status") != "True"
    ]
    for each in accepted:
        for value in ("true", None):
            kube.patch(each, {"metadata": {"annotations": {_TOUCHED: value}}})
    return [each["metadata"]["name"] for each in accepted]

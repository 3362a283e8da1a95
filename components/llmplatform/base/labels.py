"""Labels and tags of objects: one function each, so that all objects agree."""

import re
from collections.abc import Mapping

from llmplatform.catalog.tags import ENVIRONMENT_TAG
from llmplatform.specs.stack import Stack

MANAGED_BY = "llmplatform"

MODEL_LABEL = "llmplatform.dev/model"
"""Label of a model's objects, with its name."""
SERIES_MODEL_LABEL = re.sub("[^a-zA-Z0-9_]", "_", MODEL_LABEL)
"""The same label on its series, which the ServiceMonitor takes from the Service (prometheus-operator,
pkg/prometheus/promcfg.go, sanitizeLabelName)."""

MODEL_CLIENT = {"llmplatform.dev/model-client": "true"}
"""Label of pods that may call model servers: routers and gateways in the models' namespace."""


def labels(component: str, *, instance: str | None = None, part_of: str = "llmplatform") -> dict[str, str]:
    """Kubernetes' recommended labels for an object of a component."""
    found = {
        "app.kubernetes.io/name": component,
        "app.kubernetes.io/part-of": part_of,
        "app.kubernetes.io/managed-by": MANAGED_BY,
    }
    if instance:
        found["app.kubernetes.io/instance"] = instance
    return found


def selector(component: str, instance: str) -> dict[str, str]:
    """The constant part of the labels, for selectors."""
    return {"app.kubernetes.io/name": component, "app.kubernetes.io/instance": instance}


def tags(stack: Stack) -> Mapping[str, str]:
    """Tags of every cloud object of an environment."""
    return {
        ENVIRONMENT_TAG: stack.environment.name,
        "llmplatform:owner": stack.environment.owner,
        "llmplatform:cost-center": stack.environment.cost_center,
        "llmplatform:managed-by": "pulumi",
        **stack.tags,
    }

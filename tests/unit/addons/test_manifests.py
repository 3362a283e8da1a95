"""Every object that the add-ons and model servers can make, checked as a strict API server would."""

from collections.abc import Callable

import kubernetes_validate
import pytest
from support.plans import ON_DEMAND, SPOT_FIRST, SPOT_OF_FOUR, model_plan
from support.sites import variants

from llmplatform.base.namespace import Namespace, NamespaceArgs
from llmplatform.planning.models import ModelPlan
from llmplatform.serving import ModelServer, ModelServerArgs
from llmplatform.testing import RecordingEngine


def server(plan: ModelPlan) -> Callable[[], object]:
    args = ModelServerArgs(plan=plan, namespace="models", huggingface_token="hf_x")
    return lambda: ModelServer("chat", args)


PROGRAMS: dict[str, Callable[[], object]] = {
    **variants(),
    "namespace": lambda: Namespace(
        "models", NamespaceArgs(namespace="models", quota={"pods": "9"}, container_defaults={"cpu": "100m"})
    ),
    "server, one replica": server(model_plan()),
    "server, gated": server(model_plan(gated=True)),
    "server, three replicas on four GPUs": server(model_plan(SPOT_OF_FOUR, tensor_parallel=2, replicas=3)),
    "server, two ranks on four GPUs": server(model_plan(SPOT_OF_FOUR, tensor_parallel=2, data_parallel=2)),
    "server, weights on the node": server(model_plan(ON_DEMAND, weights={"cache": "node"})),
    "server, none": server(model_plan(SPOT_FIRST, replicas=0)),
}
CUSTOM = (
    "barmancloud.cnpg.io/",
    "cert-manager.io/",
    "milvus.io/",
    "monitoring.coreos.com/",
    "postgresql.cnpg.io/",
)


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_object_passes_strict_validation(program: str) -> None:
    objects = [found.inputs for found in RecordingEngine().run(PROGRAMS[program]).registered if "kind" in found.inputs]
    checked = [each for each in objects if not each["apiVersion"].startswith(CUSTOM)]
    assert checked, "nothing was checked"
    for each in checked:
        kubernetes_validate.validate(each, "1.35", strict=True)


def test_a_typo_would_be_refused() -> None:
    (deployment,) = RecordingEngine().run(server(model_plan())).all("kubernetes:apps/v1:Deployment")
    broken = {**deployment.inputs, "spec": {**deployment.inputs["spec"], "replica": 1}}
    with pytest.raises(kubernetes_validate.utils.ValidationError):
        kubernetes_validate.validate(broken, "1.35", strict=True)

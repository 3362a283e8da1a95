"""Played KServe: what an InferenceService becomes, by the rules of v0.20.0."""

from typing import Any

import pytest
from support.sandboxes.controller_rounds import step
from support.sandboxes.fake_api_server import FakeApiServer
from support.sandboxes.fake_cloud import FakeCloud

from llmplatform_sandbox.interfaces import Release
from llmplatform_sandbox.kube.readiness import NeverReady, condition, waiting_for
from llmplatform_sandbox.kube.releases import new_record, write_revision

API, KIND = "serving.kserve.io/v1beta1", "InferenceService"
GATEWAY = {"gateway": {"disableIngressCreation": True}}
VALUES = {"kserve": {"controller": {"deploymentMode": "Standard", **GATEWAY}}}
FIXED = {"serving.kserve.io/autoscalerClass": "none"}


@pytest.fixture
def server() -> FakeApiServer:
    server = FakeApiServer()
    server.served[API] = {KIND: ("inferenceservices", True)}
    return server


def install(server: FakeApiServer, values: dict[str, Any] = VALUES) -> None:
    made = Release(name="kserve-resources", namespace="apps", chart="kserve-resources", version="1", values=values)
    write_revision(server.kube, new_record(made, revision=1, app_version="", status="deployed"), owner="t")


def ask(server: FakeApiServer, annotations: dict[str, str] = FIXED, **predictor: Any) -> None:
    container = {
        "name": "kserve-container",
        "image": "engine:1",
        "ports": [{"name": "http", "containerPort": 8000}, {"name": "grpc", "containerPort": 9000}],
        "resources": {"requests": {"cpu": "6"}},
    }
    server.add(
        API,
        KIND,
        "chat",
        "apps",
        metadata={"annotations": annotations, "labels": {"team": "a"}, "generation": 1, "uid": "u1"},
        spec={"predictor": {"containers": [container], "labels": {"of": "pods"}, "minReplicas": 2, **predictor}},
    )


def rounds(server: FakeApiServer) -> None:
    for _ in range(3):
        step(server, FakeCloud())


def made(server: FakeApiServer, api: str = "apps/v1", kind: str = "Deployment") -> dict[str, Any] | None:
    return server.kube.get(api, kind, "chat-predictor", "apps")


def service(server: FakeApiServer) -> dict[str, Any]:
    found = server.kube.get(API, KIND, "chat", "apps")
    assert found is not None
    return found


def test_it_becomes_a_deployment_with_the_labels_that_its_service_selects(server: FakeApiServer) -> None:
    """components/predictor.go, buildObjectMeta; reconcilers/deployment, createRawDefaultDeployment."""
    install(server)
    ask(server)
    rounds(server)
    deployment, behind = made(server), made(server, "v1", "Service")
    assert deployment
    assert behind
    labels = {
        "team": "a",
        "of": "pods",
        "serving.kserve.io/inferenceservice": "chat",
        "component": "predictor",
        "app": "isvc.chat-predictor",
    }
    assert deployment["spec"]["template"]["metadata"]["labels"] == behind["metadata"]["labels"] == labels
    selected = {"app": "isvc.chat-predictor"}
    assert deployment["spec"]["selector"]["matchLabels"] == behind["spec"]["selector"] == selected
    assert deployment["spec"]["replicas"] == 2
    (owner,) = deployment["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["controller"]) == (KIND, "chat", True)


def test_its_service_leads_from_port_80_to_the_first_port_of_the_container(server: FakeApiServer) -> None:
    """reconcilers/service/service_reconciler.go, createDefaultSvc and getAppProtocol."""
    install(server)
    ask(server)
    rounds(server)
    behind = made(server, "v1", "Service")
    assert behind
    assert behind["spec"]["ports"] == [
        {"name": "http", "port": 80, "targetPort": 8000, "protocol": "TCP"},
        {"name": "grpc", "port": 9000, "targetPort": 9000, "protocol": "TCP", "appProtocol": "kubernetes.io/h2c"},
    ]


def test_its_container_gets_the_name_and_the_resources_of_the_release(server: FakeApiServer) -> None:
    """The chart's own limit of one CPU stays unless its values take it away: such a pod is refused."""
    install(server)
    ask(server)
    rounds(server)
    (container,) = (made(server) or {})["spec"]["template"]["spec"]["containers"]
    assert container["env"] == [{"name": "INFERENCE_SERVICE_NAME", "value": "chat"}]
    assert container["resources"]["requests"] == {"cpu": "6", "memory": "2Gi"}
    assert container["resources"]["limits"] == {"cpu": "1", "memory": "2Gi"}
    none = {"limits": {"cpu": "", "memory": ""}, "requests": {"cpu": "", "memory": ""}}
    server = FakeApiServer()
    server.served[API] = {KIND: ("inferenceservices", True)}
    install(server, {"kserve": {**VALUES["kserve"], "inferenceservice": {"resources": none}}})
    ask(server)
    rounds(server)
    (container,) = (made(server) or {})["spec"]["template"]["spec"]["containers"]
    assert container["resources"] == {"requests": {"cpu": "6"}, "limits": {}}


def test_it_is_ready_as_its_deployment_is(server: FakeApiServer) -> None:
    install(server)
    ask(server)
    rounds(server)
    assert condition(service(server), "Ready")["status"] == "False"
    assert condition(service(server), "IngressReady")["status"] == "True"
    deployment = made(server)
    assert deployment
    server.kube.patch(
        deployment, {"status": {"conditions": [{"type": "Available", "status": "True"}]}}, subresource="status"
    )
    rounds(server)
    assert condition(service(server), "Ready")["status"] == "True"


def test_what_scales_its_deployment_keeps_the_number(server: FakeApiServer) -> None:
    """reconcilers/deployment, createRawDefaultDeployment and Reconcile."""
    install(server)
    ask(server, {"serving.kserve.io/autoscalerClass": "external"})
    rounds(server)
    deployment = made(server)
    assert deployment
    assert "replicas" not in deployment["spec"]
    server.kube.patch(deployment, {"spec": {"replicas": 5}})
    server.kube.patch(service(server), {"metadata": {"generation": 2}})
    rounds(server)
    assert (made(server) or {})["spec"]["replicas"] == 5


@pytest.mark.parametrize(
    ("values", "annotations", "predictor"),
    [
        ({}, FIXED, {}),
        ({"kserve": {"controller": {"deploymentMode": "Standard"}}}, FIXED, {}),
        (VALUES, {}, {}),
        (VALUES, FIXED, {"containers": [{"name": "engine", "image": "engine:1"}]}),
        (VALUES, FIXED, {"storageUris": [{"uri": "s3://bucket"}]}),
    ],
    ids=["Knative", "an ingress", "an autoscaler by CPU", "another container", "a download"],
)
def test_what_is_not_played_is_left_as_it_is(
    server: FakeApiServer, values: dict[str, Any], annotations: dict[str, str], predictor: dict[str, Any]
) -> None:
    install(server, values)
    ask(server, annotations, **predictor)
    rounds(server)
    assert made(server) is None
    assert "status" not in service(server)


def test_without_its_release_nothing_acts(server: FakeApiServer) -> None:
    ask(server)
    rounds(server)
    assert made(server) is None


def test_its_finalizer_goes_while_the_release_is_there(server: FakeApiServer) -> None:
    """controller.go, Reconcile."""
    install(server)
    ask(server)
    rounds(server)
    assert service(server)["metadata"]["finalizers"] == ["inferenceservice.finalizers"]
    server.kube.patch(service(server), {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}})
    rounds(server)
    gone = server.kube.get(API, KIND, "chat", "apps")
    assert gone is None or gone["metadata"]["finalizers"] == []


def test_an_object_is_waited_for_by_the_condition_that_it_names(server: FakeApiServer) -> None:
    """pulumi-kubernetes, provider/pkg/metadata/overrides.go, ReadyCondition."""
    wanted: dict[str, Any] = {
        "apiVersion": API,
        "kind": KIND,
        "metadata": {"annotations": {"pulumi.com/waitFor": "condition=Ready"}},
    }
    assert waiting_for(server.kube, wanted) == "Ready is not reported"
    unready = {"type": "Ready", "status": "False", "reason": "Starting"}
    assert waiting_for(server.kube, {**wanted, "status": {"conditions": [unready]}}) == "Ready is False (Starting)"
    assert waiting_for(server.kube, {**wanted, "status": {"conditions": [{**unready, "status": "True"}]}}) is None
    wanted["metadata"]["annotations"]["pulumi.com/waitFor"] = "jsonpath={.status.phase}"
    with pytest.raises(NeverReady, match="not simulated"):
        waiting_for(server.kube, wanted)

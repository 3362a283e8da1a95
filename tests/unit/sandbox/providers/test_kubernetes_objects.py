"""The kubernetes provider: creating, changing, deleting, previewing, reading; against an API server in memory."""

import pytest
from support.sandboxes.fake_api_server import FakeApiServer, refusal
from support.sandboxes.kube_manifests import (
    CONFIG_MAP,
    DEPLOYMENT,
    POD_SPEC,
    config_map,
    create,
    deployment,
    manifest,
    urn,
)

from llmplatform_sandbox.explain import unmade
from llmplatform_sandbox.providers.base import UNKNOWN, InitFailed, ProviderError, Values
from llmplatform_sandbox.providers.kubernetes import KubernetesProvider


@pytest.fixture
def server() -> FakeApiServer:
    return FakeApiServer()


@pytest.fixture
def provider(server: FakeApiServer) -> KubernetesProvider:
    return KubernetesProvider(server.kube)


# Create, update, delete


def test_an_object_of_another_owner_is_not_taken_over(server: FakeApiServer, provider: KubernetesProvider) -> None:
    server.add("v1", "ConfigMap", "x", "default", metadata={"managedFields": [{"manager": "kubectl"}]})
    with pytest.raises(ProviderError, match="ConfigMap default/x: exists already"):
        create(provider, CONFIG_MAP, config_map())


def test_an_object_that_an_interrupted_run_left_is_taken_over(provider: KubernetesProvider) -> None:
    create(provider, CONFIG_MAP, config_map())
    assert create(provider, CONFIG_MAP, config_map(data={"a": "c"}))[1]["data"] == {"a": "c"}
    with pytest.raises(ProviderError, match="exists already"):
        create(provider, CONFIG_MAP, config_map(), name="another")


def test_every_wrong_field_gets_a_line(server: FakeApiServer, provider: KubernetesProvider) -> None:
    text = (
        "failed to create typed patch object (apps/x; apps/v1, Kind=Deployment): errors:\n"
        "  .spec.replcas: field not declared in schema\n"
        '  .spec.paused: expected boolean, got &value.valueUnstructured{Value:"hunter2"}'
    )
    server.refuse = lambda method, body: refusal(500, text) if method == "PATCH" else None
    with pytest.raises(ProviderError) as refused:
        create(provider, DEPLOYMENT, deployment())
    assert str(refused.value).splitlines() == [
        "Deployment apps/x: spec.replcas: no such field; check the spelling and the API version",
        "Deployment apps/x: spec.paused: expected boolean",
    ], "a line per fault, and no value, which may be secret"


def test_invalid_values_are_named_by_their_field(server: FakeApiServer, provider: KubernetesProvider) -> None:
    causes = [{"field": "spec.type", "message": 'Unsupported value: "Foo"'}, {"field": "spec.type", "message": "again"}]
    server.refuse = lambda method, body: refusal(422, "long text", causes=causes) if method == "PATCH" else None
    with pytest.raises(ProviderError, match=r'^ConfigMap default/x: spec.type: Unsupported value: "Foo"$'):
        create(provider, CONFIG_MAP, config_map())


def test_a_deployment_that_does_not_come_up_is_kept_with_the_reasons(
    server: FakeApiServer, provider: KubernetesProvider
) -> None:
    with pytest.raises(InitFailed) as failed:
        create(provider, DEPLOYMENT, deployment(selector={"matchLabels": {"a": "b"}}), timeout=0.3)
    assert failed.value.id == "apps/x"
    assert failed.value.reasons[0] == "Deployment apps/x: 0 of 1 updated replicas available"
    assert server.one("apps/v1", "Deployment", "x", "apps"), "the object exists, and the state must say so"


def test_reasons_name_the_pods_that_wait(server: FakeApiServer, provider: KubernetesProvider) -> None:
    server.add(
        "v1", "Pod", "x-1", "apps", metadata={"labels": {"a": "b"}}, spec={"nodeName": "n", **POD_SPEC},
        status={"phase": "Pending", "conditions": [
            {"type": "sandbox.llmplatform.dev/Startable", "status": "False", "message": 'secret "s" not found'}]},
    )  # fmt: skip
    with pytest.raises(InitFailed) as failed:
        create(provider, DEPLOYMENT, deployment(selector={"matchLabels": {"a": "b"}}), timeout=0.2)
    assert failed.value.reasons[1] == 'apps/x-1: secret "s" not found'


def test_a_deployment_is_waited_for_until_it_is_available(server: FakeApiServer, provider: KubernetesProvider) -> None:
    def available(obj: Values) -> None:
        status = {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
        obj["status"] = {**status, "conditions": [{"type": "Available", "status": "True"}]}

    server.on_apply = available
    id_, outputs = create(provider, DEPLOYMENT, deployment(), timeout=1)
    assert (id_, outputs["status"]["availableReplicas"]) == ("apps/x", 1)


def test_a_deployment_that_waits_and_one_without_replicas_are_warned_of(
    server: FakeApiServer, provider: KubernetesProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """provider/pkg/await/deployment.go: `processDeploymentEvent` and `checkReplicaSetStatus`, by `LogStatus`."""
    said: list[tuple[str, str, bool]] = []
    monkeypatch.setattr(provider, "warn", lambda urn, text, *, passing=False: said.append((urn, text, passing)))
    message = "Deployment does not have minimum availability."
    lacking = {"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable", "message": message}
    server.on_apply = lambda obj: obj.update(status={"conditions": [lacking]})
    with pytest.raises(InitFailed):
        create(provider, DEPLOYMENT, deployment(), timeout=0.2)
    assert set(said) == {(urn(), f"[MinimumReplicasUnavailable] {message}", True)}
    said.clear()
    server.on_apply = lambda obj: obj.update(status={})
    create(provider, DEPLOYMENT, deployment(replicas=0))
    assert set(said) == {(urn(), 'Replicas scaled to 0 for Deployment "x"', True)}


def test_skip_await_returns_at_once(provider: KubernetesProvider) -> None:
    inputs = deployment()
    inputs["metadata"]["annotations"] = {"pulumi.com/skipAwait": "true"}
    assert create(provider, DEPLOYMENT, inputs)[0] == "apps/x"


def test_what_no_controller_here_makes_ready_is_said_and_not_awaited(
    server: FakeApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.served["ray.io/v1"] = {"RayService": ("rayservices", True)}
    said: list[str] = []
    monkeypatch.setattr(KubernetesProvider, "warn", lambda self, urn, text, *, passing=False: said.append(text))
    annotations = {"pulumi.com/waitFor": "condition=Ready", "pulumi.com/timeoutSeconds": "60"}
    inputs = manifest("ray.io/v1", "RayService", metadata={"namespace": "apps", "annotations": annotations}, spec={})
    create(KubernetesProvider(server.kube), "kubernetes:ray.io/v1:RayService", inputs)
    assert said == [
        "not awaited: KubeRay does not run in the sandbox, so its pods are not made and it never becomes ready"
    ]
    assert unmade(server.kube, {"kuberay-operator"}) == [
        "apps/x (RayService): KubeRay does not run in the sandbox, so its pods are not made and it never becomes ready"
    ]
    assert unmade(server.kube, {"cert-manager"}) == []


def test_an_unknown_kind_is_named(provider: KubernetesProvider) -> None:
    with pytest.raises(ProviderError, match=r"serves no kind Widget of example.org/v1; is its CRD installed"):
        create(provider, "kubernetes:example.org/v1:Widget", manifest("example.org/v1", "Widget"))


def test_a_kind_is_found_after_its_definition_has_come(server: FakeApiServer, provider: KubernetesProvider) -> None:
    typ, inputs = (
        "kubernetes:example.org/v1:Widget",
        manifest("example.org/v1", "Widget", metadata={"namespace": "apps"}),
    )
    with pytest.raises(ProviderError):
        create(provider, typ, inputs)
    server.served["example.org/v1"] = {"Widget": ("widgets", True)}
    assert create(provider, typ, inputs)[0] == "apps/x", "a first answer must not be remembered for ever"


def test_a_patch_changes_an_object_of_another_owner_and_leaves_it_on_delete(
    server: FakeApiServer, provider: KubernetesProvider
) -> None:
    server.add("apps/v1", "DaemonSet", "aws-node", "apps", metadata={"managedFields": [{"manager": "eks"}]})
    typ = "kubernetes:apps/v1:DaemonSetPatch"
    inputs = manifest("apps/v1", "DaemonSet", "aws-node", metadata={"namespace": "apps", "labels": {"a": "b"}})
    id_, outputs = create(provider, typ, inputs)
    assert id_ == "apps/aws-node"
    assert [r.url.params["force"] for r in server.requests if r.method == "PATCH"] == ["false"], (
        "a conflict is an error"
    )
    provider.delete(typ, urn(), id_, inputs, outputs, 1)
    assert server.one("apps/v1", "DaemonSet", "aws-node", "apps"), "only the patch is taken back"


@pytest.mark.parametrize("annotations", [{}, {"pulumi.com/patchForce": "true"}])
def test_fields_are_taken_from_other_managers_by_annotation_alone(
    server: FakeApiServer, provider: KubernetesProvider, annotations: dict[str, str]
) -> None:
    create(provider, CONFIG_MAP, config_map(metadata={"annotations": annotations}))
    forced = {r.url.params["force"] for r in server.requests if r.method == "PATCH"}
    assert forced == {str(bool(annotations)).lower()}


def test_deleting_waits_until_the_object_is_gone(server: FakeApiServer, provider: KubernetesProvider) -> None:
    id_, outputs = create(provider, CONFIG_MAP, config_map())
    server.one("v1", "ConfigMap", "x", "default")["metadata"]["finalizers"] = ["example.org/hold"]  # type: ignore[index]
    with pytest.raises(ProviderError, match=r"ConfigMap default/x: still there after 0 s; held by example.org/hold"):
        provider.delete(CONFIG_MAP, urn(), id_, config_map(), outputs, 0.1)
    del server.one("v1", "ConfigMap", "x", "default")["metadata"]["finalizers"]  # type: ignore[index]
    provider.delete(CONFIG_MAP, urn(), id_, config_map(), outputs, 1)
    assert server.one("v1", "ConfigMap", "x", "default") is None
    provider.delete(CONFIG_MAP, urn(), id_, config_map(), outputs, 1)


def test_deleting_an_object_whose_definition_is_gone_succeeds(provider: KubernetesProvider) -> None:
    inputs = manifest("example.org/v1", "Widget")
    provider.delete("kubernetes:example.org/v1:Widget", urn(), "default/x", inputs, inputs, 1)


# Previews


def test_a_preview_without_a_cluster_knows_what_the_program_says_and_no_more() -> None:
    provider = KubernetesProvider(None)
    inputs = manifest("v1", "Service", metadata={"namespace": "apps"}, spec={"ports": [{"port": 80}]})
    id_, outputs = provider.create("kubernetes:core/v1:Service", urn(), inputs, True, 0)
    assert id_ == ""
    assert outputs["metadata"]["name"] == "x"
    assert outputs["metadata"]["uid"] is UNKNOWN
    assert (outputs["spec"]["clusterIP"], outputs["spec"]["ports"]) == (UNKNOWN, [{"port": 80}])
    assert outputs["status"] is UNKNOWN


def test_a_preview_asks_the_api_server_and_changes_nothing(server: FakeApiServer, provider: KubernetesProvider) -> None:
    create(provider, CONFIG_MAP, config_map(), preview=True)
    assert [r.url.params.get("dryRun") for r in server.requests if r.method == "PATCH"] == ["All"]
    assert server.one("v1", "ConfigMap", "x", "default") is None


def test_a_preview_shows_what_the_api_server_would_refuse(server: FakeApiServer, provider: KubernetesProvider) -> None:
    text = 'strict decoding error: unknown field "spec.replcas"'
    server.refuse = lambda method, body: refusal(400, text) if method == "PATCH" else None
    with pytest.raises(ProviderError, match=r"Deployment apps/x: spec.replcas: no such field"):
        create(provider, DEPLOYMENT, deployment(), preview=True)


@pytest.mark.parametrize(
    ("typ", "inputs"),
    [
        (CONFIG_MAP, config_map(metadata={"namespace": "to-come"})),
        ("kubernetes:example.org/v1:Widget", manifest("example.org/v1", "Widget")),
        (CONFIG_MAP, config_map(data={"a": UNKNOWN})),
    ],
)
def test_a_preview_accepts_what_the_same_plan_is_still_to_make(
    provider: KubernetesProvider, typ: str, inputs: Values
) -> None:
    assert create(provider, typ, inputs, preview=True)[1]["metadata"]["name"] == "x"


# Reading and configuring


def test_reading_sees_that_an_object_is_gone_or_changed(server: FakeApiServer, provider: KubernetesProvider) -> None:
    inputs = config_map(metadata={"namespace": "default"}, data={"a": "b"})
    id_, outputs = create(provider, CONFIG_MAP, inputs)
    assert provider.read(CONFIG_MAP, urn(), id_, inputs, outputs)[1] == inputs  # type: ignore[index]
    server.one("v1", "ConfigMap", "x", "default")["data"] = {"a": "edited", "other": "1"}  # type: ignore[index]
    found = provider.read(CONFIG_MAP, urn(), id_, inputs, outputs)
    assert found is not None
    assert found[1]["data"] == {"a": "edited"}, "drift shows in the fields that the program sets, and in no others"
    server.objects.clear()
    assert provider.read(CONFIG_MAP, urn(), id_, inputs, outputs) is None


def test_a_quantity_that_means_the_same_is_no_drift(server: FakeApiServer, provider: KubernetesProvider) -> None:
    inputs = config_map(metadata={"namespace": "default"}, data={"cpu": "1000m", "memory": "1024Mi"})
    id_, outputs = create(provider, CONFIG_MAP, inputs)
    server.one("v1", "ConfigMap", "x", "default")["data"] = {"cpu": "1", "memory": "1Gi"}  # type: ignore[index]
    assert provider.read(CONFIG_MAP, urn(), id_, inputs, outputs)[1] == inputs  # type: ignore[index]

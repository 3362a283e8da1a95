"""The kubernetes provider: names, secrets, differences, configuration; against an API server in memory."""

import pytest
from support.sandboxes.fake_api_server import FakeApiServer
from support.sandboxes.kube_manifests import (
    CLASS_A,
    CLASS_B,
    CONFIG_MAP,
    DEPLOYMENT,
    POD_SPEC,
    SECRET,
    config_map,
    create,
    deployment,
    manifest,
    naming,
    urn,
)

from llmplatform_sandbox.providers.base import ProviderError, Secret, Values
from llmplatform_sandbox.providers.kubernetes import KubernetesProvider

JOB = "kubernetes:batch/v1:Job"


@pytest.fixture
def server() -> FakeApiServer:
    return FakeApiServer()


@pytest.fixture
def provider(server: FakeApiServer) -> KubernetesProvider:
    return KubernetesProvider(server.kube)


# Names and namespaces


def test_a_missing_name_is_made_up_once_and_then_kept(provider: KubernetesProvider) -> None:
    first, _ = provider.check(CONFIG_MAP, {}, config_map(None), naming())
    assert first["metadata"]["name"].startswith("res-")
    again, _ = provider.check(CONFIG_MAP, first, config_map(None), naming(proposed="dev-res-0a1b"))
    assert again == first, "the engine proposes another name at every Check; taking it would replace the object"


def test_the_engines_proposal_is_taken_for_a_new_object(provider: KubernetesProvider) -> None:
    checked, _ = provider.check(CONFIG_MAP, {}, config_map(None), naming(proposed="dev-res-0a1b"))
    assert checked["metadata"]["name"] == "dev-res-0a1b"


def test_with_autonaming_off_a_missing_name_is_refused(provider: KubernetesProvider) -> None:
    _, failures = provider.check(CONFIG_MAP, {}, config_map(None), naming(mode="disable"))
    assert "metadata.name: missing" in failures[0].reason


def test_an_object_gets_the_default_namespace_and_a_cluster_wide_one_none(provider: KubernetesProvider) -> None:
    assert provider.check(CONFIG_MAP, {}, config_map(), naming())[0]["metadata"]["namespace"] == "default"
    wide, _ = provider.check("kubernetes:core/v1:Namespace", {}, manifest("v1", "Namespace"), naming())
    assert "namespace" not in wide["metadata"]


def test_a_custom_resource_is_placed_as_its_definition_says(provider: KubernetesProvider) -> None:
    for kind, namespaced in (("Issuer", True), ("ClusterIssuer", False)):
        typ = f"kubernetes:cert-manager.io/v1:{kind}"
        checked, _ = provider.check(typ, {}, manifest("cert-manager.io/v1", kind), naming())
        assert ("namespace" in checked["metadata"]) is namespaced


def test_without_a_cluster_a_custom_resource_keeps_the_namespace_it_had() -> None:
    provider, typ = KubernetesProvider(None), "kubernetes:cert-manager.io/v1:Issuer"
    old = manifest("cert-manager.io/v1", "Issuer", metadata={"namespace": "default"})
    checked, _ = provider.check(typ, old, manifest("cert-manager.io/v1", "Issuer"), naming())
    assert checked == old, "or the preview of an unchanged program would show a replacement"


# Secrets


def test_the_data_of_a_secret_is_secret_even_when_the_program_did_not_say_so(provider: KubernetesProvider) -> None:
    inputs = manifest("v1", "Secret", stringData={"k": "v"})
    checked, _ = provider.check(SECRET, {}, inputs, naming())
    assert checked["stringData"] == Secret({"k": "v"})
    _, outputs = provider.create(SECRET, urn(), checked, False, 0)
    assert outputs["stringData"] == Secret({"k": "v"})


def test_a_secret_input_is_secret_in_the_outputs_and_clear_on_the_wire(
    server: FakeApiServer, provider: KubernetesProvider
) -> None:
    _, outputs = create(provider, CONFIG_MAP, config_map(data={"a": Secret("s3cret"), "b": "plain"}))
    assert outputs["data"] == {"a": Secret("s3cret"), "b": "plain"}
    assert server.one("v1", "ConfigMap", "x", "default")["data"]["a"] == "s3cret"  # type: ignore[index]


# Differences


@pytest.mark.parametrize(
    ("typ", "old", "new", "replaces"),
    [
        (DEPLOYMENT, deployment(), deployment(replicas=2), set()),
        (DEPLOYMENT, deployment(selector={"matchLabels": {"a": "1"}}), deployment(selector={"matchLabels": {"a": "2"}}),
         {"spec.selector.matchLabels.a"}),
        (DEPLOYMENT, deployment(), {**deployment(), "metadata": {"name": "y", "namespace": "apps"}}, {"metadata.name"}),
        (CONFIG_MAP, config_map(), config_map(data={"a": "c"}), {"data.a"}),
        (CONFIG_MAP, config_map(), config_map(metadata={"labels": {"l": "1"}}), set()),
        (SECRET, manifest("v1", "Secret", stringData={"k": "1"}), manifest("v1", "Secret", stringData={"k": "2"}),
         {"stringData.k"}),
        ("kubernetes:batch/v1:Job", manifest("batch/v1", "Job", spec={"template": {"spec": POD_SPEC}}),
         manifest("batch/v1", "Job", spec={"template": {"spec": {**POD_SPEC, "restartPolicy": "Never"}}}),
         {"spec.template.spec.restartPolicy"}),
        ("kubernetes:core/v1:PersistentVolumeClaim",
         manifest("v1", "PersistentVolumeClaim", spec={"resources": {"requests": {"storage": "1Gi"}}, **CLASS_A}),
         manifest("v1", "PersistentVolumeClaim", spec={"resources": {"requests": {"storage": "2Gi"}}, **CLASS_B}),
         {"spec.storageClassName"}),
        ("kubernetes:core/v1:Pod", manifest("v1", "Pod", spec=POD_SPEC),
         manifest("v1", "Pod", spec={"containers": [{"name": "c", "image": "i:2"}], "hostNetwork": True}),
         {"spec.hostNetwork", "spec.containers[0].image"}),
        (JOB, manifest("batch/v1", "Job", spec={"completions": 1, "parallelism": 1, "completionMode": "NonIndexed"}),
         manifest("batch/v1", "Job", spec={"completions": 2, "parallelism": 2, "completionMode": "Indexed"}),
         {"spec.completions", "spec.parallelism"}),
        ("kubernetes:core/v1:Service", manifest("v1", "Service", spec={"type": "ClusterIP", "clusterIP": "10.0.0.1"}),
         manifest("v1", "Service", spec={"type": "NodePort", "clusterIP": "10.0.0.2"}), {"spec.clusterIP"}),
        ("kubernetes:apps/v1:StatefulSet", manifest("apps/v1", "StatefulSet", spec={"revisionHistoryLimit": 1}),
         manifest("apps/v1", "StatefulSet", spec={"revisionHistoryLimit": 2}), {"spec.revisionHistoryLimit"}),
        ("kubernetes:storage.k8s.io/v1:StorageClass",
         manifest("storage.k8s.io/v1", "StorageClass", parameters={"type": "gp3"}),
         manifest("storage.k8s.io/v1", "StorageClass", parameters={"type": "gp2"}), {"parameters.type"}),
    ],
)  # fmt: skip
def test_what_cannot_be_changed_is_replaced(
    provider: KubernetesProvider, typ: str, old: Values, new: Values, replaces: set[str]
) -> None:
    """pulumi-kubernetes, provider/pkg/provider/diff.go, `forceNew`."""
    diff = provider.diff(typ, "default/x", old, {}, new)
    assert diff, "each pair differs"
    assert set(diff.replaces) == replaces


def test_an_object_of_the_same_name_goes_before_its_successor_comes(provider: KubernetesProvider) -> None:
    old, new = config_map(), config_map(data={"a": "c"})
    assert provider.diff(CONFIG_MAP, "default/x", old, {}, new).delete_before_replace
    named, _ = provider.check(CONFIG_MAP, {}, config_map(None), naming())
    later = {**named, "data": {"a": "c"}}
    assert not provider.diff(CONFIG_MAP, "default/x", named, {}, later).delete_before_replace, "another name is made up"


def test_config_maps_change_in_place_when_the_provider_says_so(provider: KubernetesProvider) -> None:
    provider._latest.config = {"enableConfigMapMutable": "true"}
    old, new = config_map(), config_map(data={"a": "c"})
    assert not provider.diff(CONFIG_MAP, "default/x", old, {}, new).replaces
    assert provider.diff(CONFIG_MAP, "default/x", old, {"immutable": True}, new).replaces


def test_a_moved_cluster_replaces_the_provider_and_a_new_credential_does_not(provider: KubernetesProvider) -> None:
    def config(server: str, token: str) -> Values:
        text = (
            f"clusters: [{{name: a, cluster: {{server: '{server}'}}}}]\nusers: [{{name: u, user: {{token: {token}}}}}]"
        )
        return {"kubeconfig": Secret(text)}

    assert not provider.diff_config(config("https://a", "1"), config("https://a", "2")).replaces
    assert provider.diff_config(config("https://a", "1"), config("https://b", "1")).replaces
    identified = [{**config(f"https://{host}", "1"), "clusterIdentifier": "same"} for host in "ab"]
    assert not provider.diff_config(*identified).replaces, "the identifier decides where there is one"


@pytest.mark.parametrize(
    ("asked", "conditions", "anew"),
    [
        ("true", [], True),
        ("true", [{"type": "Failed", "status": "True"}], True),
        ("true", [{"type": "Complete", "status": "True"}], False),
        ("false", [{"type": "Failed", "status": "True"}], False),
        ("", [{"type": "Failed", "status": "True"}], False),
    ],
)
def test_a_job_that_asks_for_it_is_replaced_until_it_is_complete(
    server: FakeApiServer, provider: KubernetesProvider, asked: str, conditions: list[Values], anew: bool
) -> None:
    """pulumi-kubernetes 4.34.2, provider/pkg/provider/provider.go, `Diff`; pkg/await/checker/job/check.go."""
    annotations = {"pulumi.com/replaceUnready": asked} if asked else {}
    metadata = {"namespace": "apps", "annotations": annotations}
    job = manifest("batch/v1", "Job", metadata=metadata, spec={"template": {"spec": POD_SPEC}})
    server.add("batch/v1", "Job", "x", "apps", status={"conditions": conditions})
    diff = provider.diff(JOB, "apps/x", job, job, job)
    assert bool(diff) == bool(diff.replaces) == anew
    assert diff.delete_before_replace, "two of one name cannot be"
    del server.objects[("batch/v1", "jobs", "apps", "x")]
    assert not provider.diff(JOB, "apps/x", job, job, job), "an unreadable one is unknown"


def test_nothing_but_a_job_is_replaced_for_not_being_ready(server: FakeApiServer, provider: KubernetesProvider) -> None:
    metadata = {"namespace": "apps", "annotations": {"pulumi.com/replaceUnready": "true"}}
    server.add("apps/v1", "Deployment", "x", "apps")
    same = {**deployment(), "metadata": {"name": "x", **metadata}}
    assert not provider.diff(DEPLOYMENT, "apps/x", same, same, same)


# Configuration


def test_provider_arguments_are_those_of_the_real_provider(provider: KubernetesProvider) -> None:
    accepted = {
        "kubeconfig": "k",
        "clusterIdentifier": "c",
        "enableServerSideApply": "true",
        "helmReleaseSettings": "{}",
    }
    assert provider.check_config(accepted) == []
    assert [failure.reason for failure in provider.check_config({"kubeConfig": "k"})] == [
        "kubeConfig: unknown provider argument; remove it"
    ]
    assert "renderYamlToDirectory" in provider.check_config({"renderYamlToDirectory": "x"})[0].reason


def test_functions_are_refused(provider: KubernetesProvider) -> None:
    with pytest.raises(ProviderError, match="plays no functions"):
        provider.invoke("kubernetes:yaml:decode", {})

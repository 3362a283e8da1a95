"""The state has the form that pulumi-kubernetes gives it, so that the real provider could go on from it.

Expected is what its source says, at commit 94977969 (July 2026, after 4.32.0): provider/pkg/provider/provider.go
(`checkpointObject`, `annotateSecrets`, `Read`), helm_release.go (`Release`, `setDefaults`, `checkpointRelease`) and
manifest_json.go; for structures, pulumi/pulumi's sdk/go/common/util/mapper/mapper_encode.go.
"""

from typing import Any

import pytest
from support.sandboxes.fake_api_server import FakeApiServer
from support.sandboxes.kube_manifests import CONFIG_MAP, SECRET, config_map, create, manifest, urn

from llmplatform_sandbox.providers.base import UNKNOWN, Autonaming, Secret, Values
from llmplatform_sandbox.providers.helm import RELEASE
from llmplatform_sandbox.providers.helm_state import resource_names
from llmplatform_sandbox.providers.kubernetes import KubernetesProvider

URN = "urn:pulumi:dev::proj::kubernetes:helm.sh/v3:Release::rel"
RELEASE_INPUTS: Values = {
    # The fields of `Release` in their order, as they are where a program sets name, namespace and chart alone;
    # not there: the pointers maxHistory, repositoryOpts and status, and resourceNames, which `Check` takes out.
    "allowNullValues": False,
    "atomic": False,
    "chart": "./.charts/widget-v1.2.3.tgz",
    "cleanupOnFail": False,
    "createNamespace": False,
    "dependencyUpdate": False,
    "description": "",
    "devel": False,
    "disableCRDHooks": False,
    "disableOpenapiValidation": False,
    "disableWebhooks": False,
    "forceUpdate": False,
    "keyring": "",
    "lint": False,
    "name": "rel",
    "namespace": "apps",
    "postrender": "",
    "recreatePods": False,
    "renderSubchartNotes": False,
    "replace": False,
    "resetValues": False,
    "reuseValues": False,
    "values": {},
    "skipCrds": False,
    "timeout": 300,
    "verify": False,
    "version": "v1.2.3",
    "skipAwait": False,
    "waitForJobs": False,
}


@pytest.fixture
def server() -> FakeApiServer:
    return FakeApiServer()


@pytest.fixture
def provider(server: FakeApiServer) -> KubernetesProvider:
    return KubernetesProvider(server.kube)


def checked(provider: KubernetesProvider, **given: Any) -> Values:
    program = {"chart": "./.charts/widget-v1.2.3.tgz", "name": "rel", "namespace": "apps", "compat": "true", **given}
    inputs, failures = provider.check(RELEASE, {}, program, Autonaming(name="rel", urn=URN))
    assert not failures, failures
    return inputs


# Objects


def test_the_state_of_an_object_is_all_that_lives_and_what_it_was_made_from(
    server: FakeApiServer, provider: KubernetesProvider
) -> None:
    inputs = config_map(metadata={"namespace": "default"})
    _, outputs = create(provider, CONFIG_MAP, inputs)
    live = server.one("v1", "ConfigMap", "x", "default")
    assert live is not None
    own = {"__inputs", "__initialApiVersion", "__fieldManager"}
    assert {key: value for key, value in outputs.items() if key not in own} == live, "managed fields among it"
    assert outputs["__inputs"] == inputs
    assert outputs["__initialApiVersion"] == "v1"
    assert outputs["__fieldManager"] in {each["manager"] for each in live["metadata"]["managedFields"]}


def test_a_read_keeps_the_first_api_version_and_brings_the_inputs_up_to_what_lives(
    server: FakeApiServer, provider: KubernetesProvider
) -> None:
    inputs = config_map(metadata={"namespace": "default"}, data={"a": "b"})
    id_, outputs = create(provider, CONFIG_MAP, inputs)
    server.one("v1", "ConfigMap", "x", "default")["data"] = {"a": "edited"}  # type: ignore[index]
    found = provider.read(CONFIG_MAP, urn(), id_, inputs, {**outputs, "__initialApiVersion": "v0"})
    assert found is not None
    assert found[2]["__inputs"] == found[1]
    assert found[1]["data"] == {"a": "edited"}
    assert found[2]["__initialApiVersion"] == "v0"


def test_a_list_with_a_secret_in_it_is_secret_as_a_whole(provider: KubernetesProvider) -> None:
    spec = {"args": ["--user", Secret("s3cret")], "image": "a"}
    _, outputs = create(provider, CONFIG_MAP, config_map(metadata={"namespace": "default"}, spec=spec))
    assert outputs["spec"] == {"args": Secret(["--user", "s3cret"]), "image": "a"}
    assert outputs["__inputs"]["spec"] == outputs["spec"]


def test_of_a_secret_the_data_is_secret_and_nothing_else(provider: KubernetesProvider) -> None:
    metadata = {"namespace": "default", "labels": {"a": Secret("b")}}
    inputs = manifest("v1", "Secret", metadata=metadata, stringData={"k": "v"})
    _, outputs = create(provider, SECRET, inputs)
    assert outputs["__inputs"]["stringData"] == Secret({"k": "v"})
    assert outputs["metadata"]["labels"] == {"a": "b"}, "as in the real state: a label is no place for a secret"


def test_an_object_that_no_program_has_described_is_read_without_what_the_api_server_decides(
    server: FakeApiServer, provider: KubernetesProvider
) -> None:
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "kept": "1"}
    decided = {"generation": 3, "creationTimestamp": "2000-01-01T00:00:00Z", "managedFields": []}
    server.add("v1", "ConfigMap", "x", "default", metadata={"annotations": annotations, **decided}, data={"a": "b"})
    found = provider.read(CONFIG_MAP, urn(), "default/x", {}, {})
    assert found is not None
    expected = {"name": "x", "namespace": "default", "annotations": {"kept": "1"}}
    assert found[1] == {"apiVersion": "v1", "kind": "ConfigMap", "metadata": expected, "data": {"a": "b"}}


# Releases


def test_the_inputs_of_a_release_are_all_its_fields_with_their_defaults(provider: KubernetesProvider) -> None:
    assert checked(provider) == RELEASE_INPUTS


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"skipAwait": True}, {"skipAwait": True, "timeout": 0}),
        ({"timeout": 0}, {"timeout": 0}),
        ({"maxHistory": 0}, {"maxHistory": 0}),
        ({"values": {"a": UNKNOWN}}, {"values": {"a": UNKNOWN}, "version": ""}),
        (
            {"repositoryOpts": {"repo": "https://charts.example.org"}},
            {
                "repositoryOpts": {
                    "repo": "https://charts.example.org",
                    "caFile": "",
                    "certFile": "",
                    "keyFile": "",
                    "password": "",
                    "username": "",
                }
            },
        ),
    ],
    ids=["no-wait", "no-limit", "history", "unknown", "repository"],
)
def test_what_a_program_says_of_a_release_stands_in_place_of_the_default(
    provider: KubernetesProvider, given: Values, expected: Values
) -> None:
    assert checked(provider, **given) == {**RELEASE_INPUTS, **expected}


def test_the_state_of_a_release_is_its_fields_with_status_and_names_and_the_inputs_as_a_secret(
    provider: KubernetesProvider,
) -> None:
    inputs = checked(provider, values={"a": {"b": [Secret("s3cret")]}})
    _, outputs = provider.create(RELEASE, URN, inputs, False, 0)
    assert outputs == {
        **inputs,
        "values": {"a": {"b": Secret(["s3cret"])}},
        "resourceNames": {},
        "status": {
            "appVersion": "",
            "chart": "widget",
            "name": "rel",
            "namespace": "apps",
            "revision": 1,
            "status": "deployed",
            "version": "v1.2.3",
        },
        "__inputs": Secret({**inputs, "values": {"a": {"b": ["s3cret"]}}}),
    }
    read = provider.read(RELEASE, URN, "apps/rel", inputs, outputs)
    assert read == ("apps/rel", inputs, outputs), "a read right after finds the same"
    assert not provider.diff(RELEASE, "apps/rel", inputs, outputs, checked(provider, values=inputs["values"]))


def test_a_preview_leaves_open_what_the_cluster_answers(provider: KubernetesProvider) -> None:
    inputs = checked(provider)
    _, outputs = provider.create(RELEASE, URN, inputs, True, 0)
    assert outputs == {**inputs, "resourceNames": UNKNOWN, "status": UNKNOWN, "__inputs": Secret(inputs)}


def test_a_release_that_no_program_has_described_is_read_from_helms_record(provider: KubernetesProvider) -> None:
    provider.create(RELEASE, URN, checked(provider, values={"a": 1}, maxHistory=3, atomic=True), False, 0)
    found = provider.read(RELEASE, URN, "apps/rel", {}, {})
    assert found is not None
    assert found[1] == {**RELEASE_INPUTS, "chart": "widget", "values": {"a": 1}}, "atomic and history are not in it"


def test_the_names_of_a_releases_objects_are_grouped_by_kind_and_version() -> None:
    text = """\
---
# Source: nothing but a comment
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: b, namespace: apps}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, namespace: apps}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: n}}
"""
    assert resource_names(text) == {"Deployment.apps/apps/v1": ["apps/a", "apps/b"], "Namespace/v1": ["n"]}

"""Every Kubernetes object of every committed stack, checked strictly before any cluster exists.

Built-in kinds are checked against the published schemas of the Kubernetes version that the stack asks for, and against
the enumerations that these leave open; custom resources against the definitions in the pinned charts, where
`LLMPLATFORM_CHARTS` points at their contents, and against `ack_kinds.yaml` where an add-on of the cloud defines them.
"""

import functools
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from support.definitions import CHARTS, closed, definitions
from support.empty_fields import empty
from support.kubernetes_enums import enumerated, misspelt
from support.program import STACKS, committed, stack_config

from llmplatform.checks.rules.names import SECRETS_OF_USERS, TAKEN_IN_THE_MODELS_NAMESPACE
from llmplatform.specs.capabilities import NAMESPACES
from llmplatform.testing import Registered


@functools.cache
def manifests(stack: str) -> tuple[Registered, ...]:
    registered = committed(stack).registered
    return tuple(each for each in registered if each.type.startswith("kubernetes:") and "kind" in each.inputs)


def minor(stack: str) -> str:
    """The Kubernetes version that a stack asks for."""
    return stack_config(stack)["llmplatform:cluster"]["kubernetes_version"]


@functools.cache
def kinds_of_addons() -> dict[tuple[str, str], dict[str, Any]]:
    """(apiVersion, kind) of what a cloud's managed add-ons bring to its schema, closed against unknown fields."""
    documents = yaml.safe_load((Path(__file__).parent / "ack_kinds.yaml").read_text())
    keys = {key: key.rsplit("/", 1) for key in documents}
    return {(version, kind): closed(documents[key]) for key, (version, kind) in keys.items()}


def faults(manifest: dict[str, Any], version: str) -> list[str]:
    """What a strict API server of that version would refuse."""
    key = manifest["apiVersion"], manifest["kind"]
    try:
        kubernetes_validate.validate(manifest, version, strict=True)
    except kubernetes_validate.utils.ValidationError as error:
        return [f"{'.'.join(map(str, error.path))}: {error.message}"]
    except kubernetes_validate.utils.SchemaNotFoundError:
        known = {
            **kinds_of_addons(),
            **(definitions("cert-manager", "keda", "milvus-operator", "prometheus-operator-crds") if CHARTS else {}),
        }
        if key not in known:
            return [f"{key} is neither built in nor defined by a pinned chart or an add-on"] if CHARTS else []
        validator = jsonschema.Draft7Validator(known[key])
        return [f"{'.'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(manifest)]
    return misspelt(manifest)


@pytest.mark.parametrize("stack", STACKS)
def test_every_registered_manifest_passes_strict_validation(stack: str) -> None:
    wrong = {each.urn: found for each in manifests(stack) if (found := faults(each.inputs, minor(stack)))}
    assert manifests(stack), "the stack registers no Kubernetes object at all"
    assert not wrong, "the API server would refuse these"


@pytest.mark.parametrize("stack", STACKS)
def test_no_field_is_empty(stack: str) -> None:
    """k8s.io/api core/v1: omitempty, e.g. EnvVar.Value, Toleration.Value, Secret.StringData."""
    assert not {each.urn: found for each in manifests(stack) if (found := empty(each.inputs))}


@pytest.mark.parametrize("stack", STACKS)
def test_every_object_has_an_explicit_name_and_our_labels(stack: str) -> None:
    for each in manifests(stack):
        metadata = each.inputs["metadata"]
        assert metadata.get("name"), f"{each.urn}: a random name breaks references from outside the program"
        assert metadata.get("labels", {}).get("app.kubernetes.io/managed-by") == "llmplatform", (
            f"{each.urn} is unlabelled"
        )


@pytest.mark.parametrize("stack", STACKS)
def test_names_that_are_taken_are_refused_to_namespaces_and_models(stack: str) -> None:
    ours = stack_config(stack).get("llmplatform:platform", {}).get("models_namespace", "models")
    for each in manifests(stack):
        metadata, kind = each.inputs["metadata"], each.inputs["kind"]
        if kind == "Namespace" and metadata["name"] != ours:
            assert metadata["name"] in NAMESPACES, "models could be put there"
        of_a_model = "llmplatform.dev/model" in metadata["labels"]
        # No model's name has a dot.
        if metadata.get("namespace") == ours and not of_a_model and "." not in metadata["name"]:
            taken = metadata["name"] in TAKEN_IN_THE_MODELS_NAMESPACE or metadata["name"].startswith(SECRETS_OF_USERS)
            assert taken, f"a model's {kind} could have the same name"


VERSION = minor(STACKS[0])


def deployment() -> dict[str, Any]:
    found = next(each for each in manifests(STACKS[0]) if each.inputs["kind"] == "Deployment")
    return yaml.safe_load(yaml.safe_dump(found.inputs))


def test_an_unknown_field_is_refused() -> None:
    manifest = deployment()
    manifest["spec"]["replica"] = 1
    assert any("replica" in fault for fault in faults(manifest, VERSION)), "a typo in a field must not pass"


def test_an_illegal_value_is_refused() -> None:
    manifest = deployment()
    manifest["spec"]["template"]["spec"]["containers"][0]["ports"][0]["containerPort"] = "eight thousand"
    assert faults(manifest, VERSION), "a word is not a port"


def test_a_field_of_a_later_version_is_refused() -> None:
    manifest = deployment()
    manifest["spec"]["template"]["spec"]["hostnameOverride"] = "x"
    assert faults(manifest, "1.33"), "1.34 brought the field"
    assert not faults(manifest, "1.35")


def test_a_misspelt_choice_is_refused() -> None:
    manifest = deployment()
    manifest["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] = "Alwayz"
    assert faults(manifest, VERSION) == [
        "spec.template.spec.containers[].imagePullPolicy: 'Alwayz' is none of Always, Never, IfNotPresent"
    ]


def spoilt(value: Any) -> Any:
    """The same with a letter too many behind every text."""
    if isinstance(value, dict):
        return {key: spoilt(each) for key, each in value.items()}
    if isinstance(value, list):
        return [spoilt(each) for each in value]
    return f"{value}z" if isinstance(value, str) else value


def test_every_choice_in_our_manifests_is_refused_when_misspelt() -> None:
    met: set[tuple[str, str]] = set()
    for each in manifests(STACKS[0]):
        choices = list(enumerated(each.inputs))
        assert len(misspelt({**spoilt(each.inputs), "kind": each.inputs["kind"]})) == len(choices), each.urn
        met |= {row for row, _, _ in choices}
    wanted = {("*", "imagePullPolicy"), ("*", "ports[].protocol"), ("*", "tolerations[].operator")}
    wanted |= {("Deployment", "spec.strategy.type"), ("Service", "spec.type"), ("StorageClass", "volumeBindingMode")}
    wanted |= {("NetworkPolicy", "spec.policyTypes[]"), ("LimitRange", "spec.limits[].type")}
    assert wanted <= met, "the walk misses fields that the stack has"


def test_a_choice_is_told_apart_from_what_users_name() -> None:
    """Labels, data and parameters may be called as fields are."""
    free = {"metadata": {"labels": {"imagePullPolicy": "x"}}, "data": {"restartPolicy": "x"}}
    assert not misspelt({"apiVersion": "v1", "kind": "ConfigMap", **free})


@pytest.mark.skipif(not CHARTS, reason="the contents of the pinned charts are not here")
def test_a_custom_resource_is_held_to_the_definition_of_its_chart() -> None:
    monitor: dict[str, Any] = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": {"name": "x"},
        "spec": {"selector": {}, "endpoints": [{"port": "http", "interval": "15s"}]},
    }
    assert not faults(monitor, VERSION)
    monitor["spec"]["endpoints"][0]["intervall"] = "15s"
    assert any("intervall" in fault for fault in faults(monitor, VERSION))
    del monitor["spec"]["endpoints"][0]["intervall"]
    monitor["spec"]["endpoints"][0]["scheme"] = "gopher"
    assert any("gopher" in fault for fault in faults(monitor, VERSION)), "an enumeration is part of the definition"


@pytest.mark.parametrize("kind", ["pipeline", "log_config"])
def test_what_a_clouds_collector_is_told_has_only_documented_fields(kind: str) -> None:
    from llmplatform import alicloud
    from llmplatform.testing import RecordingEngine

    def program() -> None:
        args = {"namespace": "models", "project_name": "logs", "store": "models", "region": "cn-hangzhou"}
        alicloud.LogCollection("models", alicloud.LogCollectionArgs(kind=kind, **args))  # type: ignore[arg-type]

    (manifest,) = [each.inputs for each in RecordingEngine().run(program).registered if each.custom]
    assert not faults(manifest, VERSION)
    manifest["spec"]["logStore"] = "models"
    assert any("logStore" in fault for fault in faults(manifest, VERSION)), "the cluster would take it without a word"

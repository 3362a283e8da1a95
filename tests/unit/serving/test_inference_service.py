"""A model whose pods KServe makes: the same server in an InferenceService, and everything around it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.model_servers import served

from llmplatform.serving import hydrators, inference_service
from llmplatform.serving.hydration.faults import TIRED_CODE
from llmplatform.testing import RecordingEngine, walk

SERVICE = "kubernetes:serving.kserve.io/v1beta1:InferenceService"
SCALED = {"scaling": {"requests": 20, "min_replicas": 2, "max_replicas": 3}}
CUSTOM = {"kind": "custom", "image": "registry.example.org/team/server:1.0", "without_metrics": True}


def by_kserve(**settings: Any) -> RecordingEngine:
    return served(workload="kserve", addons={"kserve": {"enabled": True}}, **settings)


def made(engine: RecordingEngine) -> dict[str, Any]:
    return engine.one(SERVICE).inputs


def predictor(engine: RecordingEngine) -> dict[str, Any]:
    return made(engine)["spec"]["predictor"]


def template(engine: RecordingEngine) -> dict[str, Any]:
    return engine.one("kubernetes:apps/v1:Deployment").inputs["spec"]["template"]


def test_it_takes_the_place_of_deployment_and_service_and_of_nothing_else() -> None:
    kinds = sorted(each.type.rpartition(":")[2] for each in by_kserve().registered)
    others = sorted(each.type.rpartition(":")[2] for each in served().registered)
    assert sorted([*kinds, "Deployment", "Service"]) == sorted([*others, "InferenceService"])


@pytest.mark.parametrize("settings", [{}, {"engine": CUSTOM}, {"weights": {"cache": "node"}}], ids=str)
def test_its_pods_are_those_of_a_deployment_but_for_two_names(settings: dict[str, Any]) -> None:
    """Container: predictor_custom.go, GetContainer. PYTHONPATH: pkg/validation/env_policy.go, DefaultBlockedEnvVars."""
    wanted, found = template(served(**settings)), predictor(by_kserve(**settings))
    (container,), (own,) = wanted["spec"]["containers"], found["containers"]
    assert own == {**container, "name": "kserve-container"}
    (init,), (check,) = wanted["spec"]["initContainers"], found["initContainers"]
    assert "PYTHONPATH" in {each["name"] for each in init["env"]}
    changed = {"env": [each for each in init["env"] if each["name"] != "PYTHONPATH"], "command": check["command"]}
    assert check == {**init, **changed}
    assert not [value for _, value in walk(found) if value == "PYTHONPATH"]
    same = wanted["spec"].keys() - {"containers", "initContainers"}
    assert {key: found[key] for key in same} == {key: wanted["spec"][key] for key in same}
    assert found["labels"] == wanted["metadata"]["labels"]
    assert found["annotations"] == wanted["metadata"]["annotations"]


def test_the_program_that_looks_for_weights_runs_without_a_variable(tmp_path: Path) -> None:
    """In its volume are the modules alone, in the folders of their package."""
    found = predictor(by_kserve())
    (check,), (volume,) = found["initContainers"], [each for each in found["volumes"] if each["name"] == "hydration"]
    (mount,) = [each for each in check["volumeMounts"] if each["name"] == "hydration"]
    for item in volume["configMap"]["items"]:
        file = tmp_path / item["path"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(hydrators.modules()[item["key"]])
    command = [word.replace(mount["mountPath"], str(tmp_path)) for word in check["command"]]
    # Isolated, this interpreter sees neither this checkout nor any variable.
    words = [sys.executable, "-I", "-S", *command[1:], *check["args"], "--root", str(tmp_path / "weights")]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ended.returncode == TIRED_CODE, ended.stderr
    assert f"{tmp_path / 'weights'}/" in ended.stdout + ended.stderr, "it has looked"


@pytest.mark.parametrize(
    ("settings", "least", "most", "scaler"), [({"replicas": 2}, 2, 2, "none"), (SCALED, 2, 3, "external")]
)
def test_kserve_scales_nothing_by_itself(settings: dict[str, Any], least: int, most: int, scaler: str) -> None:
    """reconcilers/hpa/hpa_reconciler.go, shouldCreateHPA: without the annotation it makes one by CPU."""
    engine = by_kserve(args={"prometheus_url": "http://prometheus:9090"}, **settings)
    assert made(engine)["metadata"]["annotations"]["serving.kserve.io/autoscalerClass"] == scaler
    assert (predictor(engine)["minReplicas"], predictor(engine)["maxReplicas"]) == (least, most)


def test_what_scales_it_names_the_deployment_that_kserve_makes() -> None:
    engine = by_kserve(args={"prometheus_url": "http://prometheus:9090"}, **SCALED)
    target = engine.one("kubernetes:keda.sh/v1alpha1:ScaledObject").inputs["spec"]["scaleTargetRef"]
    assert target == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "chat-predictor"}


def test_clients_reach_it_at_the_service_that_kserve_makes() -> None:
    assert by_kserve().result == {
        "url": "http://chat-predictor.models.svc:80",
        "model": "chat",
        "secret": "chat-api-key",
    }


def test_budget_policy_and_monitor_select_what_kserve_copies_from_it() -> None:
    """components/predictor.go, buildObjectMeta: Deployment, Service and pods have the predictor's labels."""
    engine = by_kserve()
    labels = predictor(engine)["labels"].items()
    budget = engine.named("chat-budget").inputs["spec"]["selector"]["matchLabels"]
    monitor = engine.named("chat-monitor").inputs["spec"]
    policy = engine.named("chat-network").inputs["spec"]["podSelector"]["matchLabels"]
    assert budget.items() <= labels
    assert policy.items() <= labels
    assert monitor["selector"]["matchLabels"].items() <= labels
    assert monitor["targetLabels"] == ["llmplatform.dev/model"]
    ports = {each["name"] for each in predictor(engine)["containers"][0]["ports"]}
    assert monitor["endpoints"][0]["port"] in ports, "the Service has the names of the container's ports"


@pytest.mark.parametrize(
    ("settings", "strategy"),
    [
        ({}, {"type": "Recreate"}),
        ({"replicas": 2}, {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}),
        ({"surge": True}, {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}),
    ],
    ids=str,
)
def test_an_update_needs_no_more_gpus_than_the_settings_say(settings: dict[str, Any], strategy: dict[str, Any]) -> None:
    assert predictor(by_kserve(**settings))["deploymentStrategy"] == strategy


def test_an_update_waits_until_it_is_ready_as_long_as_for_a_deployment() -> None:
    engine = by_kserve()
    found = engine.one(SERVICE)
    assert found.inputs["metadata"]["annotations"]["pulumi.com/waitFor"] == "condition=Ready"
    assert found.waits == served().one("kubernetes:apps/v1:Deployment").waits != ()


def test_it_is_one_of_the_standard_mode_and_downloads_nothing_by_kserve() -> None:
    engine = by_kserve()
    assert made(engine)["metadata"]["annotations"]["serving.kserve.io/deploymentMode"] == "Standard"
    assert not {"model", "storageUris"} & predictor(engine).keys()
    names = {each["name"] for each in predictor(engine)["containers"][0]["env"]}
    assert not {"STORAGE_URI", "PROTOCOL", "MULTI_MODEL_SERVER"} & names


def test_names_of_what_kserve_makes_fit_a_label() -> None:
    """pkg/constants, GetRawServiceLabel; a label has 63 letters, a model's name 32."""
    assert len(f"isvc.{inference_service.predictor('m' * 32)}") <= 63

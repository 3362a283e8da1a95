"""The stack files of examples/engines: one for each engine and cloud, that an API server and an engine take."""

import functools
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from support.definitions import CHARTS, definitions
from support.empty_fields import empty
from support.program import ROOT, run_program

from llmplatform.catalog import engine_flags, engines
from llmplatform.serving.engines import ENGINES
from llmplatform.specs.engines import DEFAULT
from llmplatform.testing import RecordingEngine

FOLDER = ROOT / "examples/engines"
STACKS = sorted(path.name.split(".")[1] for path in FOLDER.glob("Pulumi.*.yaml"))
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
RAY_SERVICE = "kubernetes:ray.io/v1:RayService"
INFERENCE_SERVICE = "kubernetes:serving.kserve.io/v1beta1:InferenceService"
MONITOR = "kubernetes:monitoring.coreos.com/v1:ServiceMonitor"
POD_MONITOR = "kubernetes:monitoring.coreos.com/v1:PodMonitor"
RULES = "kubernetes:monitoring.coreos.com/v1:PrometheusRule"
SERVICE = "kubernetes:core/v1:Service"
MIRROR = "acme-registry-vpc.cn-hangzhou.cr.aliyuncs.com/"


def config(stack: str) -> dict[str, Any]:
    return yaml.safe_load((FOLDER / f"Pulumi.{stack}.yaml").read_text())["config"]


@functools.cache
def made(stack: str) -> RecordingEngine:
    facts = [engines.facts(kind) for kind in kinds(stack).values()]
    warned = any(each.aging is not None or each.server.open_paths is not None for each in facts)
    return run_program(config(stack), stack, project="engines", may_warn=warned)


@functools.cache
def kinds(stack: str) -> dict[str, str]:
    """Each model's engine."""
    models = config(stack)["llmplatform:models"].items()
    return {name: model.get("engine", {}).get("kind", DEFAULT.kind) for name, model in models}


def pod(workload: dict[str, Any]) -> dict[str, Any]:
    """The pod of a server."""
    if "predictor" in workload:
        return workload["predictor"]
    if "rayClusterConfig" in workload:
        (workload,) = workload["rayClusterConfig"]["workerGroupSpecs"]
    return workload["template"]["spec"]


def pods(stack: str) -> dict[str, dict[str, Any]]:
    """Each model's pods, whatever makes them."""
    kinds_of_workload = (DEPLOYMENT, INFERENCE_SERVICE, RAY_SERVICE)
    objects = [each for kind in kinds_of_workload for each in made(stack).all(kind)]
    found = {each.inputs["metadata"]["name"]: pod(each.inputs["spec"]) for each in objects}
    assert set(found) == set(kinds(stack))
    return found


def all_pods(stack: str) -> list[dict[str, Any]]:
    """The models' pods, and the heads of their Ray clusters."""
    clusters = [each.inputs["spec"]["rayClusterConfig"] for each in made(stack).all(RAY_SERVICE)]
    return [*pods(stack).values(), *(each["headGroupSpec"]["template"]["spec"] for each in clusters)]


@pytest.mark.parametrize("kind", [each for each in ENGINES if each != DEFAULT.kind])
def test_every_engine_has_an_example_on_both_clouds(kind: str) -> None:
    name = kind.replace("_", "-")
    for stack in (name, f"{name}-ack"):
        assert set(kinds(stack).values()) == {kind}


def test_every_workload_has_an_example_on_both_clouds() -> None:
    for stack in ("kserve", "kserve-ack"):
        models = config(stack)["llmplatform:models"].values()
        assert {model["workload"] for model in models} == {"kserve"}


@pytest.mark.parametrize("stack", STACKS)
def test_every_object_is_one_that_the_api_server_takes(stack: str) -> None:
    objects = [
        each
        for each in made(stack).registered
        if each.type.startswith("kubernetes:")
        and "kind" in each.inputs
        and each.type not in (MONITOR, POD_MONITOR, RULES, INFERENCE_SERVICE, RAY_SERVICE)
    ]
    assert len(objects) > 8
    for each in objects:
        kubernetes_validate.validate(each.inputs, "1.35", strict=True)


@pytest.mark.skipif(CHARTS is None, reason="LLMPLATFORM_CHARTS does not point at the charts' contents")
@pytest.mark.parametrize("stack", ["kserve", "kserve-ack"])
def test_every_inference_service_is_one_that_kserve_s_own_definition_takes(stack: str) -> None:
    schema = definitions("kserve-crd")["serving.kserve.io/v1beta1", "InferenceService"]
    objects = made(stack).all(INFERENCE_SERVICE)
    assert len(objects) == 2
    for each in objects:
        faults = jsonschema.Draft7Validator(schema).iter_errors(each.inputs)
        assert [f"{'.'.join(map(str, fault.path))}: {fault.message}" for fault in faults] == []


@pytest.mark.skipif(CHARTS is None, reason="LLMPLATFORM_CHARTS does not point at the charts' contents")
@pytest.mark.parametrize("stack", ["ray-serve", "ray-serve-ack"])
def test_every_ray_service_is_one_that_kuberay_s_own_definition_takes(stack: str) -> None:
    schema = definitions("kuberay-operator")["ray.io/v1", "RayService"]
    (found,) = made(stack).all(RAY_SERVICE)
    faults = jsonschema.Draft7Validator(schema).iter_errors(found.inputs)
    assert [f"{'.'.join(map(str, fault.path))}: {fault.message}" for fault in faults] == []


@pytest.mark.parametrize("stack", STACKS)
def test_no_field_of_an_object_is_empty(stack: str) -> None:
    objects = [each for each in made(stack).registered if each.type.startswith("kubernetes:") and "kind" in each.inputs]
    assert objects
    assert not {each.urn: found for each in objects if (found := empty(each.inputs))}


@pytest.mark.parametrize("stack", STACKS)
def test_every_flag_of_a_server_is_one_that_its_engine_knows(stack: str) -> None:
    for name, kind in kinds(stack).items():
        facts = engines.facts(kind)
        # Of the user's own server no list could say it.
        if facts.releases:
            known = engine_flags.flags(kind, facts.release().version)
            words = [word.partition("=")[0] for word in pods(stack)[name]["containers"][0].get("args") or ()]
            assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("stack", STACKS)
def test_every_server_is_one_that_pod_security_admits(stack: str) -> None:
    for pod in all_pods(stack):
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["runAsUser"] > 0
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False
            assert security["capabilities"]["drop"] == ["ALL"]
            assert all(port["containerPort"] >= 1024 for port in container.get("ports", []))


@pytest.mark.parametrize("stack", [each for each in STACKS if each.endswith("-ack")])
def test_every_image_in_mainland_china_comes_from_the_mirror(stack: str) -> None:
    for pod in all_pods(stack):
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            assert container["image"].startswith(MIRROR)


# KubeRay's Service has no metrics: tests/unit/serving/test_ray_serve.py.
@pytest.mark.parametrize("stack", [each for each in STACKS if not each.startswith("ray-serve")])
def test_every_server_is_scraped_at_a_port_of_its_service(stack: str) -> None:
    services = {each.inputs["metadata"]["name"]: each.inputs["spec"] for each in made(stack).all(SERVICE)}
    monitors = {each.inputs["metadata"]["name"]: each.inputs["spec"] for each in made(stack).all(MONITOR)}
    assert set(monitors) == set(kinds(stack))
    for name, monitor in monitors.items():
        [endpoint] = monitor["endpoints"]
        # The Service that KServe makes has the names of the container's ports.
        ports = services[name]["ports"] if name in services else pods(stack)[name]["containers"][0]["ports"]
        assert endpoint["port"] in {port["name"] for port in ports}
        assert endpoint["path"].startswith("/")

"""The stack files of examples/engines: one for each engine and cloud, that an API server and an engine take."""

import functools
from typing import Any

import kubernetes_validate
import pytest
import yaml
from support.program import ROOT, run_program

from llmplatform.catalog import engine_flags, engines
from llmplatform.serving.engines import ENGINES
from llmplatform.specs.engines import DEFAULT
from llmplatform.testing import RecordingEngine

FOLDER = ROOT / "examples/engines"
STACKS = sorted(path.name.split(".")[1] for path in FOLDER.glob("Pulumi.*.yaml"))
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
MONITOR = "kubernetes:monitoring.coreos.com/v1:ServiceMonitor"
SERVICE = "kubernetes:core/v1:Service"
MIRROR = "acme-registry-vpc.cn-hangzhou.cr.aliyuncs.com/"


def config(stack: str) -> dict[str, Any]:
    return yaml.safe_load((FOLDER / f"Pulumi.{stack}.yaml").read_text())["config"]


@functools.cache
def made(stack: str) -> RecordingEngine:
    facts = engines.facts(kind(stack))
    warned = facts.aging is not None or facts.server.open_paths is not None
    return run_program(config(stack), stack, project="engines", may_warn=warned)


def kind(stack: str) -> str:
    return stack.removesuffix("-ack")


def pods(stack: str) -> list[dict[str, Any]]:
    found = [each.inputs["spec"]["template"]["spec"] for each in made(stack).all(DEPLOYMENT)]
    assert len(found) == len(config(stack)["llmplatform:models"])
    return found


@pytest.mark.parametrize("kind", [each for each in ENGINES if each != DEFAULT.kind])
def test_every_engine_has_an_example_on_both_clouds(kind: str) -> None:
    for stack in (kind, f"{kind}-ack"):
        models = config(stack)["llmplatform:models"].values()
        assert {model["engine"]["kind"] for model in models} == {kind}


@pytest.mark.parametrize("stack", STACKS)
def test_every_object_is_one_that_the_api_server_takes(stack: str) -> None:
    objects = [
        each
        for each in made(stack).registered
        if each.type.startswith("kubernetes:") and "kind" in each.inputs and "monitoring.coreos.com" not in each.type
    ]
    assert len(objects) > 8
    for each in objects:
        kubernetes_validate.validate(each.inputs, "1.35", strict=True)


# Of the user's own server no list could say it.
@pytest.mark.parametrize("stack", [each for each in STACKS if engines.facts(kind(each)).releases])
def test_every_flag_of_a_server_is_one_that_its_engine_knows(stack: str) -> None:
    facts = engines.facts(kind(stack))
    known = engine_flags.flags(kind(stack), facts.release().version)
    words = [word.partition("=")[0] for pod in pods(stack) for word in pod["containers"][0]["args"]]
    assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("stack", STACKS)
def test_every_server_is_one_that_pod_security_admits(stack: str) -> None:
    for pod in pods(stack):
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["runAsUser"] > 0
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False
            assert security["capabilities"]["drop"] == ["ALL"]
            assert all(port["containerPort"] >= 1024 for port in container.get("ports", []))


@pytest.mark.parametrize("stack", [each for each in STACKS if each.endswith("-ack")])
def test_every_image_in_mainland_china_comes_from_the_mirror(stack: str) -> None:
    for pod in pods(stack):
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            assert container["image"].startswith(MIRROR)


@pytest.mark.parametrize("stack", STACKS)
def test_every_server_is_scraped_at_a_port_of_its_service(stack: str) -> None:
    services = {each.inputs["metadata"]["name"]: each.inputs["spec"] for each in made(stack).all(SERVICE)}
    monitors = {each.inputs["metadata"]["name"]: each.inputs["spec"] for each in made(stack).all(MONITOR)}
    assert set(monitors) == set(config(stack)["llmplatform:models"])
    for name, monitor in monitors.items():
        [endpoint] = monitor["endpoints"]
        assert endpoint["port"] in {port["name"] for port in services[name]["ports"]}
        assert endpoint["path"].startswith("/")

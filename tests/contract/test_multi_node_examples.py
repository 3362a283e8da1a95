"""The stack files of examples/multi-node: groups that the CRD, the engines and Pod Security take."""

import functools
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from support.definitions import CHARTS, definitions
from support.program import ROOT, run_program

from llmplatform.catalog import engine_flags, engines
from llmplatform.testing import RecordingEngine

FOLDER = ROOT / "examples/multi-node"
STACKS = sorted(path.name.split(".")[1] for path in FOLDER.glob("Pulumi.*.yaml"))
GROUPS = "kubernetes:leaderworkerset.x-k8s.io/v1:LeaderWorkerSet"
KINDS = {"deepseek-v3-1": "vllm", "qwen2-5-72b": "sglang"}
SIZES = {"deepseek-v3-1": 2, "qwen2-5-72b": 4}


@functools.cache
def made(stack: str) -> RecordingEngine:
    config = yaml.safe_load((FOLDER / f"Pulumi.{stack}.yaml").read_text())["config"]
    return run_program(config, stack, project="multi-node", may_warn=True)


def groups(stack: str) -> dict[str, dict[str, Any]]:
    return {each.inputs["metadata"]["name"]: each.inputs for each in made(stack).all(GROUPS)}


@pytest.mark.parametrize("stack", STACKS)
def test_there_are_groups_of_two_and_of_four_nodes(stack: str) -> None:
    found = groups(stack)
    assert {name: each["spec"]["leaderWorkerTemplate"]["size"] for name, each in found.items()} == SIZES


@pytest.mark.skipif(not CHARTS, reason="LLMPLATFORM_CHARTS names no folder of charts")
@pytest.mark.parametrize("stack", STACKS)
def test_every_group_is_one_that_the_crd_of_the_pinned_release_takes(stack: str) -> None:
    validator = jsonschema.Draft7Validator(definitions("lws")["leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet"])
    for name, group in groups(stack).items():
        assert not [f"{name}: {error.json_path}: {error.message}" for error in validator.iter_errors(group)]


@pytest.mark.parametrize("stack", STACKS)
def test_every_pod_of_a_group_is_one_that_the_api_server_and_pod_security_admit(stack: str) -> None:
    for group in groups(stack).values():
        for role in ("leaderTemplate", "workerTemplate"):
            template = group["spec"]["leaderWorkerTemplate"][role]
            pod = {"apiVersion": "v1", "kind": "Pod", **template, "metadata": {"name": "a", **template["metadata"]}}
            kubernetes_validate.validate(pod, "1.35", strict=True)
            spec = template["spec"]
            assert spec["securityContext"]["runAsNonRoot"]
            for container in [*spec["initContainers"], *spec["containers"]]:
                assert container["securityContext"]["allowPrivilegeEscalation"] is False
                assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]


@pytest.mark.parametrize("stack", STACKS)
def test_every_flag_of_leader_and_workers_is_one_that_the_engine_knows(stack: str) -> None:
    for name, group in groups(stack).items():
        kind = KINDS[name]
        known = engine_flags.flags(kind, engines.facts(kind).release().version)
        for role in ("leaderTemplate", "workerTemplate"):
            (container,) = group["spec"]["leaderWorkerTemplate"][role]["spec"]["containers"]
            words = [word.partition("=")[0] for word in container["args"]]
            assert {word for word in words if word.startswith("--")} <= known

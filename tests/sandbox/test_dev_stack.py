"""The platform's dev stack on the real engine, API server and scheduler: what a user of the README does, and sees."""

import base64
import json
import os
import shutil
import subprocess
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.pace import eventually
from support.program import ROOT
from support.sandboxes.command_line import Said, llmplatform
from support.sandboxes.process_list import content, watched_commands

from llmplatform_sandbox.cloud import NoControlPlane, open_cloud
from llmplatform_sandbox.interfaces import Release
from llmplatform_sandbox.kube.client import Kube
from llmplatform_sandbox.kube.releases import new_record, write_revision
from llmplatform_sandbox.lifecycle import Sandbox
from llmplatform_sandbox.paths import SandboxPaths, sandbox_paths
from llmplatform_sandbox.processes import start_time
from llmplatform_sandbox.progress import silent

pytestmark = pytest.mark.sandbox
NAMESPACE, MODEL = "models", "qwen3-8b"
GPU_TYPE = "g5.2xlarge"


@dataclass
class Platform:
    """A copy of the project, and its dev stack in the sandbox."""

    folder: Path
    commands: set[bytes] = field(default_factory=set[bytes])
    """Command lines that were seen while the platform came up."""

    @property
    def paths(self) -> SandboxPaths:
        return sandbox_paths(self.folder, "dev")

    def run(self, *arguments: str, code: int = 0) -> Said:
        return llmplatform(*arguments, "--project", str(self.folder), code=code)

    def up(self) -> dict[str, Any]:
        return json.loads(self.run("sandbox", "up", "dev", "--json").stdout)

    def status(self) -> dict[str, Any]:
        return json.loads(self.run("sandbox", "status", "dev", "--json").stdout)

    def gpu_nodes(self) -> list[dict[str, Any]]:
        return [node for node in self.status()["nodes"] if node["instance_type"] == GPU_TYPE]

    @contextmanager
    def kube(self) -> Iterator[Kube]:
        client = Kube(Sandbox(self.folder, "dev", silent).control_plane().access())
        try:
            yield client
        finally:
            client.close()

    def scale(self, replicas: int) -> None:
        with self.kube() as kube:
            deployment = kube.get("apps/v1", "Deployment", MODEL, NAMESPACE)
            assert deployment is not None
            kube.patch(deployment, {"spec": {"replicas": replicas}})

    def pods(self) -> list[dict[str, Any]]:
        """Of the model's servers: the Job that fetched its weights is done."""
        with self.kube() as kube:
            return list(kube.list("v1", "Pod", NAMESPACE, labelSelector="app.kubernetes.io/name=model-server"))

    def fault(self, *arguments: str) -> None:
        said = json.loads(self.run("sandbox", "fault", *arguments, "--json").stdout)
        assert said["active"] == ("--clear" not in arguments)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("platform")
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "infra", folder / "infra", ignore=shutil.ignore_patterns("__pycache__"))
    with_a_gated_model(folder / "Pulumi.dev.yaml")
    platform = Platform(folder)
    try:
        yield platform
    finally:
        if platform.paths.exists():
            platform.run("sandbox", "down", "dev")


def with_a_gated_model(file: Path) -> None:
    """The committed stack, whose model needs a token now: a secret of the stack file, beside the generated ones."""
    document = yaml.safe_load(file.read_text())
    document["config"]["llmplatform:models"][MODEL]["gated"] = True
    document["config"]["llmplatform:secrets"] = {
        "huggingface_token": {"secure": "v1:kOliKRaUlB7Jv0XM:3C/gNxASd6IuDYGhEXsyFUHYdyaRng=="}
    }
    file.write_text(yaml.safe_dump(document))


def test_one_command_brings_the_platform_up_with_the_model_on_a_spot_node(platform: Platform) -> None:
    with watched_commands(platform.commands):
        found = platform.up()
    assert found["pending"] == []
    assert found["idle"] == [
        "cert-manager: its controllers do not run: no certificate is issued",
        "keda: its controllers do not run: no workload is scaled",
    ]
    assert [node["capacity"] for node in platform.gpu_nodes()] == ["SPOT"], (
        "made by the autoscaling loop: it began at 0"
    )
    with platform.kube() as kube:
        deployment = kube.get("apps/v1", "Deployment", MODEL, NAMESPACE)
    assert deployment is not None
    conditions = {each["type"]: each["status"] for each in deployment["status"]["conditions"]}
    assert conditions["Available"] == "True"
    node = {node["name"] for node in platform.gpu_nodes()}
    assert {pod["spec"]["nodeName"] for pod in platform.pods()} == node


def test_a_second_run_changes_nothing(platform: Platform) -> None:
    changes = platform.up()["changes"]
    assert set(changes) == {"same"}, changes


def test_an_object_with_an_unknown_field_or_value_is_refused_by_the_api_server(platform: Platform) -> None:
    def manifest(**spec: object) -> dict[str, Any]:
        metadata = {"name": "wrong", "namespace": NAMESPACE}
        return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 1}], **spec}}

    with platform.kube() as kube:
        for wrong, said in (({"selektor": {}}, "selektor"), ({"type": "LoadBalanced"}, "LoadBalanced")):
            with pytest.raises(Exception, match=said):
                kube.apply(manifest(**wrong), manager="test")


@pytest.mark.skipif("LLMPLATFORM_CHARTS" not in os.environ, reason="the contents of the pinned charts are not here")
def test_custom_resources_are_held_to_the_definitions_of_the_pinned_charts(platform: Platform) -> None:
    wrong = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": {"name": "wrong", "namespace": NAMESPACE},
        "spec": {"selector": {}, "endpoints": [{"port": "http", "intervall": "15s"}]},
    }
    with platform.kube() as kube, pytest.raises(Exception, match="intervall"):
        kube.apply(wrong, manager="test")


def test_no_secret_is_in_the_state_the_logs_or_the_process_list(platform: Platform) -> None:
    names = [(NAMESPACE, f"{MODEL}-api-key"), (NAMESPACE, f"{MODEL}-weights-token"), ("monitoring", "grafana-admin")]
    with platform.kube() as kube:
        secrets = [kube.get("v1", "Secret", name, namespace) for namespace, name in names]
    encoded = [value for secret in secrets if secret for key, value in secret["data"].items() if key != "admin-user"]
    assert len(encoded) == 3, "the model's key, the token of the stack file, and Grafana's password"
    plain = [base64.b64decode(value).decode() for value in encoded]
    needles = [each.encode() for each in (*encoded, *plain, *(urllib.parse.quote(each, safe="") for each in encoded))]
    files = [path for path in platform.paths.folder.rglob("*") if path.is_file()]
    assert [str(path) for path in files if any(needle in content(path) for needle in needles)] == []
    assert any(b"pulumi" in command for command in platform.commands), "the engine was seen while it ran"
    assert [command for command in platform.commands if any(needle in command for needle in needles)] == []


def test_a_users_own_pulumi_sees_nothing_to_do(platform: Platform) -> None:
    before = {path: path.read_bytes() for path in platform.folder.glob("Pulumi*.yaml")}
    environment = platform.run("sandbox", "env", "dev").stdout
    script = f"{environment}\npulumi preview --non-interactive --expect-no-changes"
    result = subprocess.run(["bash", "-ec", script], cwd=platform.folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert before == {path: path.read_bytes() for path in platform.folder.glob("Pulumi*.yaml")}


def test_without_spot_machines_the_next_pod_lands_on_demand_and_afterwards_on_spot_again(platform: Platform) -> None:
    platform.fault("spot-stockout", GPU_TYPE)
    platform.scale(2)
    eventually(
        lambda: sorted(node["capacity"] for node in platform.gpu_nodes()) == ["ON_DEMAND", "SPOT"],
        "the on-demand group takes what the spot group cannot give",
    )
    eventually(lambda: all(pod["status"]["phase"] == "Running" for pod in platform.pods()), "the second pod runs")
    assert "InsufficientInstanceCapacity" in str(platform.status()["shortages"])
    platform.fault("spot-stockout", GPU_TYPE, "--clear")
    platform.scale(3)
    eventually(
        lambda: sorted(node["capacity"] for node in platform.gpu_nodes()) == ["ON_DEMAND", "SPOT", "SPOT"],
        "with spot machines back, the spot group is filled first",
    )
    platform.scale(1)


def gpu_pod(name: str) -> dict[str, Any]:
    """A pod that wants a GPU of the pool, in a namespace without a quota."""
    container = {"name": "x", "image": "example.org/x:1", "resources": {"limits": {"nvidia.com/gpu": "1"}}}
    spec = {
        "nodeSelector": {"llmplatform.dev/pool": "gpu"},
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
        "containers": [container],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": spec}


def test_a_pod_that_finds_the_pool_full_says_so(platform: Platform) -> None:
    pods = [gpu_pod(f"greedy-{number}") for number in range(6)]
    with platform.kube() as kube:
        for pod in pods:
            kube.create(pod)
        eventually(lambda: len(platform.gpu_nodes()) == 6, "three spot and three on-demand nodes are all there can be")
        eventually(
            lambda: len(lines := platform.status()["pending"]) == 1 and "maximum" in lines[0],
            "one pod is left over, and status says in one line that the pool is full",
        )
        for pod in pods:
            kube.delete(pod)
    eventually(lambda: platform.status()["pending"] == [], "no pod waits any more")


def test_a_pod_without_its_secret_stays_pending_and_says_which(platform: Platform) -> None:
    with platform.kube() as kube:
        secret = kube.get("v1", "Secret", f"{MODEL}-api-key", NAMESPACE)
        assert secret is not None
        kube.delete(secret)
        for pod in platform.pods():
            kube.delete(pod)
        eventually(
            lambda: any(f"{MODEL}-api-key" in line for line in platform.status()["pending"]),
            "status names the Secret that is missing",
        )
        metadata = {key: secret["metadata"][key] for key in ("name", "namespace", "labels")}
        kube.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": secret["data"]}, manager="test")
    eventually(lambda: platform.status()["pending"] == [], "with the Secret back the pod starts")


def test_a_second_device_plugin_takes_the_gpus_away_and_says_so(platform: Platform) -> None:
    second = Release(name="plugin", namespace="default", chart="nvidia-device-plugin", version="0.20.0", values={})
    with platform.kube() as kube:
        write_revision(kube, new_record(second, revision=1, app_version="0.20.0", status="deployed"), owner="test")
        try:
            eventually(
                lambda: all(node["gpus"] == 0 for node in platform.gpu_nodes()), "two plugins fight over the devices"
            )
            for pod in platform.pods():
                kube.delete(pod)
            eventually(
                lambda: any(
                    "nvidia-device-plugin" in line and "gpu-operator" in line for line in platform.status()["pending"]
                ),
                "status names both",
            )
        finally:
            for found in kube.list("v1", "Secret", "default"):
                if found["metadata"]["name"].startswith("sh.helm.release.v1.plugin."):
                    kube.delete(found)
    eventually(lambda: platform.status()["pending"] == [], "with one plugin the GPUs are back")


def test_everything_comes_down_and_nothing_is_left(platform: Platform) -> None:
    pids = [json.loads(file.read_text())["pid"] for file in platform.paths.run.glob("*.pid")]
    account = open_cloud("aws", platform.paths.clouds / "aws", NoControlPlane(("1.35",)))
    assert len(account.objects()) > 80, "there is something to leave behind"
    assert "everything is gone" in platform.run("sandbox", "down", "dev").stdout
    assert [pid for pid in pids if start_time(pid)] == [], "every process that the sandbox started is gone"
    assert not platform.paths.folder.exists()

"""The examples, as their READMEs say: every command in them runs, in their order."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from program import ROOT

from llmplatform_sandbox.checkpoint import Checkpoint
from llmplatform_sandbox.lifecycle import Sandbox
from llmplatform_sandbox.paths import sandbox_paths
from llmplatform_sandbox.progress import silent

pytestmark = pytest.mark.sandbox

EXAMPLES = ROOT / "examples"
OF_MODELS = {
    "pulumi:pulumi:Stack",
    "pulumi:providers",
    "llmplatform:ExistingNetwork",
    "llmplatform:ExistingCluster",
    "llmplatform:ModelServer",
    "kubernetes",
    "random",
}
"""What a stack of models is made of, by kind of resource."""


def blocks(example: str) -> list[str]:
    """The commands of a README, block by block."""
    text = (EXAMPLES / example / "README.md").read_text()
    found = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    assert found, f"{example}: its README shows no command"
    return found


def shell(folder: Path, script: str, *, code: int = 0) -> str:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    result = subprocess.run(
        ["bash", "-o", "pipefail", "-ec", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == code, result.stdout + result.stderr
    return result.stdout + result.stderr


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("checkout")
    ignored = shutil.ignore_patterns("__pycache__", ".sandbox")
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.dev-ack.yaml"):
        shutil.copy(ROOT / name, folder)
    for name in ("infra", "examples"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    yield folder
    for at in (folder, folder / "examples" / "component-reuse"):
        if sandbox_paths(at, "dev").exists():
            Sandbox(at, "dev", silent).down(force=True)


def kinds(types: set[str]) -> set[str]:
    """Types by what they are: Kubernetes' and random's by package, components by noun, whatever the cloud."""

    def kind(type_: str) -> str:
        package, folder, noun = type_.split(":")
        if package == "llmplatform":
            return f"{package}:{noun}"
        return (
            type_
            if package == "pulumi" and folder == "pulumi"
            else f"pulumi:{folder}"
            if package == "pulumi"
            else package
        )

    return {kind(type_) for type_ in types}


@pytest.mark.parametrize("stack", ["dev", "dev-ack"])
def test_a_stack_of_models_plans_models_and_nothing_else(checkout: Path, stack: str) -> None:
    outcome = Sandbox(checkout / "examples" / "models-only", stack, silent).preview()
    assert kinds({step.type for step in outcome.steps}) == OF_MODELS, "no network, no cluster, no nodes, no add-on"
    assert len([step for step in outcome.steps if step.type.endswith(":ModelServer")]) == 2


def test_two_models_run_on_the_platform_of_another_stack_as_the_readme_says(checkout: Path) -> None:
    up, down = blocks("models-only")
    shell(checkout, up)
    models = Sandbox(checkout / "examples" / "models-only", "dev", silent)
    snapshot = models.snapshot()
    assert snapshot.pending == ()
    serving = {pod.name.rsplit("-", 2)[0] for pod in snapshot.pods if pod.state == "Running"}
    assert serving >= {"qwen3-4b", "qwen3-1-7b", "qwen3-8b"}, "the team's two, and the platform's own"
    made = Checkpoint(models.paths, "models-only", "dev").resources()
    assert kinds({resource["type"] for resource in made}) == OF_MODELS
    refusal = shell(checkout, down.splitlines()[1], code=1)
    assert "other stacks live in this sandbox" in refusal, "the platform is not taken away under the models"
    said = shell(checkout, down)
    assert said.count("everything is gone") == 2, said


def test_another_teams_program_puts_a_pool_of_nodes_into_its_own_cluster_as_the_readme_says(checkout: Path) -> None:
    preview, up, down = blocks("component-reuse")[0].splitlines()
    assert "21 to create" in shell(checkout, preview)
    shell(checkout, up)
    snapshot = Sandbox(checkout / "examples" / "component-reuse", "dev", silent).snapshot()
    assert [(node.instance_type, node.capacity, node.state) for node in snapshot.nodes] == [
        ("g6.2xlarge", "ON_DEMAND", "Ready")
    ], "the one node that is always there is bought on demand"
    assert "everything is gone" in shell(checkout, down)

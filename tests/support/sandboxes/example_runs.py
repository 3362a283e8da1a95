"""The examples in a copy of the checkout, driven by the commands of their READMEs."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from llmplatform_sandbox.lifecycle import Sandbox
from llmplatform_sandbox.paths import sandbox_paths
from llmplatform_sandbox.progress import silent
from support.program import ROOT

EXAMPLES = ROOT / "examples"
OF_MODELS = {
    "pulumi:pulumi:Stack",
    "pulumi:providers",
    "llmplatform:ExistingNetwork",
    "llmplatform:ExistingCluster",
    "llmplatform:Hydration",
    "llmplatform:Weights",
    "llmplatform:ModelServer",
    "llmplatform:Rules",
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


def copied(folder: Path, stack: str) -> Iterator[Path]:
    """The body of a fixture: a copy of the checkout, in which nothing runs afterwards, whatever happens."""
    ignored = shutil.ignore_patterns("__pycache__", ".sandbox")
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.dev-ack.yaml"):
        shutil.copy(ROOT / name, folder)
    for name in ("infra", "examples"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    yield folder
    for at in (folder, folder / "examples" / "component-reuse"):
        if sandbox_paths(at, stack).exists():
            Sandbox(at, stack, silent).down(force=True)

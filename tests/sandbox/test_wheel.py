"""The distributions as another team gets them: built, installed where nothing else is, and used."""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from support.program import ROOT

pytestmark = pytest.mark.sandbox

USES = """
import importlib.resources, llmplatform
from llmplatform.aws import NodePool, NodePoolArgs, NodeRole, NodeRoleArgs
from llmplatform.catalog import instance_types
from llmplatform.planning import plan_pool
from llmplatform.checks import parse_platform_ref
from llmplatform.specs import Aws, AwsPool
files = importlib.resources.files(llmplatform)
assert files.joinpath("py.typed").is_file() and files.joinpath("specs/stack.schema.json").is_file()
print(instance_types.get("aws", "g6.2xlarge").gpus, llmplatform.__file__)
"""


def run(*command: str | Path, cwd: Path = ROOT, code: int = 0) -> str:
    result = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False)
    assert result.returncode == code, result.stdout + result.stderr
    return result.stdout + result.stderr


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("wheels")
    for source in ("components", "sandbox"):
        # From a copy: a build writes beside what it builds.
        copy = folder / source
        shutil.copytree(ROOT / source, copy, ignore=shutil.ignore_patterns("__pycache__", "dist"))
        run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder, cwd=copy)
    return {path.name.split("-")[0]: path for path in folder.glob("*.whl")}


class Environment:
    """A virtual environment in which nothing is installed but what the test installs, at the lock file's versions."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        # Without the hashes: where one package has a hash, pip wants one for our wheels too.
        self._pins = folder.with_name("pins.txt")
        lock = (ROOT / "requirements" / "run.txt").read_text()
        self._pins.write_text("\n".join(re.findall(r"^[\w.-]+==\S+", lock, re.MULTILINE)))
        self._uv = shutil.which("uv")
        if self._uv:
            run(self._uv, "venv", "--quiet", "--python", sys.executable, folder)
        else:
            run(sys.executable, "-m", "venv", folder)

    def install(self, *wheels: str) -> None:
        tool = [self._uv, "pip"] if self._uv else [self.bin / "python", "-m", "pip"]
        python = ["--python", self.bin / "python"] if self._uv else []
        run(*tool, "install", "--quiet", *python, "--constraint", self._pins, *wheels)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory, wheels: dict[str, Path]) -> Environment:
    made = Environment(tmp_path_factory.mktemp("environment") / "venv")
    made.install(f"{wheels['llmplatform']}[aws]")
    return made


def test_the_wheel_says_what_it_is_and_carries_its_licence_and_data(wheels: dict[str, Path]) -> None:
    with zipfile.ZipFile(wheels["llmplatform"]) as archive:
        names = archive.namelist()
        metadata = Parser().parsestr(archive.read(next(name for name in names if name.endswith("/METADATA"))).decode())
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert {"aws", "alicloud", "cli"} <= set(metadata.get_all("Provides-Extra") or [])
    assert "Typing :: Typed" in (metadata.get_all("Classifier") or [])
    assert "from llmplatform.aws import NodePool" in metadata.get_payload(), (
        "the page at the index shows how it is used"
    )
    assert any(name.endswith("licenses/LICENSE") for name in names)
    data = {str(path.relative_to(ROOT / "components")) for path in (ROOT / "components").rglob("data/**/*.*")}
    assert data <= set(names)


def test_in_an_empty_environment_the_library_can_be_used(environment: Environment) -> None:
    said = run(environment.bin / "python", "-c", USES, cwd=environment.bin)
    assert said.startswith("1 ")
    assert str(environment.bin.parent) in said, "the wheel's, and not the checkout's"


def test_without_its_extra_the_command_says_what_to_install(environment: Environment) -> None:
    assert "the command line is the extra `cli` of llmplatform" in run(
        environment.bin / "llmplatform", "--version", code=1
    )


def test_another_teams_program_is_previewed_with_the_wheels_alone(
    environment: Environment, wheels: dict[str, Path], tmp_path: Path
) -> None:
    environment.install(str(wheels["llmplatform"]), str(wheels["llmplatform_sandbox"]))
    shutil.copytree(
        ROOT / "examples" / "component-reuse", tmp_path / "theirs", ignore=shutil.ignore_patterns(".sandbox")
    )
    command = environment.bin / "llmplatform"
    result = subprocess.run(
        [str(command), "sandbox", "preview", "dev", "--json"],
        cwd=tmp_path / "theirs",
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    plan = json.loads(result.stdout)
    assert plan["changes"] == {"create": 23}
    assert {"llmplatform:aws:NodePool", "aws:eks/nodeGroup:NodeGroup"} <= {step["type"] for step in plan["steps"]}

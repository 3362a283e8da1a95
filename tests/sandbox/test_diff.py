"""A change to a small project against what another commit of it has made: found without network, shown, tidied up."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.pace import PATIENCE, eventually

pytestmark = pytest.mark.sandbox

SHARED = 'OWNER = "first"\n'
USES_SHARED = """
import shared

kubernetes.core.v1.ConfigMap(
    "owned",
    metadata=kubernetes.meta.v1.ObjectMetaArgs(name="owned", namespace=namespace.metadata.name),
    data={"owner": shared.OWNER, "policy": '{"a": 1, "b": [1, 2]}', "text": "one\\ntwo\\nthree\\n"},
    opts=inside,
)
kubernetes.core.v1.ConfigMap(
    "kept-apart",
    metadata=kubernetes.meta.v1.ObjectMetaArgs(name="kept-apart", namespace=namespace.metadata.name),
    data={"a": "1"},
    opts=inside,
)
"""
WITHOUT_NETWORK = ["unshare", "-rn", "sh", "-c", 'ip link set lo up && exec "$@"', "-"]


@dataclass
class Repository:
    """A git repository with the small project, and a package of its own beside it."""

    folder: Path
    cache: Path

    @property
    def program(self) -> Path:
        return self.folder / "program" / "__main__.py"

    @property
    def settings(self) -> Path:
        return self.folder / "Pulumi.dev.yaml"

    def edit(self, file: Path, old: str, new: str) -> None:
        text = file.read_text()
        assert old in text, f"{file.name} has no {old!r} to change"
        file.write_text(text.replace(old, new))

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        command = ["git", *identity, *arguments]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=True).stdout

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "llmplatform_sandbox.commands", "diff", "dev", *arguments]

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name != "KUBECONFIG"}
        path = os.pathsep.join([str(self.folder / "lib"), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        own = {"PYTHONPATH": path, "TMPDIR": str(self.cache), "XDG_CACHE_HOME": str(self.cache)}
        return {**kept, **own}

    def run(self, *arguments: str, code: int = 0, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        command = [*before, *self.command(*arguments)]
        result = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, env=self.environment(), check=False
        )
        assert result.returncode == code, result.stdout + result.stderr
        assert "Traceback" not in result.stderr
        return result

    def diff(self, against: str = "HEAD", *arguments: str) -> dict[str, Any]:
        return json.loads(self.run("--against", against, "--json", *arguments).stdout)

    def left(self) -> list[str]:
        """What lies about in the folder for temporary files."""
        return [path.name for path in self.cache.iterdir() if path.name != "llmplatform"]


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    folder = tmp_path_factory.mktemp("diff")
    repository = Repository(folder / "small", folder / "cache")
    tools = Path.home() / ".cache" / "llmplatform" / "tools"
    (repository.cache / "llmplatform").mkdir(parents=True)
    (repository.cache / "llmplatform" / "tools").symlink_to(
        Path(os.environ["XDG_CACHE_HOME"]) / "llmplatform" / "tools" if "XDG_CACHE_HOME" in os.environ else tools
    )
    source = Path(__file__).parent / "projects" / "small"
    shutil.copytree(source, repository.folder, ignore=shutil.ignore_patterns(".sandbox", "__pycache__"))
    (repository.folder / "lib").mkdir()
    (repository.folder / "lib" / "shared.py").write_text(SHARED)
    (repository.folder / ".gitignore").write_text("__pycache__/\n")
    repository.program.write_text(repository.program.read_text() + USES_SHARED)
    repository.git("init", "--quiet", "--initial-branch", "main")
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "--message", "first")
    return repository


@pytest.fixture
def repository(committed: Repository) -> Iterator[Repository]:
    yield committed
    committed.git("reset", "--quiet", "--hard")
    committed.git("clean", "--quiet", "--force")
    assert committed.left() == [], "nothing is left behind"
    assert not (committed.folder / ".sandbox").exists(), "the place of a sandbox that runs is not touched"


def change_of(found: dict[str, Any], name: str) -> dict[str, Any]:
    (change,) = [one for one in found["changes"] if one["name"] == name]
    return change


def test_without_a_change_there_is_none_and_no_network_is_needed(repository: Repository) -> None:
    offline: tuple[str, ...] = tuple(WITHOUT_NETWORK)
    if not shutil.which("ip") or subprocess.run([*offline, "true"], capture_output=True, check=False).returncode:
        offline = ()  # Where a user may not make a network namespace, the rest is still checked.
    result = repository.run("--against", "HEAD", "--detailed-exitcode", before=offline)
    assert "no changes, 9 unchanged" in result.stdout


def test_every_kind_of_change_is_told_apart(repository: Repository) -> None:
    repository.edit(repository.folder / "lib" / "shared.py", "first", "second")
    repository.edit(repository.program, '"b": [1, 2]', '"b": [1, 3, 2]')
    repository.edit(repository.program, "two", "two and a half")
    repository.edit(repository.program, '"kept-apart",\n    metadata', '"made-anew",\n    metadata')
    repository.edit(repository.program, "length=24", "length=32")
    found = repository.diff()
    assert found["counts"] == {"create": 1, "update": 0, "replace": 3, "delete": 1, "follow": 0, "unchanged": 5}
    owned = {one["path"]: one for one in change_of(found, "owned")["properties"]}
    assert (owned["data.owner"]["before"], owned["data.owner"]["after"]) == ("first", "second"), (
        "the other side ran with the package that its own commit has"
    )
    assert "+     3," in owned["data.policy"]["lines"]
    assert owned["data.text"]["lines"] == ["  one", "- two", "+ two and a half", "  three"]
    password = change_of(found, "password")
    assert [one["path"] for one in password["properties"] if one["replaces"]] == ["length"]
    assert "locked out" in password["loss"]
    assert found["changes"][0]["name"] == "password", "what is lost comes first"
    assert change_of(found, "credentials")["follows"] == [password["urn"]]
    assert change_of(found, "made-anew")["op"] == "create"
    assert change_of(found, "kept-apart")["op"] == "delete"


def test_no_secret_is_shown_and_one_that_was_encrypted_anew_counts_as_changed(repository: Repository) -> None:
    repository.edit(repository.settings, "v1:kOliKRaUlB7Jv0XM:", "v1:kOliKRaUlB7Jv0XN:")
    found = repository.diff()
    (property_,) = change_of(found, "credentials")["properties"]
    assert (property_["before"], property_["after"]) == ("[secret]", "[secret] changed")
    assert "sandbox-" not in json.dumps(found), "not even what a secret was replaced by"


def test_what_is_protected_is_seen_to_go_and_the_rest_of_the_plan_with_it(repository: Repository) -> None:
    repository.edit(repository.program, '"settings",\n    metadata', '"renamed",\n    metadata')
    repository.edit(repository.program, '"a": "1"', '"a": "2"')
    found = repository.diff()
    settings = change_of(found, "settings")
    assert (settings["op"], settings["protected"], settings["risky"]) == ("delete", True, True)
    assert change_of(found, "kept-apart")["op"] == "replace"
    shown = repository.run("--against", "HEAD", "--detailed-exitcode", code=4).stdout
    assert "it is protected, and the update is refused until pulumi state unprotect takes that off" in shown


def test_protection_that_is_taken_off_is_said(repository: Repository) -> None:
    repository.edit(repository.program, "protect=True", "protect=False")
    shown = repository.run("--against", "HEAD", "--detailed-exitcode", code=3).stdout
    assert "settings loses its protection" in shown
    assert "1 no longer protected, 9 unchanged" in shown


def test_a_stack_that_the_other_revision_lacks_is_created_whole(repository: Repository) -> None:
    repository.git("mv", "Pulumi.dev.yaml", "Pulumi.other.yaml")
    repository.git("commit", "--quiet", "--message", "no dev")
    repository.git("mv", "Pulumi.other.yaml", "Pulumi.dev.yaml")
    try:
        found = repository.diff()
    finally:
        repository.git("reset", "--quiet", "--hard", "HEAD~1")
    assert found["notes"] == ["HEAD has no stack dev: everything is created"]
    assert found["counts"]["create"] == 9


def test_a_stack_whose_file_is_gone_is_deleted_whole(repository: Repository) -> None:
    repository.settings.unlink()
    found = repository.diff()
    assert found["notes"] == ["the working tree has no stack dev: everything is deleted"]
    assert found["counts"] == {"create": 0, "update": 0, "replace": 0, "delete": 8, "follow": 0, "unchanged": 1}, (
        "all but the stack itself"
    )
    assert [one["name"] for one in found["changes"] if one["protected"]] == ["settings"]
    assert {one["path"]: one["kind"] for one in found["outputs"]} == {"namespace": "delete", "password": "delete"}
    assert found["outputs"][1]["before"] == "[secret]"


def test_a_program_of_the_other_revision_that_fails_is_a_sentence(repository: Repository) -> None:
    repository.edit(repository.program, "import pulumi\n", "import pulumi\nraise pulumi.RunError('of old')\n")
    repository.git("commit", "--quiet", "--all", "--message", "broken")
    repository.git("revert", "--no-commit", "HEAD")
    try:
        result = repository.run("--against", "HEAD", "--markdown", code=1)
    finally:
        repository.git("reset", "--quiet", "--hard", "HEAD~1")
    assert "of old" in result.stderr
    assert result.stdout.startswith("<!-- llmplatform diff dev -->\n"), "the comment of an earlier push is renewed"
    assert "of old" in result.stdout, "a reviewer is told the reason"
    assert "dev cannot be applied: the program or its plan failed" in result.stderr
    assert "compare with a revision whose stack can be applied" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--against", "no-such-branch"], "--against no-such-branch: no such revision here"),
        (["--against", "--upload-pack=evil"], "no such revision here"),
        (["--against", "HEAD", "--json", "--markdown"], "--json, --markdown: write one of them"),
    ],
)
def test_wrong_input_is_refused_in_a_sentence(repository: Repository, arguments: list[str], said: str) -> None:
    assert said in repository.run(*arguments, code=2).stderr


@pytest.mark.parametrize(("reached", "later"), [("run/import.json", 0.0), ("", 1.0)])
def test_an_interrupted_comparison_leaves_nothing(repository: Repository, reached: str, later: float) -> None:
    repository.edit(repository.program, "import pulumi\n", "import pulumi, time\ntime.sleep(30)\n")
    with subprocess.Popen(
        repository.command("--against", "HEAD"),
        cwd=repository.folder,
        env=repository.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        begun = f"llmplatform-diff-*/{reached}"
        eventually(lambda: list(repository.cache.glob(begun)), "the preview never began", every=0.01)
        time.sleep(later)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, said
    assert "interrupted" in said
    assert "Traceback" not in said
    ours = b"LLMPLATFORM_SANDBOX_ENGINE=" + str(repository.cache).encode()
    assert not [path for path in Path("/proc").glob("[0-9]*/environ") if _mentions(path, ours)], (
        "an engine that goes on after its caller would write into the folder that is removed"
    )


def _mentions(path: Path, text: bytes) -> bool:
    try:
        return text in path.read_bytes()
    except OSError:
        return False

"""The workflow that shows what a pull request changes: the same for other repositories, honest when it fails."""

import json
import os
import subprocess
from difflib import ndiff
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.program import ROOT

from llmplatform_sandbox.diff.markdown import marker
from llmplatform_sandbox.engine import SKIP_CHECKPOINTS
from llmplatform_sandbox.toolchain import PULUMI

OURS, THEIRS = ROOT / ".github/workflows/preview.yaml", ROOT / "examples/ci/preview.yaml"
TOOLS = "key: llmplatform-tools-${{ runner.os }}-${{ runner.arch }}-${{ hashFiles('%s') }}"
DIFF = 'llmplatform sandbox diff "$STACK" --against HEAD^1 --markdown > "$STACK.md" || code=$?'


def step(job: str, named: str) -> dict[str, Any]:
    (found,) = [
        one
        for one in yaml.safe_load(THEIRS.read_text())["jobs"][job]["steps"]
        if named in (one.get("name"), str(one.get("uses")).partition("@")[0])
    ]
    return found


def run(script: str, folder: Path, **variables: str) -> int:
    """As GitHub's runner does it."""
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "STACK": "dev", **variables}
    return subprocess.run(["bash", "-e", "-c", script], cwd=folder, env=environment, check=False).returncode


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_other_repositories_get_what_this_one_uses_but_for_how_it_is_installed() -> None:
    head, theirs = THEIRS.read_text().split("# What a pull request", 1)
    assert all(line.startswith("# ") for line in head.splitlines()), "only a comment comes before"
    ours = OURS.read_text().removeprefix("# What a pull request")
    lines = [line for line in ndiff(ours.splitlines(), theirs.splitlines()) if line[0] in "+-"]
    assert {" ".join(line.split()) for line in lines} == {
        "- " + TOOLS % "sandbox/llmplatform_sandbox/toolchain/**",
        "+ " + TOOLS % "requirements.txt",
        "- - run: make setup",
        "+ - run: pip install -r requirements.txt",
        f"- .venv/bin/{DIFF}",
        f"+ {DIFF}",
    }, "a correction of one of them belongs into the other too"


def test_the_stacks_of_both_sides_are_compared(tmp_path: Path) -> None:
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.old.yaml", "Pulumi.$(id).yaml"):
        (tmp_path / name).touch()
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "base")
    git(tmp_path, "mv", "Pulumi.old.yaml", "Pulumi.new-1.yaml")
    git(tmp_path, "commit", "--quiet", "--message", "merged")
    output = tmp_path / "output"
    assert run(step("stacks", "Find the stacks")["run"], tmp_path, GITHUB_OUTPUT=str(output)) == 0
    names = json.loads(output.read_text().removeprefix("names="))
    assert names == ["dev", "new-1", "old"], "a stack that goes is to be seen, and a name is never shell code"


@pytest.mark.parametrize("code", [0, 1, 2])
def test_what_the_command_prints_is_the_comment_whether_there_is_a_plan_or_not(tmp_path: Path, code: int) -> None:
    (tmp_path / "llmplatform").write_text(f"#!/bin/sh\necho comment\nexit {code}\n")
    (tmp_path / "llmplatform").chmod(0o755)
    summary = tmp_path / "summary"
    ended = run(step("diff", "Find the changes")["run"], tmp_path, GITHUB_STEP_SUMMARY=str(summary))
    assert ended == code, "the job fails with the command"
    assert (tmp_path / "dev.md").read_text() == summary.read_text() == "comment\n"
    assert step("diff", "actions/upload-artifact")["if"] == "${{ !cancelled() }}", (
        "without it the comment of an earlier push stays, and is read as that of this one"
    )


@pytest.mark.parametrize("left", [None, ""])
def test_a_run_that_fails_before_the_command_can_speak_renews_the_comment_too(tmp_path: Path, left: str | None) -> None:
    if left is not None:
        (tmp_path / "dev.md").write_text(left)
    fallback = step("diff", "Say that there is no plan")
    assert fallback["if"] == "${{ failure() }}"
    assert run(fallback["run"], tmp_path) == 0
    assert (tmp_path / "dev.md").read_text().splitlines()[0] == marker("dev"), "the last comment is found by it"


def test_the_commands_own_comment_on_a_failure_is_kept(tmp_path: Path) -> None:
    (tmp_path / "dev.md").write_text("reason\n")
    assert run(step("diff", "Say that there is no plan")["run"], tmp_path) == 0
    assert (tmp_path / "dev.md").read_text() == "reason\n"


@pytest.mark.parametrize("name", ["preview-account.yaml", "preview-account-alicloud.yaml"])
def test_a_preview_on_the_account_uses_the_cli_that_was_tried_and_serialises_once(name: str) -> None:
    (job,) = yaml.safe_load((ROOT / "examples/ci" / name).read_text())["jobs"].values()
    (cli,) = [one["with"]["pulumi-version"] for one in job["steps"] if "pulumi-version" in one.get("with", {})]
    assert f"v{cli}" == PULUMI.version
    (preview,) = [one for one in job["steps"] if "pulumi preview" in one.get("run", "")]
    assert preview["env"][SKIP_CHECKPOINTS] == "true"

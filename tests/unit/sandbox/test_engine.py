"""What the sandbox tells the engine beside what to do."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pulumi.automation import CommandError, CommandResult, LocalWorkspace
from support.program import ROOT

from llmplatform_sandbox.engine import SKIP_CHECKPOINTS, PulumiEngine
from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.paths import SandboxPaths
from llmplatform_sandbox.progress import silent
from llmplatform_sandbox.project import read_project
from llmplatform_sandbox.toolchain import PULUMI, Toolchain


class Stack:
    """Takes note of the variables with which the CLI would have been called."""

    variables: dict[str, str]

    def __init__(self, _name: str, workspace: LocalWorkspace) -> None:
        self._workspace = workspace

    @classmethod
    def create(cls, name: str, workspace: LocalWorkspace) -> "Stack":
        return cls(name, workspace)

    def _called(self, **_options: Any) -> SimpleNamespace:
        type(self).variables = dict(self._workspace.env_vars)
        return SimpleNamespace(change_summary={}, stdout="", outputs={})

    preview = up = refresh = _called


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PulumiEngine:
    monkeypatch.setattr("llmplatform_sandbox.engine.Stack", Stack)
    paths = SandboxPaths(tmp_path)
    paths.create()
    tools = Toolchain({"pulumi": tmp_path / "pulumi"}, {"pulumi": PULUMI.version})
    return PulumiEngine(read_project(ROOT), "dev", paths, tools, "", silent)


@pytest.mark.parametrize(
    ("operation", "skipped"),
    [
        (PulumiEngine.preview, True),
        (PulumiEngine.require_plan, True),
        (PulumiEngine.up, False),
        (PulumiEngine.refresh, False),
    ],
)
def test_only_plans_do_without_checkpoints(
    engine: PulumiEngine, operation: Callable[[PulumiEngine], object], skipped: bool
) -> None:
    PulumiEngine.preview(engine)
    assert Stack.variables[SKIP_CHECKPOINTS] == "true"
    operation(engine)
    assert (SKIP_CHECKPOINTS in Stack.variables) is skipped, "after a crash no state would have the created objects"


@pytest.mark.parametrize(
    ("said", "told"), [("error: update canceled", KeyboardInterrupt), ("error: update failed", SandboxError)]
)
def test_an_update_that_was_cancelled_is_no_fault_of_the_program(
    engine: PulumiEngine, monkeypatch: pytest.MonkeyPatch, said: str, told: type[BaseException]
) -> None:
    def ended(*_: object, **_options: object) -> None:
        raise CommandError(CommandResult(stdout="", stderr=said, code=255))

    monkeypatch.setattr(Stack, "up", ended)
    with pytest.raises(told):
        engine.up()

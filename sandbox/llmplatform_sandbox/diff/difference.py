"""The whole operation: another revision is applied, and the working tree previewed on its state."""

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

import yaml

from llmplatform_sandbox.diff.plan import Plan, Recorder
from llmplatform_sandbox.diff.revision import Revision, find_revision
from llmplatform_sandbox.diff.states import State, StateCache, apply_on_paper
from llmplatform_sandbox.engine import PulumiEngine
from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.hosting import open_clouds, served
from llmplatform_sandbox.newer_minors import newer
from llmplatform_sandbox.progress import Output, PhaseEnded, PhaseStarted, Report
from llmplatform_sandbox.project import Project, copy_project, read_project, require_stack
from llmplatform_sandbox.scratch import scratch, tidy_when_ended
from llmplatform_sandbox.toolchain import PULUMI, Toolchain, ensure

_ANOTHER_KEY = ("encryptionsalt", "encryptedkey", "secretsprovider")


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What the working tree would change in a stack of a revision."""

    stack: str
    against: str
    """As the user wrote it."""
    commit: str
    plan: Plan
    notes: tuple[str, ...] = ()
    """Sentences on how it was found, for a reader."""


def difference(
    project: Project, stack: str, against: str, report: Report, *, cache: StateCache | None = None
) -> Difference:
    """Find it, without credentials and without a network. The checkout and a running sandbox are not changed.

    A stack whose file exists on one side only is created or deleted as a whole. Raises `SandboxError`, with exit code 2
    for a missing revision, or a stack on neither side.
    """
    revision = find_revision(project.folder, against)
    with tidy_when_ended(), tempfile.TemporaryDirectory(prefix="llmplatform-revision-") as temporary:
        folder = Path(temporary).resolve()
        exported = folder / "revision"
        with _phase(report, "export", f"Reading {revision.name} ({revision.short})"):
            before, after = _with_stack(_project_of(revision, exported), stack), _with_stack(project, stack)
        if before is None and after is None:
            require_stack(project, stack)
        with _phase(report, "tools", "Looking for the Pulumi CLI"):
            tools = ensure([PULUMI], report=report)
        notes = _notes(revision, stack, before, after)
        state = before and _state_of(revision, before, stack, tools, report, cache or StateCache(), exported)
        with _phase(report, "preview", f"Planning {stack} of the working tree"):
            planned = after or _emptied(before or project, folder / "nothing")
            plan = preview_on(state, planned, stack, tools, report)
    return Difference(stack=stack, against=against, commit=revision.commit, plan=plan, notes=tuple(notes))


def preview_on(state: State | None, project: Project, stack: str, tools: Toolchain, report: Report) -> Plan:
    """What the project's program would change in a state; `None` for a stack that does not exist."""
    with scratch("llmplatform-diff-") as paths:
        paths.create()
        if state is not None:
            paths.passphrase.write_text(state.passphrase)
        copy_project(project, stack, paths, on_paper=True)
        recorder = Recorder()
        with served(open_clouds(paths.clouds, None)) as providers:
            engine = PulumiEngine(project, stack, paths, tools, providers, report)
            if state is not None:
                engine.import_state(state.unprotected().deployment)
            engine.preview(listen=recorder)
        return recorder.plan(state.resources if state else (), state.protected if state else ())


def _with_stack(project: Project | None, stack: str) -> Project | None:
    return project if project and project.stack_file(stack).exists() else None


def _emptied(project: Project, program: Path) -> Project:
    """The project with an empty program: it deletes everything of a stack."""
    program.mkdir()
    (program / "__main__.py").touch()
    return replace(project, settings={**project.settings, "main": str(program)})


def _notes(revision: Revision, stack: str, before: Project | None, after: Project | None) -> list[str]:
    notes = [
        f"{file} differs from {revision.name}; both sides ran with the packages that are installed now"
        for file in revision.other_requirements()
    ]
    notes += dict.fromkeys(filter(None, (newer(one.stack_file(stack)) for one in (before, after) if one)))
    if before is None:
        notes.append(f"{revision.name} has no stack {stack}: everything is created")
    elif after is None:
        notes.append(f"the working tree has no stack {stack}: everything is deleted")
    elif _other_key(before.stack_file(stack), after.stack_file(stack)):
        notes.append(
            f"the secrets of {stack} are encrypted with another key than in {revision.name}; which of them are "
            "still the same cannot be seen, so all are shown as changed"
        )
    return notes


def _state_of(
    revision: Revision,
    before: Project,
    stack: str,
    tools: Toolchain,
    report: Report,
    cache: StateCache,
    exported: Path,
) -> State:
    key = cache.key(revision.tree, revision.project, stack, tools)
    state = cache.get(key)
    if state is None:
        with _phase(report, "apply", f"Applying {stack} of {revision.name}, on paper"):
            state = _applied(revision, before, stack, tools, report, exported)
        cache.put(key, state)
    return state


def _project_of(revision: Revision, folder: Path) -> Project | None:
    exported = revision.export(folder)
    return read_project(exported) if (exported / "Pulumi.yaml").exists() else None


def _applied(
    revision: Revision, project: Project, stack: str, tools: Toolchain, report: Report, exported: Path
) -> State:
    def receive(event: object) -> None:
        # Its warnings do not belong to the change.
        if not isinstance(event, Output) or event.severity == "error":
            report(event)  # pyright: ignore[reportArgumentType]

    try:
        return apply_on_paper(project, stack, tools, receive, import_path=revision.import_path(exported))
    except SandboxError as error:
        remedy = "compare with a revision whose stack can be applied"
        raise SandboxError(
            f"{revision.name} ({revision.short}): {stack} cannot be applied: {error}; {remedy}"
        ) from None


def _other_key(before: Path, after: Path) -> bool:
    try:
        old, new = (yaml.load(file.read_text("utf-8-sig"), Loader=yaml.CSafeLoader) or {} for file in (before, after))
    except (OSError, yaml.YAMLError):
        return False
    has_secrets = "secure:" in before.read_text() and "secure:" in after.read_text()
    return has_secrets and any(old.get(name) != new.get(name) for name in _ANOTHER_KEY)


@contextmanager
def _phase(report: Report, phase: str, text: str) -> Generator[None]:
    report(PhaseStarted(phase=phase, text=text))
    began = monotonic()
    yield
    report(PhaseEnded(phase=phase, seconds=monotonic() - began))

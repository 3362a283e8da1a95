"""`llmplatform sandbox …`: the command line of the sandbox.

Progress goes to standard error, results to standard output. What a command needs is imported when it
runs: the root command loads this module for every call of `llmplatform`.
"""

import json
import sys
import threading
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from llmplatform_sandbox.errors import SandboxError

if TYPE_CHECKING:
    from llmplatform_sandbox.lifecycle import Sandbox

app = typer.Typer(
    name="sandbox",
    help="Run a stack on the real Pulumi engine and a real Kubernetes control plane, with simulated clouds.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
_LOG_WIDTH = 240
Stack = Annotated[str, typer.Argument(help="Stack, as in Pulumi.STACK.yaml.", metavar="STACK")]
ProjectFolder = Annotated[
    Path, typer.Option("--project", help="Folder of the Pulumi project.", show_default="current folder")
]
HostStack = Annotated[
    str | None,
    typer.Option(
        "--in", help="Live in the sandbox of another stack: its account, its cluster.", metavar="[FOLDER:]STACK"
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]


@app.command()
def up(stack: Stack = "dev", project: ProjectFolder = Path(), host: HostStack = None, as_json: Json = False) -> None:
    """Bring the stack up. The first run on a machine builds the tools (about ten minutes)."""
    with _sandbox(project, stack, host=host) as (sandbox, timings):
        outcome = sandbox.up()
        snapshot = sandbox.settle()
        versions = sandbox.versions()
    from llmplatform_sandbox import report

    if as_json:
        document = {"changes": outcome.changes, "timings": timings, **report.snapshot_json(snapshot)}
        print(json.dumps({**document, "outputs": outcome.outputs}, indent=2))
        return
    console = _console()
    report.print_snapshot(console, snapshot)
    report.print_reality(console, versions, snapshot)
    report.print_next_steps(console, stack, project)
    console.print(report.changes_sentence(outcome.changes))
    report.print_timings(console, timings)


@app.command()
def preview(
    stack: Stack = "dev", project: ProjectFolder = Path(), host: HostStack = None, as_json: Json = False
) -> None:
    """Plan the whole stack on an empty account: no credentials, no network, nothing started."""
    console = _console()
    with _sandbox(project, stack, host=host, steps=False) as (sandbox, timings):
        outcome = sandbox.preview(colour=console.is_terminal and not as_json)
    from llmplatform_sandbox import report

    if as_json:
        kept = ("op", "type", "name", "urn")
        steps = [{key: value for key, value in asdict(step).items() if key in kept} for step in outcome.steps]
        print(json.dumps({"changes": outcome.changes, "steps": steps, "timings": timings}, indent=2))
        return
    print(outcome.text)
    report.print_timings(console, timings)


@app.command()
def diff(
    against: Annotated[str, typer.Option("--against", help="Revision to compare with: a commit, a branch, a tag.")],
    stack: Stack = "dev",
    project: ProjectFolder = Path(),
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print a comment for a pull request.")] = False,
    as_json: Json = False,
    detailed: Annotated[
        bool,
        typer.Option("--detailed-exitcode", help="Exit with 3 on changes, 4 when something is replaced or deleted."),
    ] = False,
) -> None:
    """Show what the working tree changes in the stack as another revision has it: no credentials, no network."""
    if as_json and as_markdown:
        print("--json, --markdown: write one of them", file=sys.stderr)
        raise typer.Exit(2)
    with _sandbox(project, stack, steps=False) as (sandbox, timings):
        found = sandbox.difference(against)
    from llmplatform_sandbox import report
    from llmplatform_sandbox.diff.console import print_difference
    from llmplatform_sandbox.diff.document import document
    from llmplatform_sandbox.diff.markdown import markdown

    if as_json:
        print(json.dumps({**document(found), "timings": timings}, indent=2))
    elif as_markdown:
        print(markdown(found))
    else:
        console = _console()
        print_difference(console, found)
        report.print_timings(console, timings)
    if detailed:
        raise typer.Exit(found.plan.exit_code)


@app.command()
def down(
    stack: Stack = "dev",
    project: ProjectFolder = Path(),
    force: Annotated[bool, typer.Option("--force", help="Forget the resources instead of destroying them.")] = False,
) -> None:
    """Delete everything, check that nothing is left, and stop every process. Exits with 1 and names what is left."""
    with _sandbox(project, stack, check=False) as (sandbox, _):
        found = sandbox.down(force=force)
    for sentence in found.kept:
        print(f"kept by design: {sentence}")
    for orphan in found.orphans:
        print(f"left behind: {orphan.type} {orphan.id}, made by {orphan.made_by}", file=sys.stderr)
    if found.orphans:
        print(
            f"{len(found.orphans)} objects were left behind; in a real account they would go on costing money: "
            "let what makes them delete them",
            file=sys.stderr,
        )
        raise typer.Exit(1)
    print(f"{stack}: everything is gone ({found.outcome.changes.get('delete', 0)} resources deleted)")


@app.command()
def status(stack: Stack = "dev", project: ProjectFolder = Path(), as_json: Json = False) -> None:
    """Show nodes, pods and outputs, and one line for each Pending pod that says why."""
    with _sandbox(project, stack, check=False) as (sandbox, _):
        snapshot, running = sandbox.snapshot(), sandbox.running()
    from llmplatform_sandbox import report

    if as_json:
        print(json.dumps({"running": running, **report.snapshot_json(snapshot)}, indent=2))
        return
    console = _console()
    report.print_snapshot(console, snapshot)
    if not running:
        console.print(f"Not all processes run; `llmplatform sandbox up {stack}` starts them again.")


@app.command()
def tools() -> None:
    """Build the tools that a sandbox needs, where they are missing: about ten minutes, once per machine."""
    from llmplatform_sandbox.display import display
    from llmplatform_sandbox.toolchain import ETCD, KUBERNETES, KWOK, PULUMI, ensure

    with _refusals(), display(_console(stderr=True)) as show:
        found = ensure([PULUMI, KUBERNETES, KWOK, ETCD], report=show)
    for tool, version in sorted(found.versions.items()):
        print(f"{tool} {version}")


@app.command()
def env(stack: Stack = "dev", project: ProjectFolder = Path()) -> None:
    """Print the variables that let your own pulumi and kubectl work on the sandbox; starts what does not run."""
    with _sandbox(project, stack) as (sandbox, _):
        values = sandbox.shell_variables()
    from llmplatform_sandbox.shell import exports

    print("These stand for the stack file as it is now: run this again after a change to it.", file=sys.stderr)
    print(f'# eval "$(llmplatform sandbox env {stack})"; again after a change to the stack file, which is copied.')
    print(exports(values))


@app.command()
def fault(
    kind: Annotated[
        str,
        typer.Argument(
            help="What goes wrong: spot-stockout, zone-outage, role-unauthorised; or, with the cloud's calls: "
            "throttling, server-error, lost-answer, slow-call, outage."
        ),
    ],
    target: Annotated[
        str,
        typer.Argument(
            help="Where: an instance type, a zone, a role; a resource type such as aws:ec2/vpc:Vpc, or all."
        ),
    ],
    clear: Annotated[bool, typer.Option("--clear", help="End the fault.")] = False,
    stack: Annotated[str, typer.Option("--stack", help="Stack whose account is meant.")] = "dev",
    project: ProjectFolder = Path(),
) -> None:
    """Let something go wrong in the simulated account, or end it."""
    with _sandbox(project, stack, check=False) as (sandbox, _):
        sandbox.fault(kind, target, active=not clear)
    print(f"{kind} {target}: {'ended' if clear else 'active; it shows when the next machine is asked for or is hit'}")


@contextmanager
def _sandbox(
    project: Path, stack: str, *, host: str | None = None, check: bool = True, steps: bool = True
) -> Generator[tuple["Sandbox", dict[str, float]]]:
    """A sandbox whose progress is shown. `check`: refuse a wrong stack file first. `steps`: show each resource."""
    from llmplatform_sandbox.display import display
    from llmplatform_sandbox.guests import Host
    from llmplatform_sandbox.lifecycle import Sandbox
    from llmplatform_sandbox.progress import Event, PhaseEnded, ResourceStep

    timings: dict[str, float] = {}
    with _refusals(), display(_console(stderr=True)) as show:

        def receive(event: Event) -> None:
            if isinstance(event, PhaseEnded):
                timings[event.phase] = timings.get(event.phase, 0.0) + event.seconds
            if steps or not isinstance(event, ResourceStep):
                show(event)

        sandbox = Sandbox(project, stack, receive, Host.named(host) if host else None)
        if check:
            _check_stack_file(sandbox.project.stack_file(stack))
        yield sandbox, timings


@contextmanager
def _refusals() -> Generator[None]:
    """What cannot be done is said in a sentence, and so is an interruption."""
    # The engine's reader goes on for a moment after its stream has been closed under it.
    warnings.filterwarnings("ignore", message="Error in event stream")
    threading.excepthook = _unless_closed
    try:
        yield
    except SandboxError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        print("interrupted; run the same command again to go on from here", file=sys.stderr)
        raise typer.Exit(130) from None


def _unless_closed(failure: threading.ExceptHookArgs) -> None:
    if not (isinstance(failure.exc_value, ValueError) and "closed file" in str(failure.exc_value)):
        threading.__excepthook__(failure)


def _console(*, stderr: bool = False) -> Console:
    """A console that breaks lines on a terminal only: a log is searched by line."""
    console = Console(stderr=stderr, highlight=False)
    return console if console.is_terminal else Console(stderr=stderr, highlight=False, width=_LOG_WIDTH)


def _check_stack_file(file: Path) -> None:
    """Refuse a stack file with wrong platform settings before anything starts: all errors, one per line."""
    import yaml

    try:
        content: dict[str, Any] = yaml.safe_load(file.read_text()) or {}
    except (FileNotFoundError, yaml.YAMLError):
        return  # Reading the project says what is wrong.
    config: dict[str, Any] = content.get("config") or {}
    if config and not any(str(key).startswith("llmplatform:") for key in config):
        return
    if not config and not any("llmplatform:" in other.read_text() for other in file.parent.glob("Pulumi.*.yaml")):
        return  # A project of another kind, which needs no settings.
    try:
        from llmplatform.specs import check_stack_file
    except ImportError:
        return
    errors = check_stack_file(file)
    if errors:
        raise SandboxError("\n".join(errors), exit_code=2)


if __name__ == "__main__":
    app()

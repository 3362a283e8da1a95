"""`llmplatform sandbox …`: the command line of the sandbox.

Progress goes to standard error, results to standard output. A command imports what it needs when it runs: the root
command loads this module for every call of `llmplatform`.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from llmplatform_sandbox.arguments import HostStack, Json, ProjectFolder, Stack, named
from llmplatform_sandbox.called import called
from llmplatform_sandbox.opened import opened
from llmplatform_sandbox.refusals import console_for, refusals

app = typer.Typer(
    name="sandbox",
    help="Run a stack on the real Pulumi engine and a real Kubernetes control plane, with simulated clouds.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


@app.command()
def up(
    stack: Stack = "dev",
    project: ProjectFolder = Path(),
    host: HostStack = None,
    controllers: Annotated[
        str,
        typer.Option(
            metavar="CHARTS",
            help="Run the real controllers of charts until `down`, e.g. cert-manager,keda; the first run builds them.",
        ),
    ] = "",
    as_json: Json = False,
) -> None:
    """Bring the stack up. The first run on a machine downloads the tools, or builds them (about ten minutes).

    Example: `llmplatform sandbox up prod`. An interrupted run continues where it stopped.
    """
    from llmplatform_sandbox.controllers.table import named

    with opened(project, stack, host=host) as (sandbox, timings):
        outcome = sandbox.up(controllers=named(controllers))
        snapshot = sandbox.settle()
        versions = sandbox.versions()
    from llmplatform_sandbox import report

    if as_json:
        document = {"changes": outcome.changes, "timings": timings, **report.snapshot_json(snapshot)}
        print(json.dumps({**document, "outputs": outcome.outputs}, indent=2))
        return
    console = console_for()
    report.print_snapshot(console, snapshot)
    report.print_reality(console, versions, snapshot, stack, project)
    console.print(report.changes_sentence(outcome.changes))
    report.print_timings(console, timings)
    report.print_next_steps(console, stack, project)


@app.command()
def facts(
    assumed: Annotated[bool, typer.Option("--assumed", help="Only rows without a source.")] = False,
    as_json: Json = False,
) -> None:
    """List the facts of the simulated clouds, and the source of each.

    Example: `llmplatform sandbox facts --assumed`.
    """
    from llmplatform_sandbox.fact_tables import document, rows, text

    listed = [row for row in rows() if row.cited.assumed or not assumed]
    print(json.dumps(document(listed), indent=2, ensure_ascii=False) if as_json else text(listed, assumed=assumed))


@app.command()
def preview(
    stack: Stack = "dev", project: ProjectFolder = Path(), host: HostStack = None, as_json: Json = False
) -> None:
    """Plan the whole stack on an empty account: no credentials, no network, nothing started.

    Example: `llmplatform sandbox preview prod-ack > plan.txt`; with `--json`, for programs.
    """
    console = console_for()
    with opened(project, stack, host=host, steps=False) as (sandbox, timings):
        outcome = sandbox.preview(colour=console.is_terminal and not as_json)
    from llmplatform_sandbox import report

    if as_json:
        kept = ("op", "type", "name", "urn")
        steps = [{key: value for key, value in asdict(step).items() if key in kept} for step in outcome.steps]
        print(json.dumps({"changes": outcome.changes, "steps": steps, "timings": timings}, indent=2))
        return
    from llmplatform_sandbox.plan_tree import plan_outputs, plan_tree

    if console.is_terminal:
        print(outcome.text)
    else:
        parts = (plan_tree(outcome.steps), plan_outputs(outcome.text), report.plan_sentence(outcome.changes))
        print("\n\n".join(part for part in parts if part))
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
    """Show what the working tree changes in the stack of another revision: no credentials, no network.

    Example: `llmplatform sandbox diff prod --against origin/main`. Exits with 1 when a revision cannot be applied, and
    with 2 on wrong input; `--detailed-exitcode` tells changes apart.
    """
    if as_json and as_markdown:
        print("--json, --markdown: write one of them", file=sys.stderr)
        raise typer.Exit(2)
    from llmplatform_sandbox import report
    from llmplatform_sandbox.diff.console import print_difference
    from llmplatform_sandbox.diff.document import document
    from llmplatform_sandbox.diff.markdown import failure, markdown
    from llmplatform_sandbox.project import check_settings

    def fail(errors: Sequence[str]) -> None:
        if as_markdown:
            print(failure(stack, errors))

    with opened(project, stack, check=False, steps=False, failed=fail) as (sandbox, timings):
        file = sandbox.project.stack_file(stack)
        if file.exists():  # Else the stack is deleted, or in neither.
            check_settings(file)
        found = sandbox.difference(against)

    if as_json:
        print(json.dumps({**document(found), "timings": timings}, indent=2))
    elif as_markdown:
        print(markdown(found))
    else:
        console = console_for()
        print_difference(console, found)
        report.print_timings(console, timings)
    if detailed:
        raise typer.Exit(found.plan.exit_code)


@app.command()
def down(
    stack: Stack = "dev",
    project: ProjectFolder = Path(),
    force: Annotated[bool, typer.Option("--force", help="Forget the resources instead of destroying them.")] = False,
    as_json: Json = False,
) -> None:
    """Delete everything, check that nothing is left, and stop every process. Exits with 1 and names what is left.

    Example: `llmplatform sandbox down dev`. With `--force` it is over in seconds, and nothing is checked.
    """
    with opened(project, stack, check=False) as (sandbox, _):
        found = sandbox.down(force=force)
    if as_json:
        left = [{"type": each.type, "id": each.id, "made_by": each.made_by} for each in found.orphans]
        document = {"absent": found.absent, "changes": found.outcome.changes, "kept": found.kept, "left_behind": left}
        print(json.dumps(document, indent=2))
        raise typer.Exit(1 if left else 0)
    for sentence in found.kept:
        print(f"kept by design: {sentence}")
    for orphan in found.orphans:
        print(f"left behind: {orphan.type} {orphan.id}, made by {orphan.made_by}", file=sys.stderr)
    if found.orphans:
        print(
            f"{len(found.orphans)} objects were left behind; in a real account they would go on costing money: "
            "delete them with the objects that create them",
            file=sys.stderr,
        )
        raise typer.Exit(1)
    if found.absent:
        print(f"{stack}: there is no sandbox to destroy")
        return
    print(f"{stack}: everything is gone ({found.outcome.changes.get('delete', 0)} resources deleted)")


@app.command()
def status(stack: Stack = "dev", project: ProjectFolder = Path(), as_json: Json = False) -> None:
    """Show nodes, pods and outputs, and one line for each Pending pod that says why.

    Example: `llmplatform sandbox status dev --json`. Exits with 1 and names the processes that ended.
    """
    with opened(project, stack, check=False) as (sandbox, _):
        snapshot, dead, unfinished = sandbox.snapshot(), sandbox.dead(), sandbox.unfinished()
    from llmplatform_sandbox import report

    if as_json:
        print(
            json.dumps(
                {"running": not dead, "dead": dead, "unfinished": unfinished, **report.snapshot_json(snapshot)},
                indent=2,
            )
        )
    elif not (snapshot.objects or snapshot.nodes or snapshot.pods or snapshot.outputs):
        print(f"{stack}: nothing is applied yet; `{called()} sandbox up {stack}` creates it")
    else:
        report.print_snapshot(console_for(), snapshot)
    if unfinished:
        print(
            f"{stack}: the last run did not finish; `{called()} sandbox up {stack}` continues it, "
            f"and `{called()} sandbox down {stack}` destroys it",
            file=sys.stderr,
        )
    if dead:
        remedy = f"`{called()} sandbox up {stack}` starts what is missing, on the data that is there"
        print(f"{stack}: {', '.join(dead)} ended; {remedy}", file=sys.stderr)
        raise typer.Exit(1)


@app.command()
def tools(
    controllers: Annotated[
        str, typer.Option(metavar="CHARTS", help="Build what `sandbox up --controllers CHARTS` runs, too.")
    ] = "",
) -> None:
    """Fetch the tools that a sandbox needs, once per machine: from PATH, from their releases, or built from source.

    Example: `llmplatform sandbox tools`, in the image of a CI runner. A build takes about ten minutes and 8 GB of disk.
    `LLMPLATFORM_TOOLS` set to `path`, `download` or `build` forces one way; `LLMPLATFORM_TOOLS_MIRROR` is the address
    of a mirror of the release sites.
    """
    from llmplatform_sandbox.controllers.table import chosen, named
    from llmplatform_sandbox.display import display
    from llmplatform_sandbox.toolchain import ETCD, KUBERNETES, KWOK, PULUMI, ensure

    with refusals(), display(console_for(stderr=True)) as show:
        extra = [each.tool for each in chosen(named(controllers))]
        found = ensure([PULUMI, KUBERNETES, KWOK, ETCD, *extra], report=show)
    for tool, version in sorted(found.versions.items()):
        print(f"{tool} {version}")


@app.command()
def env(stack: Stack = "dev", project: ProjectFolder = Path()) -> None:
    """Print variables for your own pulumi and kubectl to use the sandbox; starts its stopped processes.

    Example: `eval "$(llmplatform sandbox env dev)"`, then `pulumi preview`.
    """
    with opened(project, stack) as (sandbox, _):
        values = sandbox.shell_variables()
    from llmplatform_sandbox.shell import exports

    print(f'# eval "$({called()} sandbox env {stack})"')
    print("# The state is that of simulated providers: no real provider can take it over.")
    print(exports(values))


@app.command()
def fault(
    kind: Annotated[
        str,
        typer.Argument(
            help="The fault: spot-stockout, stockout, no-quota, not-offered, zone-outage, role-unauthorised, "
            "no-access-entry; late or unasked events: late-log-group, slow-volumes, foreign-endpoint; or, with "
            "the cloud's calls: throttling, server-error, lost-answer, slow-call, outage."
        ),
    ],
    target: Annotated[
        str,
        typer.Argument(
            help="Its target: an instance type, a zone, both as TYPE@ZONE, a quota code, a role, a CSI driver; a "
            "resource type such as aws:ec2/vpc:Vpc, or all."
        ),
    ],
    clear: Annotated[bool, typer.Option("--clear", help="End the fault.")] = False,
    stack: Annotated[str, typer.Option("--stack", help="Stack whose account is meant.", callback=named)] = "dev",
    project: ProjectFolder = Path(),
    as_json: Json = False,
) -> None:
    """Start or end a fault in the simulated account.

    Example: `llmplatform sandbox fault spot-stockout g5.2xlarge`, and `--clear` to end it.
    """
    with opened(project, stack, check=False) as (sandbox, _):
        sandbox.fault(kind, target, active=not clear)
    if as_json:
        print(json.dumps({"fault": kind, "target": target, "active": not clear}))
        return
    print(f"{kind} {target}: {'ended' if clear else 'active; it shows when the next machine is asked for or is hit'}")


if __name__ == "__main__":
    app()

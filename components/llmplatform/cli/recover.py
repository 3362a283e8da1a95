"""`llmplatform recover`: after a `pulumi up` or `pulumi destroy` that was killed, on a real account."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from llmplatform.cli.stacks import Project, StackName
from llmplatform.recovery import state
from llmplatform.recovery.accounts import open_account
from llmplatform.recovery.engine import Engine
from llmplatform.recovery.kinds import SCHEMAS, outputs_of
from llmplatform.recovery.survey import Finding, Unknown, WrongInput, decisions, survey

_WORDS = {"adopt": "take into the state", "drop": "forget the create", "refuse": "yours to decide"}


def recover(
    stack: StackName,
    project: Project = Path(),
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and write nothing.")] = False,
    break_lock: Annotated[
        bool, typer.Option("--break-lock", help="Remove the stack's lock though its owner may be alive.")
    ] = False,
    adopt: Annotated[
        list[str] | None,
        typer.Option("--adopt", metavar="RESOURCE=ID", help="You looked: the create made this. Any number of times."),
    ] = None,
    forget: Annotated[
        list[str] | None,
        typer.Option("--forget", metavar="RESOURCE", help="You looked: the create made nothing. Any number of times."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document, and ask nothing: without --yes, a dry run.")
    ] = False,
) -> None:
    """Bring a stack's state up to its account after a run was killed: find what was being created, and adopt it.

    Looks only at the stack's own state and at what carries its tags; nothing in the cloud is changed or deleted. A lock
    is removed when the process that held it ran on this machine and is gone. Exit code 1: it could not be decided or
    not be done, and the line says what was written; 2: an argument is wrong. Example: `llmplatform recover dev`.
    """
    console = Console(quiet=as_json)
    findings: list[Finding] = []
    others, written, code = 0, False, 0
    try:
        engine = Engine(project, stack)
        exported = engine.export()
        deployment: dict[str, Any] = exported.get("deployment") or {}
        decided = decisions(deployment, adopt or (), forget or ())
        findings = survey(deployment, open_account, decided)
        others = len(state.interrupted(deployment)) - len(findings)
        healthy = not (state.interrupted(deployment) or state.unread(deployment))
        _show(console, findings, others)
        if healthy:
            console.print(f"{stack}: no operation was interrupted")
        if any(each.action == "refuse" for each in findings):
            raise Unknown(f"{stack}: nothing was written; decide what the table leaves to you, and run again")
        if not healthy or break_lock:
            question = "Remove the lock?" if healthy else "Write this to the state and read every resource anew?"
            if dry_run or not (yes or (not as_json and typer.confirm(question))):
                console.print("Nothing was written.")
            elif healthy:
                engine.unlock()
                written = True
            else:
                found = {each.urn: each.id for each in findings if each.action == "adopt"}
                recovered = state.adopt(deployment, found, SCHEMAS, outputs=outputs_of)
                engine.replace(exported, {**exported, "deployment": recovered}, break_lock=break_lock)
                written = True
                engine.refresh()
                console.print(f"{stack}: state and account agree again; `pulumi preview` shows what is left to do")
    except Unknown as error:
        after = "; what was found is in the state: mend this, and run again to read it" if written else ""
        typer.echo(f"{error}{after}", err=True)
        code = 2 if isinstance(error, WrongInput) else 1
    if as_json:
        document = {"written": written, "creates": [asdict(each) for each in findings], "others": others}
        typer.echo(json.dumps(document, indent=2))
    raise typer.Exit(code)


def _show(console: Console, findings: list[Finding], others: int) -> None:
    table = Table("Resource", "Type", "Then", "Id", "Why", box=None, pad_edge=False)
    for each in findings:
        table.add_row(each.name, each.type, _WORDS[each.action], each.id, each.reason)
    if findings:
        console.print(table)
    if others:
        console.print(f"{others} more interrupted operations: what they were about is read anew")

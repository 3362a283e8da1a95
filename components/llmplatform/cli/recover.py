"""`llmplatform recover`: repairs the state after a killed `pulumi up` or `pulumi destroy`, on a real account."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmplatform.cli.stacks import Project, StackName

if TYPE_CHECKING:
    from rich.console import Console

    from llmplatform.recovery.engine import PulumiCli
    from llmplatform.recovery.state import Deployment
    from llmplatform.recovery.survey import Finding

_WORDS = {"adopt": "take into the state", "drop": "forget the create", "refuse": "yours to decide"}


def recover(
    stack: StackName,
    project: Project = Path(),
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and write nothing.")] = False,
    break_lock: Annotated[
        bool, typer.Option("--break-lock", help="Remove the stack's lock even if its owner may be alive.")
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
    """Repair a stack's state after a killed run: find the objects of interrupted creates, and adopt them.

    It searches the stack's own state, objects with its tags, and names within its own objects and cluster. About an
    existing cluster it asks you. It changes and deletes nothing in the cloud. It removes a lock if the owner ran on
    this machine and is gone. It names each Helm release that is not deployed, with commands that repair it. Exit code
    1: it could not decide, could not finish, or must run again, and the line says what was written; 2: an argument is
    wrong. Example: `llmplatform recover dev`.
    """
    from llmplatform.cli.machine import console_for
    from llmplatform.recovery import state
    from llmplatform.recovery.accounts import open_account
    from llmplatform.recovery.engine import PulumiCli
    from llmplatform.recovery.kinds import SCHEMA_VERSIONS, outputs_of
    from llmplatform.recovery.releases import unsettled
    from llmplatform.recovery.survey import Unknown, WrongInput, decisions, survey

    console = console_for()
    console.quiet = as_json
    findings: list[Finding] = []
    making: list[str] = []
    releases: list[str] = []
    others, lock_removed, written, code = 0, "", False, 0
    try:
        engine = PulumiCli(project, stack)
        exported = engine.export()
        deployment: dict[str, Any] = exported.get("deployment") or {}
        decided = decisions(deployment, adopt or (), forget or ())
        findings = survey(deployment, open_account, decided)
        others = len(state.interrupted(deployment)) - len(findings)
        half_done = unsettled(deployment)
        healthy = not (state.interrupted(deployment) or state.unread(deployment) or half_done)
        _show(console, findings, others)
        if healthy:
            console.print(f"{stack}: no operation was interrupted")
        if any(each.action == "refuse" for each in findings):
            raise Unknown(f"{stack}: nothing was written; decide what the table leaves to you, and run again")
        lock = engine.lock()
        if lock and not (lock.stale or break_lock):
            raise lock
        if lock:
            console.print(
                f"{stack}: locked by {lock.owners}, {'which is gone' if lock.stale else 'overruled by --break-lock'}"
            )
        needed = bool(lock) or not healthy
        question = "Remove the lock?" if healthy else "Write this to the state and read every resource anew?"
        consent = needed and not dry_run and (yes or (not as_json and typer.confirm(question)))
        if needed and not consent:
            console.print("Nothing was written.")
            releases = [each.line() for each in half_done]
        if consent and lock:
            engine.unlock()
            lock_removed = lock.owners
            console.print(f"{stack}: lock removed: {lock.owners}")
        if consent and not healthy:
            found = {each.urn: each.id for each in findings if each.action == "adopt"}
            recovered = state.adopt(deployment, found, SCHEMA_VERSIONS, outputs=outputs_of)
            if recovered != deployment:
                engine.replace(exported, {**exported, "deployment": recovered})
            written = True
            making, releases = _read(engine, stack, recovered)
            if not (making or releases):
                console.print(f"{stack}: state and account agree again; `pulumi preview` shows what is left to do")
    except Unknown as error:
        after = "; what was found is in the state: mend this, and run again to read it" if written else ""
        typer.echo(f"{error}{after}", err=True)
        code = 2 if isinstance(error, WrongInput) else 1
    for line in (*making, *releases):
        typer.echo(line, err=True)
        code = code or 1
    if as_json:
        document = {
            "written": written,
            "lock_removed": lock_removed,
            "creates": [asdict(each) for each in findings],
            "others": others,
            "making": making,
            "releases": releases,
        }
        typer.echo(json.dumps(document, indent=2))
    raise typer.Exit(code)


def _read(engine: "PulumiCli", stack: str, recovered: "Deployment") -> tuple[list[str], list[str]]:
    """Read every resource. Returns a line for each adopted resource that is not ready yet, to be read again.

    Then a line for each release that is not deployed. An adopted release is to be read again, too.
    """
    from llmplatform.catalog.resources import RESOURCES
    from llmplatform.recovery import state
    from llmplatform.recovery.releases import unsettled
    from llmplatform.recovery.survey import Unknown

    resources = sum(bool(each.get("custom")) for each in recovered["resources"])
    typer.echo(f"Reading {resources} resources …", err=True)
    failure: Unknown | None = None
    try:
        engine.refresh(lambda line: typer.echo(line, err=True))
    except Unknown as error:
        failure = error  # Resources read before the failure count as read, perhaps too early.
    exported = engine.export()
    adopted = {*state.unread(recovered)}
    early: dict[str, str] = {}
    for each in exported["deployment"].get("resources") or ():
        if each["urn"] in adopted and (row := RESOURCES.get(each["type"])) and (ready := row.ready):
            shown = ready.missing(each.get("outputs") or {})
            name = each["urn"].rpartition("::")[2]
            if "FAILED" in shown:
                early[each["urn"]] = f"{name} failed: {shown}; `pulumi up --replace '{each['urn']}'` replaces it"
            elif shown:
                again = f"run `llmplatform recover {stack}` again when {ready.wanted}"
                early[each["urn"]] = f"{name} is not ready: {shown}; {again}"
    half_done = unsettled(exported["deployment"])
    again = {*early, *({each.urn for each in half_done} & adopted)}
    if again:
        marked = state.mark_unread(exported["deployment"], again)
        engine.replace(exported, {**exported, "deployment": marked})
    if failure:
        raise failure
    return list(early.values()), [each.line() for each in half_done]


def _show(console: "Console", findings: "list[Finding]", others: int) -> None:
    from rich.table import Table

    table = Table("Resource", "Type", "Then", "Id", "Why", box=None, pad_edge=False)
    for each in findings:
        table.add_row(each.name, each.type, _WORDS[each.action], each.id, each.reason)
    if findings:
        console.print(table)
    if others:
        console.print(f"{others} more interrupted operations: their resources are read again")

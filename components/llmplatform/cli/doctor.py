"""`llmplatform doctor`: finds faults of an environment before you spend money on it."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmplatform.cli.stacks import Project, StackName, refuse, stack_file

if TYPE_CHECKING:
    from rich.console import Console

    from llmplatform.doctor.checks import Check, Result
    from llmplatform.doctor.wanted import Wanted

_COLOURS = {"green": "green", "yellow": "yellow", "red": "bold red"}


def doctor(
    stack: StackName,
    project: Project = Path(),
    skip: Annotated[
        list[str] | None, typer.Option("--skip", metavar="CHECK", help="Leave a check out. Any number of times.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="CHECK", help="Run this check alone. Any number of times.")
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no account, even with credentials.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="Print the checks of this stack, and run none.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show passed checks, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Find what would make `pulumi up` or its result fail: quotas, zones, versions, rights, charts, tools.

    It only reads. It asks the account if there are credentials; docs/doctor.md has the rights that this needs. Exit
    code 1: a check is red; 2: the stack file or an argument is wrong. Example: `llmplatform doctor dev`, or
    `llmplatform doctor prod --only vcpu-quotas --only zones`.
    """
    from llmplatform.checks import load_stack, stack_problems
    from llmplatform.cli.machine import console_for
    from llmplatform.doctor.known import checks_of
    from llmplatform.doctor.wanted import Wanted

    path = stack_file(stack, project)
    refuse(stack_problems(path))
    wanted = Wanted(stack, load_stack(path), project)
    chosen = _chosen(checks_of(wanted.stack.cloud.provider), skip or (), only or ())
    console = console_for(stderr=as_json)
    if list_:
        _list(console, chosen, as_json=as_json)
        return
    results = _run(console, chosen, wanted, offline=offline)
    if as_json:
        typer.echo(json.dumps({"file": str(path), **_document(results)}, indent=2))
    else:
        _show(console, results, verbose=verbose)
    raise typer.Exit(1 if any(result.level == "red" for result in results) else 0)


def _chosen(checks: "Sequence[Check]", skip: Sequence[str], only: Sequence[str]) -> "list[Check]":
    """The checks to run. An unknown name ends the command."""
    from llmplatform.checks.problems import suggestion
    from llmplatform.doctor.known import names_of

    known = names_of()
    unknown = [name for name in (*skip, *only) if name not in known]
    for name in unknown:
        typer.echo(f"'{name}': there is no such check; {suggestion(name, known)}", err=True)
    if unknown:
        raise typer.Exit(2)
    # A gate runs with every check that it guards.
    return [check for check in checks if check.name not in skip and (not only or check.name in only or check.gate)]


def _run(console: "Console", checks: "Sequence[Check]", wanted: "Wanted", *, offline: bool) -> "list[Result]":
    from llmplatform.doctor.accounts import open_account
    from llmplatform.doctor.checks import Result
    from llmplatform.doctor.running import run_account, run_whatever_comes

    results = [run_whatever_comes(check, wanted) for check in checks if check.offline]
    asking = [check for check in checks if not check.offline]
    if not asking:
        return results
    why = "--offline" if offline else ""
    if not why:
        opened = open_account(wanted)
        if opened.ask:
            with console.status("asking the account") as status:
                done = 0

                def told(result: Result) -> None:
                    nonlocal done
                    done += 1
                    status.update(f"asking the account: {done} of {len(asking)} ({result.check.name})")

                return results + run_account(asking, wanted, opened.ask, told)
        why = opened.why
    return results + [Result(check=check, skipped=why) for check in asking]


def _document(results: "Sequence[Result]") -> dict[str, Any]:
    levels = [result.level for result in results]
    return {
        **{level: levels.count(level) for level in ("green", "yellow", "red")},
        "skipped": levels.count(None),
        "checks": [
            {
                "name": result.check.name,
                "title": result.check.title,
                "level": result.level,
                "skipped": result.skipped,
                "seconds": round(result.seconds, 3),
                "findings": [asdict(finding) for finding in result.findings],
            }
            for result in results
        ],
    }


def _list(console: "Console", checks: "Sequence[Check]", *, as_json: bool) -> None:
    from rich.table import Column, Table

    if as_json:
        rows = [{"name": each.name, "title": each.title, "actions": [*each.actions]} for each in checks]
        typer.echo(json.dumps({"checks": rows}, indent=2))
        return
    table = Table("Check", "Looks at", Column("Asks", overflow="fold"), box=None, pad_edge=False)
    for check in checks:
        table.add_row(check.name, check.title, "no account" if check.offline else ", ".join(check.actions))
    console.print(table)


def _show(console: "Console", results: "Sequence[Result]", *, verbose: bool) -> None:
    from rich.table import Column, Table
    from rich.text import Text

    what = Column("Found, and what to do", overflow="fold")
    table = Table("", "Check", what, box=None, pad_edge=False)
    for result in results:
        if result.level == "green" and not verbose:
            table.add_row(Text("green", _COLOURS["green"]), result.check.name, Text(result.check.title))
        for finding in result.findings:
            if verbose or finding.level != "green":
                level, said = Text(finding.level, _COLOURS[finding.level]), Text(finding.text)
                if finding.remedy:
                    said.append(f"\n→ {finding.remedy}", "cyan")
                table.add_row(level, result.check.name, said)
    console.print(table)
    left: dict[str, list[str]] = {}
    for result in results:
        if result.skipped:
            left.setdefault(result.skipped, []).append(result.check.name)
    for why, names in left.items():
        console.print(Text(f"not run: {', '.join(names)} ({why})", "dim"))
    document = _document(results)
    counted = ", ".join(f"{document[level]} {level}" for level in ("green", "yellow", "red"))
    console.print(Text(f"{counted}, {document['skipped']} not run"))

"""`llmplatform sweep`: finds what a destroyed environment left in its account."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmplatform.cli.stacks import Project, StackName, refuse, stack_file

if TYPE_CHECKING:
    from rich.console import Console

    from llmplatform.doctor.checks import Ask
    from llmplatform.doctor.wanted import Wanted
    from llmplatform.sweep.kinds import Leftover, Place
    from llmplatform.sweep.running import Outcome, Swept


def sweep(
    stack: StackName,
    project: Project = Path(),
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete what belongs to the environment; asks for each kind.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="With --delete: do not ask.")] = False,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="KIND", help="Look for this kind alone. Any number of times.")
    ] = None,
    cluster: Annotated[
        list[str] | None,
        typer.Option(
            "--cluster", metavar="NAME", help="Another cluster of its own that it had: a name, on Alibaba Cloud an id."
        ),
    ] = None,
    though_it_lives: Annotated[
        bool, typer.Option("--though-it-lives", help="Search even if the environment's cluster still exists.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document, and ask nothing: without --yes, delete nothing.")
    ] = False,
) -> None:
    """Find leftovers of an environment after `pulumi destroy`: volumes, interfaces, load balancers, logs, records.

    It searches for the environment's own tag, for tags of its cluster's controllers, and for names. It deletes nothing
    without --delete. Objects that may belong to another owner are shown and never deleted; the same holds for objects
    of a cluster that still exists, and of an existing cluster that the environment used. Exit code 1: something of the
    environment is left, or a search failed; 2: the stack file or an argument is wrong. Example: `llmplatform sweep
    dev`, then `llmplatform sweep dev --delete`.
    """
    from llmplatform.checks import load_stack, stack_problems
    from llmplatform.cli.machine import console_for
    from llmplatform.doctor.wanted import Wanted
    from llmplatform.sweep.running import survey
    from llmplatform.sweep.stacks import CLOUDS, place_of

    path = stack_file(stack, project)
    refuse(stack_problems(path))
    wanted = Wanted(stack, load_stack(path), project)
    cloud = CLOUDS[wanted.stack.cloud.provider]
    names = [kind.name for kind in cloud.kinds]
    for name in (unknown := [name for name in only or () if name not in names]):
        typer.echo(f"'{name}': there is no such kind; choose among {', '.join(names)}", err=True)
    if unknown:
        raise typer.Exit(2)
    place = place_of(wanted, cluster or ())
    if place.within in (cluster or ()):
        typer.echo(f"--cluster {place.within}: it exists without the environment, and is not its own", err=True)
        raise typer.Exit(2)
    console, ask = console_for(stderr=as_json), _account(wanted)
    place = _seen_alive(ask, wanted, place, though_it_lives=though_it_lives)
    kinds = [kind for kind in cloud.kinds if not only or kind.name in only]
    with console.status("looking") as status:
        swept = survey(kinds, place, ask, lambda each: status.update(f"looking: {each.kind.title}"))
    if not as_json:
        _show(console, swept)
    outcomes = _delete(console, swept, place, ask, yes=yes, silent=as_json) if delete else []
    gone = {(each.leftover.kind, each.leftover.id) for each in outcomes if each.done}
    still = [
        each for found in swept for each in found.left if each.whose == "ours" and (each.kind, each.id) not in gone
    ]
    if as_json:
        typer.echo(json.dumps(_document(swept, outcomes), indent=2))
    elif not still and not any(found.problem for found in swept):
        console.print(f"nothing of {place.environment} is left")
    waiting = [each for each in still if each.kind != "keys"]
    raise typer.Exit(1 if waiting or any(found.problem for found in swept) else 0)


def _account(wanted: "Wanted") -> "Ask":
    """The stack's account. Without credentials for it, the command ends."""
    from llmplatform.doctor.accounts import open_account
    from llmplatform.doctor.gate import caller_finding

    opened = open_account(wanted)
    if opened.ask is None:
        typer.echo(opened.why, err=True)
        raise typer.Exit(1)
    found = caller_finding(wanted, opened.ask)
    if found.level == "red":
        typer.echo(f"{found.text}; {found.remedy}", err=True)
        raise typer.Exit(1)
    return opened.ask


def _seen_alive(ask: "Ask", wanted: "Wanted", place: "Place", *, though_it_lives: bool) -> "Place":
    """The place, with its existing clusters. The command ends if one exists, unless --though-it-lives is given."""
    from dataclasses import replace

    from llmplatform.doctor.checks import Denied, NoAnswer
    from llmplatform.sweep.stacks import CLOUDS

    cloud = CLOUDS[wanted.stack.cloud.provider]
    try:
        living = cloud.living(place, ask)
        alive = frozenset(living)
        shown = ", ".join(living.values())
        why = f"cluster {shown} still exists, and much of it looks like a leftover" if living else ""
    except (Denied, NoAnswer) as error:
        alive, why = place.clusters, f"it is not known whether the cluster still exists: {error}"
    if why and not though_it_lives:
        typer.echo(f"{why}; run `pulumi destroy` first, or pass --though-it-lives", err=True)
        raise typer.Exit(1)
    return replace(place, alive=alive)


def _delete(
    console: "Console", swept: "Sequence[Swept]", place: "Place", ask: "Ask", *, yes: bool, silent: bool
) -> "list[Outcome]":
    from llmplatform.sweep.running import remove

    outcomes: list[Outcome] = []
    for found in swept:
        mine = [each for each in found.left if each.deletable]
        if not mine or (silent and not yes):
            continue
        shown = ", ".join(each.name or each.id for each in mine[:3]) + (" …" if len(mine) > 3 else "")
        if yes or typer.confirm(f"Delete {len(mine)} {found.kind.title}: {shown}?"):
            outcomes += remove(found.kind, mine, place, ask)
    if not silent:
        for each in outcomes:
            console.print(f"  {each.leftover.kind} {each.leftover.id}: {each.said}", highlight=False, soft_wrap=True)
    return outcomes


def _document(swept: "Sequence[Swept]", outcomes: "Sequence[Outcome]") -> dict[str, Any]:
    return {
        "kinds": [
            {
                "name": found.kind.name,
                "title": found.kind.title,
                "problem": found.problem,
                "left": [{**asdict(each), "deletable": each.deletable} for each in found.left],
            }
            for found in swept
        ],
        "deleted": [
            {"kind": each.leftover.kind, "id": each.leftover.id, "done": each.done, "said": each.said}
            for each in outcomes
        ],
    }


def _show(console: "Console", swept: "Sequence[Swept]") -> None:
    from rich.table import Column, Table
    from rich.text import Text

    table = Table("Kind", "Whose", Column("Which, and what tells", overflow="fold"), box=None, pad_edge=False)
    for found in swept:
        for each in found.left:
            table.add_row(found.kind.name, Text(each.whose, "" if each.whose == "ours" else "dim"), _told(each))
        if found.problem:
            table.add_row(found.kind.name, Text("?", "yellow"), Text(found.problem))
    if table.row_count:
        console.print(table)


def _told(leftover: "Leftover") -> Any:
    from rich.text import Text

    said = Text(f"{leftover.id}{f' ({leftover.name})' if leftover.name else ''}: {leftover.why}")
    if leftover.kept:
        said.append(f"\n→ {leftover.kept}", "cyan")
    return said

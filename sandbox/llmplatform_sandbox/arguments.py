"""Arguments that several commands of the sandbox share."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from llmplatform.catalog.stack_names import is_stack_name, not_a_name, stack_of_file


def named(stack: str) -> str:
    """The stack, by its name or by its file's; any other text is refused before it is part of a path."""
    name = stack_of_file(stack) or stack
    if not is_stack_name(name):
        print(not_a_name(stack), file=sys.stderr)
        raise typer.Exit(2)
    return name


def _host_named(host: str | None) -> str | None:
    if host is None:
        return None
    folder, separator, stack = host.rpartition(":")
    return f"{folder}{separator}{named(stack)}"


Stack = Annotated[str, typer.Argument(help="Stack, as in Pulumi.STACK.yaml.", metavar="STACK", callback=named)]
ProjectFolder = Annotated[
    Path, typer.Option("--project", help="Folder of the Pulumi project.", show_default="current folder")
]
HostStack = Annotated[
    str | None,
    typer.Option(
        "--in",
        help="Use the sandbox of another stack: its account, its cluster.",
        metavar="[FOLDER:]STACK",
        callback=_host_named,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")]

"""`llmplatform use-platform`: connects a stack of models to the platform of another stack."""

from pathlib import Path
from typing import Annotated

import typer

from llmplatform.cli.stacks import Project, StackName, refuse, stack_file

Source = Annotated[
    Path | None, typer.Option("--from", help="File with the output `platform`, as JSON.", show_default="standard input")
]


def use_platform(
    stack: StackName,
    project: Project = Path(),
    source: Source = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit with 1 if the file is stale.")] = False,
) -> None:
    """Connect the models of a stack to the platform of another stack, which its output `platform` describes.

    Example: `pulumi stack output platform --json | llmplatform use-platform dev --project ../models`.
    """
    from llmplatform.checks import InvalidStack
    from llmplatform.checks.reading import unreadable
    from llmplatform.cli.platform_sections import reference, rewritten, sections_of

    path = stack_file(stack, project)
    try:
        ref = reference(source)
        wanted = sections_of(ref, path)
        path.parent.stat()
        before = path.read_text(encoding="utf-8") if path.exists() else "config:\n"
        after = rewritten(before, wanted)
    except InvalidStack as error:
        refuse(error.problems)
        raise
    except OSError as error:
        refuse([unreadable(path, error)])
        raise
    if after == before:
        typer.echo(f"{path} is up to date with the platform '{ref.environment}'.")
    elif check:
        typer.echo(f"{path} is stale: the platform '{ref.environment}' has changed; run this without --check", err=True)
        raise typer.Exit(1)
    else:
        path.write_text(after, encoding="utf-8")
        there = "" if project.resolve() == Path.cwd() else f" --project {project}"
        typer.echo(
            f"{path} now describes the platform '{ref.environment}'; `llmplatform validate {stack}{there}` checks it."
        )

"""Commands about a stack file: check it, and print the schema that editors check it with."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from llmplatform.planning.models import ModelPlan, plan_models
from llmplatform.planning.pools import PoolPlan, plan_pools
from llmplatform.specs import check_stack_file, load_stack

StackName = Annotated[str, typer.Argument(help="Stack, whose file is Pulumi.STACK.yaml.", metavar="STACK")]
Project = Annotated[Path, typer.Option("--project", help="Folder of Pulumi.yaml.", show_default="current folder")]


def stack_file(stack: str, project: Path) -> Path:
    """Path of a stack's file."""
    return project / f"Pulumi.{stack}.yaml"


def validate(
    stack: StackName,
    project: Project = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Print the problems as JSON.")] = False,
) -> None:
    """Check a stack file: every problem in one run, one line each.

    Example: `llmplatform validate dev`. Exit code 2 when something is wrong.
    """
    path = stack_file(stack, project)
    problems = check_stack_file(path)
    if as_json:
        typer.echo(json.dumps({"file": str(path), "valid": not problems, "problems": problems}, indent=2))
    elif problems:
        for problem in problems:
            typer.echo(problem, err=True)
    else:
        spec = load_stack(path)
        pools = plan_pools(spec)
        Console().print(f"{path} is valid.", _pools(pools), _models(plan_models(spec, pools)), sep="\n")
    if problems:
        raise typer.Exit(2)


def schema() -> None:
    """Print the JSON schema of stack files, for editors and other tools.

    Example: `llmplatform schema > stack.schema.json`.
    """
    from llmplatform.specs.schema import text

    typer.echo(text(), nl=False)


def _pools(plans: tuple[PoolPlan, ...]) -> Table:
    nodes = Column("Nodes", no_wrap=True)
    table = Table("Pool", "Instance types", "GPUs", nodes, title="Node pools", title_justify="left")
    for plan in plans:
        gpus = f"{plan.shape.gpus} x {plan.gpu.name}" if plan.gpu else "none"
        table.add_row(plan.name, ", ".join(plan.spec.instance_types), gpus, _nodes(plan))
    return table


def _nodes(plan: PoolPlan) -> str:
    """Bounds of each group, because `max` holds per group; and of the pool, where it has two."""
    if not plan.groups:
        return "another stack's"
    each = [f"{group.minimum} to {group.maximum} {group.capacity.replace('_', ' ')}" for group in plan.groups]
    least, most = (sum(group.minimum for group in plan.groups), sum(group.maximum for group in plan.groups))
    return " + ".join(each) + (f"\n= {least} to {most} in all" if len(each) > 1 else "")


def _models(plans: tuple[ModelPlan, ...]) -> Table:
    table = Table("Model", "Weights", "Pool", "Replicas", "GPUs each", title="Models", title_justify="left")
    for plan in plans:
        table.add_row(plan.name, plan.spec.source, plan.pool.name, str(plan.spec.replicas), str(plan.gpus))
    return table

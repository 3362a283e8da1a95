"""Commands about a stack file: check it, and print the schema that editors check it with.

What a command needs is imported when it runs: the root command loads this module for every call.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from llmplatform.checks import Problem
    from llmplatform.planning.models import ModelPlan
    from llmplatform.planning.pools import GroupPlan, PoolPlan
    from llmplatform.specs import Stack
    from llmplatform.specs.services import Milvus


def named(stack: str) -> str:
    """Refuse a text that is neither a stack's name nor a file's path, before it becomes part of a path."""
    from llmplatform.catalog.stack_names import is_stack_name, not_a_name

    if not _is_file(stack) and not is_stack_name(stack):
        typer.echo(not_a_name(stack), err=True)
        raise typer.Exit(2)
    return stack


def _is_file(stack: str) -> bool:
    return Path(stack).suffix in (".yaml", ".yml")


StackName = Annotated[
    str,
    typer.Argument(help="Stack, whose file is Pulumi.STACK.yaml, or that file.", metavar="STACK", callback=named),
]
Project = Annotated[Path, typer.Option("--project", help="Folder of Pulumi.yaml.", show_default="current folder")]


def stack_file(stack: str, project: Path) -> Path:
    """Path of a stack's file. `stack`: its name, or the path itself."""
    from llmplatform.catalog import stack_names

    return Path(stack) if _is_file(stack) else stack_names.stack_file(stack, project, _project_settings(project))


def _project_settings(project: Path) -> "Mapping[str, object]":
    import yaml

    try:
        found = yaml.safe_load((project / "Pulumi.yaml").read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}  # A stack file can be checked without its project; Pulumi reports the project's faults.
    return found if isinstance(found, dict) else {}


def refuse(problems: "Sequence[Problem]") -> None:
    """Print the problems, a line each, and end with exit code 2 if there are any."""
    for problem in problems:
        typer.echo(str(problem), err=True)
    if problems:
        raise typer.Exit(2)


def validate(
    stack: StackName,
    project: Project = Path(),
    as_json: Annotated[
        bool, typer.Option("--json", help="Print problems, warnings and the phases of starts as JSON.")
    ] = False,
) -> None:
    """Check a stack file: every problem in one run, one line each.

    Example: `llmplatform validate dev`, or `llmplatform validate Pulumi.dev.yaml --json`. Exit code 2 if there is a
    problem, or a secret is missing. Warnings, such as of a version without support, leave it 0.
    """
    from llmplatform.checks import check
    from llmplatform.cli.starts import starts

    path = stack_file(stack, project)
    checked = check(path)
    problems, warned = [*checked.problems, *checked.placeholders], checked.warnings
    if as_json:
        found = {
            "problems": [*map(asdict, problems)],
            "warnings": [*map(asdict, warned)],
            "starts": starts(checked.stack) if checked.stack else {},
        }
        typer.echo(json.dumps({"file": str(path), "valid": not problems, **found}, indent=2))
        raise typer.Exit(2 if problems else 0)
    refuse(problems)
    for warning in warned:
        typer.echo(f"warning: {warning}", err=True)
    if checked.stack:
        _describe(path, checked.stack, path.parent if _is_file(stack) else project)


def schema() -> None:
    """Print the JSON schema of stack files, for editors and other tools.

    Example: `llmplatform schema > stack.schema.json`.
    """
    # The file is generated from the models, and compared with them before each commit.
    typer.echo((Path(__file__).parents[1] / "specs" / "stack.schema.json").read_text(encoding="utf-8"), nl=False)


def _describe(path: Path, spec: "Stack", project: Path) -> None:
    from llmplatform.checks.archives import unfit_archives
    from llmplatform.cli.machine import console_for
    from llmplatform.cli.starts import table_of_starts
    from llmplatform.planning.charts import plan_charts
    from llmplatform.planning.models import plan_models
    from llmplatform.planning.pools import plan_pools

    pools = plan_pools(spec)
    models = plan_models(spec, pools)
    console = console_for()
    console.print(f"{path} is valid.", _pools(pools), _models(models), table_of_starts(models), sep="\n")
    if spec.services.milvus.enabled and spec.platform.kind == "new":
        console.print(_milvus(spec.services.milvus))
    charts, folder = plan_charts(spec, pools), project / ".charts"
    unfit = unfit_archives(charts, folder)
    if unfit:
        console.print(
            f"{len(unfit)} of the {len(charts)} charts that this stack installs are not in {folder}: "
            "`llmplatform charts pull` before `pulumi preview` in an account (the sandbox needs none)",
            soft_wrap=True,
            highlight=False,
        )


def _pools(plans: "tuple[PoolPlan, ...]") -> "Table":
    from rich.table import Column, Table

    nodes = Column("Nodes", no_wrap=True)
    table = Table(
        Column("Pool", overflow="fold"),
        Column("Instance types", overflow="fold"),
        "GPUs",
        nodes,
        title="Node pools",
        title_justify="left",
    )
    for plan in plans:
        gpus = f"{plan.shape.gpus} x {plan.gpu.name}" if plan.gpu else "none"
        table.add_row(plan.name, ", ".join(plan.spec.instance_types), gpus, _nodes(plan))
    return table


def _nodes(plan: "PoolPlan") -> str:
    """Bounds of each capacity type, because `max` holds for each group; and of the pool, if it has two."""
    if not plan.groups:
        return "another stack's"
    ways = {group.capacity: [one for one in plan.groups if one.capacity == group.capacity] for group in plan.groups}
    each = [f"{_bounds(groups)} {way.replace('_', ' ')}{_spread(groups)}" for way, groups in ways.items()]
    return " + ".join(each) + (f"\n= {_bounds(plan.groups)} in all" if len(each) > 1 else "")


def _bounds(groups: "Sequence[GroupPlan]") -> str:
    return f"{sum(group.minimum for group in groups)} to {sum(group.maximum for group in groups)}"


def _spread(groups: "Sequence[GroupPlan]") -> str:
    return f", {groups[0].maximum} a zone" if len(groups) > 1 else ""


def _models(plans: "tuple[ModelPlan, ...]") -> "Table":
    from rich.table import Column, Table

    heads = ("Model", "Weights", "Pool", "Replicas", "GPUs each", "Cache of each")
    table = Table(*(Column(head, overflow="fold") for head in heads), title="Models", title_justify="left")
    for plan in plans:
        row = plan.name, plan.spec.source, plan.pool.name, _replicas(plan), _gpus(plan)
        table.add_row(*row, _cache(plan))
    return table


def _gpus(plan: "ModelPlan") -> str:
    return f"{plan.gpus} on each of {plan.nodes} nodes" if plan.nodes > 1 else str(plan.gpus)


def _milvus(spec: "Milvus") -> "Table":
    from rich.table import Table

    from llmplatform.planning.milvus import plan_milvus

    plan = plan_milvus(spec)
    one = plan.load
    vectors = f"{spec.vectors:,} vectors of dimension {spec.dimension} with {spec.index.kind}"
    takes = f"{one.raw_gib:.1f} GiB, loaded {one.memory_gib:.1f} in memory and {one.disk_gib:.1f} on disk"
    table = Table("Part", "Pods", "CPUs each", "Memory each", title=f"Milvus: {vectors}: {takes}", title_justify="left")
    for name, part in {**plan.parts, "etcd": plan.etcd}.items():
        table.add_row(name, str(part.replicas), f"{part.millicores / 1000:g}", f"{part.memory_gib} GiB")
    return table


def _replicas(plan: "ModelPlan") -> str:
    least, most = plan.least_replicas, plan.most_replicas
    return f"{least} to {most}" if plan.spec.scaling else str(least)


def _cache(plan: "ModelPlan") -> str:
    """The estimated cache of one replica, for all requests together."""
    from llmplatform.planning.fit import model_fit

    if plan.pool.gpu is None or plan.spec.known_shape is None:
        return ""
    fit = model_fit(plan.spec, plan.pool.gpu)
    if not fit.kv_tokens:
        return "none" if plan.spec.engine_release else "not known"
    return f"{fit.kv_tokens:,} tokens, {fit.concurrency:.1f} of {fit.context_length:,}, margin {fit.margin:.0%}"

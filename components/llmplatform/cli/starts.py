"""What `validate` shows of the starts of a stack's servers."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from llmplatform.planning.models import ModelPlan
    from llmplatform.specs import Stack

HEADS = ("Model", "Node", "Image", "Weights", "Boot", "Load", "Compile", "Own", "New node", "Ready node", "Allowed")


def starts(stack: "Stack") -> Mapping[str, object]:
    """The start of each model, for machines: phases with their seconds, sums, and the time that is allowed."""
    from llmplatform.planning.models import plan_models
    from llmplatform.planning.pools import plan_pools

    return {plan.name: _start(plan) for plan in plan_models(stack, plan_pools(stack))}


def _start(plan: "ModelPlan") -> Mapping[str, object]:
    return {
        "phases": [_in_lines(asdict(phase)) for phase in plan.start.phases],
        "new_node_seconds": plan.start.new_node_seconds,
        "ready_node_seconds": plan.start.ready_node_seconds,
        "own_seconds": plan.start.own_seconds,
        "allowed_seconds": plan.startup_seconds,
    }


def _in_lines(values: Mapping[str, object]) -> Mapping[str, object]:
    """Texts in one line each, whatever breaks their source has."""
    return {key: " ".join(value.split()) if isinstance(value, str) else value for key, value in values.items()}


def row(plan: "ModelPlan") -> tuple[str, ...]:
    """The cells of a model, in seconds."""
    start = plan.start
    sums = start.own_seconds, start.new_node_seconds, start.ready_node_seconds, plan.startup_seconds
    return plan.name, *(str(phase.seconds) for phase in start.phases), *map(str, sums)


def table_of_starts(plans: "Sequence[ModelPlan]") -> "Table":
    """Expected seconds of each phase, the sums, and what the startup probe allows to boot, load and compile."""
    from rich import box
    from rich.table import Column, Table

    first = {plan.name: sum(phase.once_seconds for phase in plan.start.phases) for plan in plans}
    copies = ", ".join(f"{name} {seconds}" for name, seconds in first.items() if seconds)
    table = Table(
        *(Column(head, overflow="fold") for head in HEADS),
        title="Start of a server, in seconds",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        caption=f"First copy of the weights, before a model's first start: {copies}" if copies else None,
        caption_justify="left",
    )
    for plan in plans:
        table.add_row(*row(plan))
    return table

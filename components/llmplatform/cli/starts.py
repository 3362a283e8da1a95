"""What `validate` shows of the starts of a stack's servers."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from llmplatform.planning.models import ModelPlan
    from llmplatform.specs import Stack

HEADS = ("Model", "Node", "Image", "Weights", "Boot", "Load", "Compile", "New node", "Ready node", "Allowed")


def starts(stack: "Stack") -> Mapping[str, object]:
    """The start of each model, for machines: phases with their seconds, sums, and the time that is allowed."""
    from llmplatform.planning.models import plan_models
    from llmplatform.planning.pools import plan_pools

    return {plan.name: _start(plan) for plan in plan_models(stack, plan_pools(stack))}


def _start(plan: "ModelPlan") -> Mapping[str, object]:
    return {
        "phases": [*map(asdict, plan.start.phases)],
        "new_node_seconds": plan.start.new_node_seconds,
        "ready_node_seconds": plan.start.ready_node_seconds,
        "own_seconds": plan.start.own_seconds,
        "allowed_seconds": plan.startup_seconds,
    }


def row(plan: "ModelPlan") -> tuple[str, ...]:
    """The cells of a model, in seconds."""
    start = plan.start
    sums = start.new_node_seconds, start.ready_node_seconds, plan.startup_seconds
    return plan.name, *(str(phase.seconds) for phase in start.phases), *map(str, sums)


def table_of_starts(plans: "Sequence[ModelPlan]") -> "Table":
    """Expected seconds of each phase, the sums, and what the startup probe allows to boot, load and compile."""
    from rich.table import Table

    table = Table(*HEADS, title="Start of a server, in seconds", title_justify="left")
    for plan in plans:
        table.add_row(*row(plan))
    return table

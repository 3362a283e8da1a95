"""Rules about how long a server may take to start."""

from collections.abc import Iterator
from math import ceil

from llmplatform.checks.problems import Problem
from llmplatform.checks.rules.placement import placed
from llmplatform.checks.rules.rule import each_model
from llmplatform.planning.models import loaded_gib
from llmplatform.planning.start import own_phases
from llmplatform.specs.stack import Stack


def a_start_is_given_its_time(stack: Stack) -> Iterator[Problem]:
    """A warning: a server is not ended while it starts as expected."""
    for name, model, node in placed(stack):
        if model.startup_minutes is None or (model.known_shape is None and model.weights.cache != "image"):
            continue
        phases = own_phases(model, node.shape, loaded_gib(model))
        expected = sum(phase.seconds for phase in phases)
        if model.startup_minutes * 60 < expected:
            parts = ", ".join(f"{phase.name} {phase.seconds} s" for phase in phases)
            yield Problem(
                f"models.{name}.startup_minutes",
                f"{model.startup_minutes} minutes are less than the {expected} s that its start is expected to take "
                f"({parts}): it would be ended, and start anew without end",
                f"write {ceil(expected / 60)} or more, or remove it",
            )


WARNINGS = each_model(a_start_is_given_its_time)

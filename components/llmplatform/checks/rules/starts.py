"""Rules about the time of a start, and what shortens it."""

from collections.abc import Iterator
from math import ceil

from llmplatform.checks.problems import Problem
from llmplatform.checks.rules.placement import disk_gib, gpu_node, is_cpu, placed
from llmplatform.checks.rules.rule import each_model, whole
from llmplatform.planning.models import image_on, loaded_gib, stored_gib
from llmplatform.planning.start import own_phases
from llmplatform.specs.pools import ENGINE_IMAGE_GIB
from llmplatform.specs.stack import Stack


def images_are_fetched_where_they_run(stack: Stack) -> Iterator[Problem]:
    """A pool that fetches images before has GPUs, models of this stack, and room for their images and weights."""
    for name, pool in stack.pools.items():
        if not pool.prepull:
            continue
        tenants = [model for model in stack.models.values() if model.pool == name]
        path, node = f"pools.{name}.prepull", gpu_node(stack, pool)
        if is_cpu(stack, pool):
            yield Problem(path, "only nodes with GPUs fetch images before, and the pool has none", "remove it")
        elif not tenants:
            yield Problem(path, "no model of this stack runs there", "remove it, or set it in the stack of the models")
        elif node:
            count = len({image_on(model, node.gpu) for model in tenants})
            beside = sum(
                model.weights.size_gib or ceil(stored_gib(model))
                for model in tenants
                if model.weights.cache == "node" and model.known_shape
            )
            wanted, room = count * ENGINE_IMAGE_GIB + beside, disk_gib(stack, pool)
            if wanted > room:
                yield Problem(
                    path,
                    f"{count} images of {ENGINE_IMAGE_GIB} GiB"
                    + (f" and {beside} GiB of weights" if beside else "")
                    + f" do not fit the {room} GiB that a node has for them",
                    "use a larger disk, or remove it",
                )


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


PROBLEMS = whole(images_are_fetched_where_they_run)
WARNINGS = each_model(a_start_is_given_its_time)

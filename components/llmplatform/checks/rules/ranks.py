"""Rules about data-parallel ranks of a replica, and experts over its GPUs."""

from collections.abc import Iterator

from llmplatform.catalog import engines
from llmplatform.checks.problems import Problem, listed
from llmplatform.checks.rules.placement import placed, published
from llmplatform.checks.rules.rule import each_model
from llmplatform.planning.ranks import ranks_of
from llmplatform.specs.stack import Stack


def engine_has_ranks(stack: Stack) -> Iterator[Problem]:
    """The release of the engine can start ranks in one pod."""
    for name, model in stack.models.items():
        release, facts = model.engine_release, model.engine_facts
        if model.data_parallel == 1 or (release and release.ranks):
            continue
        able = [each.version for each in facts.releases if each.ranks]
        yield Problem(
            f"models.{name}.data_parallel",
            f"{facts.name}{f' {release.version}' if release else ''} starts no ranks in one pod",
            f"remove it and write more replicas, or use {listed(able or engines.having(lambda each: each.ranks))}",
        )


def engine_spreads_experts(stack: Stack) -> Iterator[Problem]:
    """The release of the engine can give each GPU whole experts."""
    for name, model in stack.models.items():
        release, facts, flags = model.engine_release, model.engine_facts, model.engine.WHOLE_EXPERTS
        if not model.expert_parallel or (release and release.expert_parallel):
            continue
        able = [each.version for each in facts.releases if each.expert_parallel]
        others = listed(able or engines.having(lambda each: each.expert_parallel))
        yield Problem(
            f"models.{name}.expert_parallel",
            f"{facts.name}{f' {release.version}' if release else ''} has no such setting",
            f"remove it, and add {flags[0]} to engine.extra_args" if flags else f"remove it, or use {others}",
        )


def experts_are_there(stack: Stack) -> Iterator[Problem]:
    """Only a mixture of experts has some to share out, evenly and over several GPUs."""
    for name, model in stack.models.items():
        shape, gpus, path = model.known_shape, model.stage_gpus, f"models.{name}.expert_parallel"
        release = model.engine_release
        if not model.expert_parallel or shape is None or release is None or not release.expert_parallel:
            continue
        if not shape.experts:
            yield Problem(path, f"'{model.source}' is no mixture of experts", "remove it")
        elif gpus == 1:
            yield Problem(path, "the only GPU of a replica has all experts", "remove it, or set data_parallel")
        elif shape.experts % gpus:
            yield Problem(
                path,
                f"{shape.experts} experts cannot be shared out evenly over {gpus} GPUs",
                "remove it, or use a number of GPUs that divides them",
            )


def models_code_shares_experts(stack: Stack) -> Iterator[Problem]:
    """The engine's code for the model has ranks that share experts."""
    for name, model, _, release in published(stack):
        words = release.ranks.without if release.ranks else ()
        if ranks_of(model).share_experts and any(word in model.source.lower() for word in words):
            yield Problem(
                f"models.{name}.data_parallel",
                f"ranks of '{model.source}' cannot share experts behind {model.engine_facts.name} {release.version}",
                "remove expert_parallel, or data_parallel",
            )


def ranks_are_within_a_node(stack: Stack) -> Iterator[Problem]:
    """The GPUs of all ranks are in one node."""
    for name, model, node in placed(stack):
        gpus, size, number = node.shape.gpus, model.tensor_parallel, model.data_parallel
        if number > 1 and size <= gpus < model.stage_gpus:
            most = gpus // size
            yield Problem(
                f"models.{name}.data_parallel",
                f"{number} ranks of {size} GPU{'s' if size > 1 else ''} are larger than a node of pool "
                f"'{model.pool}', whose {node.shape.name} has {gpus}",
                (f"write {most}" if most > 1 else "remove it") + ", or use more replicas, or a pool of larger nodes",
            )


def ranks_are_planned(stack: Stack) -> Iterator[Problem]:
    """What is not planned for ranks is not beside them."""
    for name, model in stack.models.items():
        if model.data_parallel == 1:
            continue
        if model.pipeline_parallel > 1:
            yield Problem(
                f"models.{name}.pipeline_parallel",
                "stages of several ranks are not planned: ranks are within a node",
                "remove it, or data_parallel",
            )
        if model.lora and model.lora.runtime:
            yield Problem(
                f"models.{name}.lora.runtime",
                "an engine of several ranks loads no adapters while it runs",
                "remove it, or data_parallel",
            )


PROBLEMS = each_model(
    engine_has_ranks,
    engine_spreads_experts,
    experts_are_there,
    models_code_shares_experts,
    ranks_are_within_a_node,
    ranks_are_planned,
)

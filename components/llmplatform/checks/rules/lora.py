"""Rules about LoRA adapters."""

from collections.abc import Iterator
from dataclasses import fields

from llmplatform.catalog import ModelShape, models
from llmplatform.catalog.engines import EngineLora
from llmplatform.checks.problems import Problem
from llmplatform.checks.rules.placement import placed
from llmplatform.checks.rules.rule import each_model, whole
from llmplatform.planning import lora
from llmplatform.planning.models import replica_memory_mib
from llmplatform.planning.stages import spread
from llmplatform.specs.lora import Lora
from llmplatform.specs.models import Model
from llmplatform.specs.stack import Stack

_MEMORY = {
    "bytes_per_parameter",
    "quantization_group",
    "routed_experts_gib",
    "shared_experts_gib",
    "extra_gib",
    "float16",
    "context_length",
    "parameters_billion",
}
"""Values that differ between a model and its quantized or longer variants, which take the same adapters."""


def adapters_are_served(stack: Stack) -> Iterator[Problem]:
    """The engine serves adapters, of this model, and there are some."""
    for name, model, wanted in _with_adapters(stack):
        path, limits, shape = f"models.{name}.lora", _limits(model), model.known_shape
        if not wanted.adapters and wanted.runtime is None:
            yield Problem(path, "it has no adapter", "write adapters, or runtime with a claim of them, or remove it")
        if limits is None:
            yield Problem(path, f"{_engine(model)} serves no adapters here", "remove it")
        elif shape and limits.vocabulary and shape.vocabulary > limits.vocabulary:
            yield Problem(
                path,
                f"{_engine(model)} serves no adapters of models with a vocabulary above "
                f"{limits.vocabulary}, and '{model.source}' has {shape.vocabulary}",
                "merge the adapter into the weights and name them in source",
            )


def ranks_are_the_engines(stack: Stack) -> Iterator[Problem]:
    """No adapter has a higher rank than `max_rank`, and the engine has a choice for it."""
    for name, model, wanted in _with_adapters(stack):
        path, limits = f"models.{name}.lora", _limits(model)
        for key, adapter in wanted.adapters.items():
            if wanted.max_rank and adapter.rank > wanted.max_rank:
                yield Problem(
                    f"{path}.adapters.{key}.rank",
                    f"rank {adapter.rank} is above max_rank, which is {wanted.max_rank}",
                    f"write {adapter.rank} as max_rank, or leave max_rank out",
                )
        if limits and lora.rank(wanted, limits.ranks) is None:
            of = [key for key, adapter in wanted.adapters.items() if adapter.rank > max(limits.ranks)]
            yield Problem(
                f"{path}.max_rank" if wanted.max_rank else f"{path}.adapters.{of[0]}.rank",
                f"{_engine(model)} serves ranks up to {max(limits.ranks)}",
                "use an adapter of a lower rank, or merge it into the weights and name them in source",
            )


def adapters_are_of_the_model(stack: Stack) -> Iterator[Problem]:
    """The base of an adapter has the layers of the model, as far as the catalog knows both."""
    for name, model, wanted in _with_adapters(stack):
        served = model.known_shape
        for key, adapter in wanted.adapters.items():
            base = models.get(adapter.base) if adapter.base else None
            different = _differences(base, served) if base and served else []
            if different:
                yield Problem(
                    f"models.{name}.lora.adapters.{key}.base",
                    f"an adapter of '{adapter.base}' does not fit '{model.source}', which differs in "
                    f"{', '.join(different)}",
                    f"use an adapter of '{model.source}', or serve '{adapter.base}'",
                )


def adapters_have_names_of_their_own(stack: Stack) -> Iterator[Problem]:
    """Clients choose between model and adapters by the name."""
    for name, model, wanted in _with_adapters(stack):
        for key in wanted.adapters:
            path = f"models.{name}.lora.adapters.{key}"
            if key in (name, *model.served_names):
                yield Problem(path, f"'{key}' is a name of the model", "give the adapter another name")
            if ".." in key or "//" in key:
                yield Problem(path, f"'{key}' is not valid", "write a name without '..' and '//'")


def adapters_have_memory(stack: Stack) -> Iterator[Problem]:
    """What the processes of a replica hold of its adapters leaves half of its memory for the rest."""
    for name, model, node in placed(stack):
        shape = model.known_shape
        if model.lora is None or shape is None or model.stage_gpus > node.shape.gpus:
            continue
        held = lora.host_gib(shape, model.lora, spread(model, node.shape.gpus).gpus)
        memory, shared = (mib / 1024 for mib in replica_memory_mib(node.shape, model))
        if held > (memory - shared) / 2:
            yield Problem(
                f"models.{name}.lora",
                f"the adapters take {held:.0f} GiB in the processes of {model.stage_gpus} GPUs, which leave too "
                f"little of {memory:.0f} GiB of memory",
                "use fewer adapters or lower ranks, or a larger resources.memory_gib",
            )


def clients_load_adapters_with_care(stack: Stack) -> Iterator[Problem]:
    """A warning: clients can replace adapters."""
    for name, _, wanted in _with_adapters(stack):
        if wanted.runtime:
            yield Problem(
                f"models.{name}.lora.runtime",
                "every client with the key can load and unload adapters, of one replica and until it restarts",
                "fine where clients are trusted; else write adapters alone",
            )


def _with_adapters(stack: Stack) -> Iterator[tuple[str, Model, Lora]]:
    for name, model in stack.models.items():
        if model.lora is not None:
            yield name, model, model.lora


def _limits(model: Model) -> EngineLora | None:
    return model.engine_release.lora if model.engine_release else None


def _engine(model: Model) -> str:
    return f"{model.engine.kind} {model.engine_release.version}" if model.engine_release else model.engine.kind


def _differences(base: ModelShape, served: ModelShape) -> list[str]:
    names = [field.name for field in fields(ModelShape) if field.name not in _MEMORY]
    both = [(each, getattr(base, each), getattr(served, each)) for each in names]
    return [each for each, one, other in both if one is not None and other is not None and one != other]


PROBLEMS = each_model(
    adapters_are_served,
    ranks_are_the_engines,
    adapters_are_of_the_model,
    adapters_have_names_of_their_own,
    adapters_have_memory,
)
WARNINGS = whole(clients_load_adapters_with_care)

"""Rules about inference engines."""

import re
from collections.abc import Iterator

from llmplatform.catalog import Gpu, engine_flags, models, versions
from llmplatform.catalog.engines import Capability, EngineRelease, dotted
from llmplatform.checks.problems import Problem, listed, suggestion
from llmplatform.checks.rules.placement import has_kernels, placed, published
from llmplatform.checks.rules.rule import each_model, whole
from llmplatform.planning.pools import nvidia_driver
from llmplatform.specs.engines import PublishedEngine
from llmplatform.specs.models import Model
from llmplatform.specs.stack import Stack


def engine_is_on_record(stack: Stack) -> Iterator[Problem]:
    """An engine version is one whose flags are known."""
    for name, model, engine, _ in published(stack):
        known = model.engine_facts.versions
        if engine.version is not None and engine.version not in known:
            yield Problem(
                f"models.{name}.engine.version",
                f"what {model.engine.kind} {engine.version} accepts is not on record",
                f"use {listed(known)}, or leave it out",
            )


def settings_are_of_the_release(stack: Stack) -> Iterator[Problem]:
    """The requested release has every setting that is written, and its value."""
    for name, model, engine, release in published(stack):
        kind, version = model.engine.kind, release.version
        for key, flag in engine.CHOICES.items():
            value, choices = getattr(engine, key), engine_flags.choices(kind, version, flag)
            if value and choices and value not in choices:
                path = f"models.{name}.engine.{key}"
                yield Problem(path, f"{kind} {version} has no '{value}'", f"use {listed(choices)}")
        for key, flag in engine.FLAGS.items():
            if getattr(engine, key) and flag not in engine_flags.flags(kind, version):
                yield Problem(f"models.{name}.engine.{key}", f"{kind} {version} does not have it", "remove it")


def image_is_of_the_version(stack: Stack) -> Iterator[Problem]:
    """The version of the image is that of the settings, because flags and parsers depend on it."""
    for name, model, engine, release in published(stack):
        said, facts = _version_of_image(engine, release), model.engine_facts
        version = engine.version or release.version
        if said and said != version:
            yield Problem(
                f"models.{name}.engine.image",
                f"the image is of {model.engine.kind} {said}, and flags and parsers are those of {version}",
                f"write engine.version: '{said}'" if said in facts.versions else f"use an image of {version}",
            )


def _version_of_image(engine: PublishedEngine, release: EngineRelease) -> str | None:
    """The version in an image that is called as the publisher's, whose tag begins with it."""
    repository = release.image.rpartition("/")[2].partition(":")[0]
    form = rf"(?:.*/)?{re.escape(repository)}:v?(\d+\.\d+\.\d+(?:\.post\d+)?)(?![.\d])[^:@]*(?:@.*)?"
    said = re.fullmatch(form, engine.image or "")
    return said[1] if said else None


def image_can_be_run(stack: Stack) -> Iterator[Problem]:
    """An engine whose published image needs more rights than servers have is run from another."""
    for name, model, engine, _ in published(stack):
        needed = model.engine_facts.own_image
        if needed and engine.image is None:
            yield Problem(f"models.{name}.engine.image", needed.reason, needed.remedy)


def engine_is_kept_up(stack: Stack) -> Iterator[Problem]:
    """A warning: an engine that its publisher no longer develops."""
    for name, model in stack.models.items():
        facts = model.engine_facts
        if facts.aging:
            yield Problem(f"models.{name}.engine.kind", f"{facts.name}: {facts.aging}", "use another for new models")


def clients_are_trusted(stack: Stack) -> Iterator[Problem]:
    """A warning: clients can do more to a server than ask it."""
    for name, model in stack.models.items():
        facts = model.engine_facts
        if facts.server.open_paths:
            yield Problem(
                f"models.{name}.engine.kind",
                f"{facts.name}: {facts.server.open_paths}",
                "give the clients' label to a gateway alone that passes on nothing but /v1",
            )


def parsers_exist(stack: Stack) -> Iterator[Problem]:
    """Parsers for tool calls and reasoning exist in the engine."""
    for name, model in stack.models.items():
        for key, wanted, known in _named(model):
            if wanted is not None and wanted not in known:
                yield Problem(
                    f"models.{name}.engine.{key}",
                    f"{model.engine.kind} has no parser '{wanted}'",
                    suggestion(wanted, sorted(known)),
                )


def parsers_are_of_the_models(stack: Stack) -> Iterator[Problem]:
    """A warning: a parser of another model family silently returns tool calls as plain text."""
    for name, model in stack.models.items():
        key, facts = model.engine.TOOL_PARSER, model.engine_facts.parsers
        if key is None or facts is None:
            continue
        parser = str(getattr(model.engine, key) or "")
        words = next((words for start, words in facts.families.items() if parser.startswith(start)), None)
        if words and model.source in models.names() and not any(word in model.source.lower() for word in words):
            yield Problem(
                f"models.{name}.engine.{key}",
                f"'{parser}' reads the calls of other models than '{model.source}', which would stay in the text",
                f"look for the model on {model.engine_facts.name}'s page on tool calling",
            )


def quantization_is_of_the_weights(stack: Stack) -> Iterator[Problem]:
    """The quantization of the settings is that of the weights."""
    for name, model, engine, _ in published(stack):
        shape, facts = model.known_shape, model.engine_facts.weights
        if facts is None or shape is None or shape.bytes_per_parameter < 2:
            continue
        for index, argument in enumerate(engine.extra_args):
            flag, _, method = argument.partition("=")
            if flag == facts.quantization_flag and re.match(facts.quantized, method):
                yield Problem(
                    f"models.{name}.engine.extra_args[{index}]",
                    f"the weights of '{model.source}' are not quantized",
                    "remove it, or name the repository of such weights in source",
                )


def quantization_is_known(stack: Stack) -> Iterator[Problem]:
    """The engine has the quantization that a flag names. A plugin in an image of the user's own may add others."""
    for name, model, engine, release in published(stack):
        version, facts = engine.version or release.version, model.engine_facts.weights
        if facts is None or engine.image or version not in model.engine_facts.versions:
            continue
        known = sorted(engine_flags.names(model.engine.kind, version, "quantization"))
        for index, argument in enumerate(engine.extra_args):
            flag, _, method = argument.partition("=")
            if flag == facts.quantization_flag and known and method not in (*known, "None"):
                yield Problem(
                    f"models.{name}.engine.extra_args[{index}]",
                    f"{model.engine.kind} {version} has no quantization '{method}'",
                    suggestion(method, known),
                )


def _named(model: Model) -> Iterator[tuple[str, str | None, frozenset[str]]]:
    """Settings whose values are names that the release knows: setting, value, known names."""
    engine = model.engine
    if isinstance(engine, PublishedEngine):
        version = engine.version or model.engine_facts.release().version
        if version not in model.engine_facts.versions:
            return
        for key, kind in engine.NAMES.items():
            yield key, getattr(engine, key), engine_flags.names(engine.kind, version, kind)


def engine_runs_on_gpu(stack: Stack) -> Iterator[Problem]:
    """The engine has kernels for the pool's GPUs, and they compute the model's number format."""
    for name, model, machine in placed(stack):
        engine, gpu, shape = model.engine_release, machine.gpu, model.known_shape
        if engine is None:
            continue
        if not has_kernels(model, gpu):
            yield Problem(
                f"models.{name}.pool",
                f"{model.engine.kind} {engine.version} has no kernels for the {gpu.name} of pool '{model.pool}' "
                f"(compute capability {dotted(gpu.compute_capability)}; it needs {dotted(engine.compute_capability)}"
                + (f" to {dotted(engine.newest_capability)})" if engine.newest_capability else ")"),
                "use a pool of newer GPUs, such as T4, A10G or L4"
                if gpu.compute_capability < engine.compute_capability
                else "use a pool of older GPUs, such as A10G, L4 or H100, or a newer engine",
            )
        elif shape and not gpu.bf16 and not shape.float16:
            yield Problem(
                f"models.{name}.pool",
                f"'{model.source}' needs bfloat16, which the {gpu.name} of pool '{model.pool}' does not compute",
                "use a pool of newer GPUs, such as A10G or L4",
            )


def cache_is_of_the_gpu(stack: Stack) -> Iterator[Problem]:
    """A cache in 8 bit is for GPUs whose kernels read it."""
    for name, model, gpu, oldest in _caches_in_fp8(stack):
        if gpu.compute_capability < oldest:
            yield Problem(
                f"models.{name}.engine.{model.engine.CACHE_FORMAT}",
                f"the {gpu.name} of pool '{model.pool}' has no kernels for caches in fp8",
                "write 'auto', or use a pool of newer GPUs, such as L4",
            )


def cache_is_likely_to_run(stack: Stack) -> Iterator[Problem]:
    """A warning: without fp8 of the GPU's own, only some of the engine's attention kernels take such a cache."""
    for name, model, gpu, oldest in _caches_in_fp8(stack):
        if gpu.compute_capability >= oldest and not gpu.fp8:
            yield Problem(
                f"models.{name}.engine.{model.engine.CACHE_FORMAT}",
                f"the {gpu.name} of pool '{model.pool}' does not compute in fp8, and not every attention kernel reads "
                "such a cache there",
                "try it before you rely on it, or write 'auto'",
            )


def _caches_in_fp8(stack: Stack) -> Iterator[tuple[str, Model, Gpu, Capability]]:
    """Models with a cache in 8 bit: name, model, its GPU, and the oldest GPU that has kernels for such a cache."""
    for name, model, machine in placed(stack):
        cache = model.engine_facts.cache
        if cache and model.engine.gpu_use.kv_bytes == 1:
            yield name, model, machine.gpu, cache.fp8_from


def engine_runs_model(stack: Stack) -> Iterator[Problem]:
    """A model that needs certain engine versions has one of them, and `trust_remote_code` if it needs that."""
    for name, model, _, engine in published(stack):
        limits = models.limits(model.source, model.engine.kind)
        if limits and engine.version not in limits.versions:
            yield Problem(
                f"models.{name}.engine.version",
                f"{model.engine.kind} {engine.version} does not run '{model.source}': {limits.reason}",
                f"write {listed(limits.versions)}",
            )
        if model.source in models.with_code() and not model.trust_remote_code:
            yield Problem(
                f"models.{name}.trust_remote_code",
                f"'{model.source}' comes with code of its own, which no engine runs unasked",
                "write true if you trust its publisher",
            )


def driver_runs_engine(stack: Stack) -> Iterator[Problem]:
    """The NVIDIA driver of the pool's nodes supports the engine's CUDA version."""
    for name, model, _ in placed(stack):
        engine, pool = model.engine_release, stack.pools[model.pool]
        if engine is None:
            continue
        built = f"{model.engine.kind} {engine.version} of model '{name}' is built with CUDA {engine.cuda}"
        driver = nvidia_driver(pool)
        if driver is None:
            if engine.driver > versions.EKS_NODE_DRIVER:
                yield Problem(
                    f"models.{name}.engine.version",
                    f"{built}, which needs driver {engine.driver}; EKS's images have {versions.EKS_NODE_DRIVER}",
                    "use an older one",
                )
            continue
        if driver in versions.ACK_DRIVERS and _branch(driver) < engine.driver:
            yield Problem(
                f"pools.{model.pool}.driver",
                f"driver {driver} runs CUDA {versions.ACK_DRIVERS[driver]} at most, and {built}, which needs "
                f"{engine.driver} or newer",
                f"use {listed([each for each in versions.ACK_DRIVERS if _branch(each) >= engine.driver])}",
            )


def _branch(driver: str) -> int:
    return int(driver.partition(".")[0])


PROBLEMS = each_model(
    engine_is_on_record,
    settings_are_of_the_release,
    image_is_of_the_version,
    image_can_be_run,
    parsers_exist,
    quantization_is_of_the_weights,
    quantization_is_known,
    engine_runs_model,
    engine_runs_on_gpu,
    driver_runs_engine,
    cache_is_of_the_gpu,
)
WARNINGS = whole(cache_is_likely_to_run, parsers_are_of_the_models, engine_is_kept_up, clients_are_trusted)

"""Rules about inference engines."""

from collections.abc import Iterator

from llmplatform.catalog import engine_flags, models, versions
from llmplatform.specs.models import Model
from llmplatform.specs.pools import AwsPool
from llmplatform.specs.problems import Problem, listed, suggestion
from llmplatform.specs.rules.placement import has_kernels, placed
from llmplatform.specs.stack import Stack


def engine_is_on_record(stack: Stack) -> Iterator[Problem]:
    """A version that is asked for is one whose flags are known."""
    for name, model in stack.models.items():
        known = engine_flags.versions(model.engine.kind)
        if model.engine.version is not None and model.engine.version not in known:
            yield Problem(
                f"models.{name}.engine.version",
                f"what {model.engine.kind} {model.engine.version} accepts is not on record",
                f"use {listed(known)}, or leave it out",
            )


def parsers_exist(stack: Stack) -> Iterator[Problem]:
    """The parsers for tool calls and reasoning are the engine's."""
    for name, model in stack.models.items():
        for key, wanted, known in _parsers(model):
            if wanted is not None and wanted not in known:
                yield Problem(
                    f"models.{name}.engine.{key}",
                    f"{model.engine.kind} has no parser '{wanted}'",
                    suggestion(wanted, sorted(known)),
                )


def _parsers(model: Model) -> Iterator[tuple[str, str | None, frozenset[str]]]:
    engine = model.engine
    version = engine.version or versions.ENGINES[engine.kind].version
    if version in engine_flags.versions(engine.kind):
        yield "tool_call_parser", engine.tool_call_parser, engine_flags.tool_parsers(engine.kind, version)
        yield "reasoning_parser", engine.reasoning_parser, engine_flags.reasoning_parsers(engine.kind, version)


def engine_runs_on_gpu(stack: Stack) -> Iterator[Problem]:
    """The engine has kernels for the pool's GPUs, and the model runs in a format that they compute."""
    for name, model, machine in placed(stack):
        engine, gpu, shape = versions.engine(model.engine.kind, model.engine.version), machine.gpu, model.known_shape
        if not has_kernels(model, gpu):
            yield Problem(
                f"models.{name}.pool",
                f"{model.engine.kind} {engine.version} has no kernels for the {gpu.name} of pool '{model.pool}' "
                f"(compute capability {_dotted(gpu.compute_capability)}; it needs {_dotted(engine.compute_capability)}"
                + (f" to {_dotted(engine.newest_capability)})" if engine.newest_capability else ")"),
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


FP8_CACHES_FROM = (8, 0)
"""Compute capability below which no attention kernel of vLLM takes a cache in fp8 (its attention backends)."""


def cache_is_of_the_gpu(stack: Stack) -> Iterator[Problem]:
    """A cache in 8 bit is for GPUs whose kernels read it."""
    for name, model, machine in placed(stack):
        if model.engine.kv_cache_dtype == "fp8" and machine.gpu.compute_capability < FP8_CACHES_FROM:
            yield Problem(
                f"models.{name}.engine.kv_cache_dtype",
                f"the {machine.gpu.name} of pool '{model.pool}' has no kernels for caches in fp8",
                "write 'auto', or use a pool of newer GPUs, such as L4",
            )


def cache_is_likely_to_run(stack: Stack) -> Iterator[Problem]:
    """A warning: without fp8 of the GPU's own, only some of the engine's attention kernels take such a cache."""
    for name, model, machine in placed(stack):
        gpu = machine.gpu
        if model.engine.kv_cache_dtype == "fp8" and gpu.compute_capability >= FP8_CACHES_FROM and not gpu.fp8:
            yield Problem(
                f"models.{name}.engine.kv_cache_dtype",
                f"the {gpu.name} of pool '{model.pool}' does not compute in fp8, and not every attention kernel reads "
                "such a cache there",
                "try it before you rely on it, or write 'auto'",
            )


def engine_runs_model(stack: Stack) -> Iterator[Problem]:
    """A model that only some versions of its engine run has one of them, and the trust that its code needs."""
    for name, model in stack.models.items():
        engine = versions.engine(model.engine.kind, model.engine.version)
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
    """The NVIDIA driver of the pool's nodes runs the engine's CUDA."""
    for name, model, _ in placed(stack):
        engine, pool = versions.engine(model.engine.kind, model.engine.version), stack.pools[model.pool]
        built = f"{model.engine.kind} {engine.version} of model '{name}' is built with CUDA {engine.cuda}"
        if isinstance(pool, AwsPool):
            if engine.driver > versions.EKS_NODE_DRIVER:
                yield Problem(
                    f"models.{name}.engine.version",
                    f"{built}, which needs driver {engine.driver}; EKS's images have {versions.EKS_NODE_DRIVER}",
                    "use an older one",
                )
            continue
        driver = pool.driver or versions.ACK_DRIVER
        if driver in versions.ACK_DRIVERS and _branch(driver) < engine.driver:
            yield Problem(
                f"pools.{model.pool}.driver",
                f"driver {driver} runs CUDA {versions.ACK_DRIVERS[driver]} at most, and {built}, which needs "
                f"{engine.driver} or newer",
                f"use {listed([each for each in versions.ACK_DRIVERS if _branch(each) >= engine.driver])}",
            )


def _branch(driver: str) -> int:
    return int(driver.partition(".")[0])


def _dotted(capability: tuple[int, int]) -> str:
    return ".".join(map(str, capability))

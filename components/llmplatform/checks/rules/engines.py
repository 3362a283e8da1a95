"""Rules about inference engines."""

import re
from collections.abc import Iterator, Mapping

from llmplatform.catalog import engine_flags, models, versions
from llmplatform.checks.problems import Problem, listed, suggestion
from llmplatform.checks.rules.placement import has_kernels, placed
from llmplatform.checks.rules.rule import each_model, whole
from llmplatform.planning.pools import nvidia_driver
from llmplatform.specs.models import Model
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


_PUBLISHERS = re.compile(r"(?:.*/)?vllm-openai:v?(\d+\.\d+\.\d+(?:\.post\d+)?)(?![.\d])[^:@]*(?:@.*)?")
"""An image that is called as the publisher's: its tag begins with the version that is in it."""


def image_is_of_the_version(stack: Stack) -> Iterator[Problem]:
    """Flags and parsers are those of the version, whatever image they are handed to."""
    for name, model in stack.models.items():
        said = _PUBLISHERS.fullmatch(model.engine.image or "")
        version = model.engine.version or versions.ENGINES[model.engine.kind].version
        if said and said[1] != version:
            known = engine_flags.versions(model.engine.kind)
            yield Problem(
                f"models.{name}.engine.image",
                f"the image is of {model.engine.kind} {said[1]}, and flags and parsers are those of {version}",
                f"write engine.version: '{said[1]}'" if said[1] in known else f"use an image of {version}",
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


_WRITERS: Mapping[str, tuple[str, ...]] = {
    "deepseek": ("deepseek",),
    "ernie": ("ernie",),
    "functiongemma": ("gemma",),
    "gemma": ("gemma",),
    "gigachat": ("gigachat",),
    "glm": ("glm",),
    "granite": ("granite",),
    "hunyuan": ("hunyuan",),
    "internlm": ("internlm",),
    "jamba": ("jamba",),
    "kimi": ("kimi",),
    "llama": ("llama",),
    "minimax": ("minimax",),
    "mistral": ("mistral", "mixtral"),
    "olmo": ("olmo",),
    "openai": ("gpt-oss",),
    "phi4": ("phi-4",),
    "qwen3": ("qwen3",),
    "seed_oss": ("seed-oss",),
}
"""Beginning of a parser's name to words of the models whose calls it reads; `hermes` and `pythonic` are of many.
Source: vLLM's guide to tool calling."""


def parsers_are_of_the_models(stack: Stack) -> Iterator[Problem]:
    """A warning: what a parser of another family does not find comes back as plain text, without an error."""
    for name, model in stack.models.items():
        parser = model.engine.tool_call_parser or ""
        words = next((words for start, words in _WRITERS.items() if parser.startswith(start)), None)
        if words and model.source in models.names() and not any(word in model.source.lower() for word in words):
            yield Problem(
                f"models.{name}.engine.tool_call_parser",
                f"'{parser}' reads the calls of other models than '{model.source}', which would stay in the text",
                "look for the model on vLLM's page on tool calling",
            )


_OF_WEIGHTS = re.compile(
    r"(auto_)?(awq|gptq)|compressed-tensors|modelopt|moe_wna16|quark|gguf|inc\b|(gpt_oss_)?mxfp4|fbgemm_|deepseek_v4_"
)
"""Quantizations that weights come in, as their config.json says; others are computed while they are loaded. Source:
vLLM, QuantizationMethods, and get_quant_config, which looks for the file that such weights come with."""


def quantization_is_of_the_weights(stack: Stack) -> Iterator[Problem]:
    """Weights are read as what they are."""
    for name, model in stack.models.items():
        shape = model.known_shape
        for index, argument in enumerate(model.engine.extra_args):
            flag, _, method = argument.partition("=")
            if flag == "--quantization" and shape and shape.bytes_per_parameter >= 2 and _OF_WEIGHTS.match(method):
                yield Problem(
                    f"models.{name}.engine.extra_args[{index}]",
                    f"the weights of '{model.source}' are not quantized",
                    "remove it, or name the repository of such weights in source",
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


def _dotted(capability: tuple[int, int]) -> str:
    return ".".join(map(str, capability))


PROBLEMS = each_model(
    engine_is_on_record,
    image_is_of_the_version,
    parsers_exist,
    quantization_is_of_the_weights,
    engine_runs_model,
    engine_runs_on_gpu,
    driver_runs_engine,
    cache_is_of_the_gpu,
)
WARNINGS = whole(cache_is_likely_to_run, parsers_are_of_the_models)

"""Rules about draft models of speculative decoding."""

import re
from collections.abc import Iterator

from llmplatform.checks.problems import Problem
from llmplatform.checks.rules.placement import published
from llmplatform.checks.rules.rule import each_model
from llmplatform.specs.models import Model
from llmplatform.specs.stack import Stack

_OWN = ("model", "method", "num_speculative_tokens")
_SPREAD = "draft_tensor_parallel_size"
_FLAGS = re.compile(r"--(speculative-config|spec-[a-z]+)(?=[.=]|$)")
_NAMES_A_MODEL = re.compile(r'\.model=|"model"\s*:')


def draft_is_known(stack: Stack) -> Iterator[Problem]:
    """Planning knows the memory of a draft model."""
    for name, model in stack.models.items():
        draft, path = model.engine.draft, f"models.{name}.engine.speculative"
        if draft is None:
            continue
        if draft.is_whole_model and draft.known_shape is None:
            yield Problem(
                f"{path}.source",
                f"the catalog does not know '{draft.source}'",
                "add 'shape:' with the values of its config.json, or the method of a speculator",
            )
        if not draft.is_whole_model and draft.size_gib is None and draft.known_shape is None:
            yield Problem(f"{path}.size_gib", "the memory of a speculator is not known", "write the size of its files")
        for key in _OWN:
            if key in draft.options:
                yield Problem(f"{path}.options.{key}", "it follows from the settings beside options", "remove it")


def draft_has_the_models_tokens(stack: Stack) -> Iterator[Problem]:
    """A draft model guesses in the model's vocabulary, or the engine is told to translate."""
    for name, model in stack.models.items():
        draft, shape = model.engine.draft, model.known_shape
        other = draft is not None and draft.options.get("use_heterogeneous_vocab") is True
        guessed = draft.known_shape if draft and draft.is_whole_model and not other else None
        if draft and guessed and shape and guessed.vocabulary != shape.vocabulary:
            yield Problem(
                f"models.{name}.engine.speculative.source",
                f"'{draft.source}' has {guessed.vocabulary} tokens, and '{model.source}' {shape.vocabulary}",
                "use a model with the same vocabulary, or set options.use_heterogeneous_vocab to true",
            )


def draft_is_spread_as_it_can_be(stack: Stack) -> Iterator[Problem]:
    """A draft model is on all GPUs of a replica. Only a speculator may be whole on one.

    vLLM 0.33.0, wheel: v1/spec_decode/draft_model.py, `_raise_if_draft_tp_mismatch`; config/speculative.py,
    `_verify_and_get_draft_tp`.
    """
    for name, model in stack.models.items():
        draft, size = model.engine.draft, model.tensor_parallel
        wanted = draft.options.get(_SPREAD, size) if draft else size
        if draft and wanted != size and (draft.is_whole_model or wanted != 1):
            yield Problem(
                f"models.{name}.engine.speculative.options.{_SPREAD}",
                f"with the method '{draft.method}' the engine does not start with {wanted} beside tensor_parallel "
                f"{size}",
                "remove it" if draft.is_whole_model else "write 1, or remove it",
            )


def speculation_is_said_once(stack: Stack) -> Iterator[Problem]:
    """Flags name no draft model, which nothing would download, and do not stand beside the setting."""
    for name, model, engine, _ in published(stack):
        for index, argument in enumerate(engine.extra_args):
            if _FLAGS.match(argument) and _is_twice(model, argument):
                yield Problem(
                    f"models.{name}.engine.extra_args[{index}]",
                    "engine.speculative says it" if model.engine.draft else "nothing downloads the model that it names",
                    "write it below engine.speculative",
                )


def _is_twice(model: Model, argument: str) -> bool:
    return bool(model.engine.draft or _NAMES_A_MODEL.search(argument))


PROBLEMS = each_model(
    draft_is_known, draft_has_the_models_tokens, draft_is_spread_as_it_can_be, speculation_is_said_once
)

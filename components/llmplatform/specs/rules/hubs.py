"""Rules about the hub that weights come from."""

import re
from collections.abc import Iterator

from llmplatform.catalog import models
from llmplatform.specs.problems import Problem
from llmplatform.specs.stack import Stack

_COMMIT = re.compile(r"[0-9a-f]{40}")


def one_hub_is_chosen(stack: Stack) -> Iterator[Problem]:
    """An endpoint of Hugging Face is of no use where weights come from ModelScope."""
    if stack.mirrors.models == "modelscope" and stack.mirrors.huggingface:
        yield Problem(
            "mirrors.huggingface",
            "weights come from ModelScope, which does not ask this endpoint",
            "remove it, or set mirrors.models to 'huggingface'",
        )


def models_are_at_the_hub(stack: Stack) -> Iterator[Problem]:
    """ModelScope has the weights under a known name, without Hugging Face's token, and knows the revision."""
    if stack.mirrors.models != "modelscope":
        return
    for name, model in stack.models.items():
        if model.source in models.names() and models.modelscope_id(model.source) is None:
            yield Problem(
                f"models.{name}.source",
                f"what ModelScope calls '{model.source}' is not on record",
                "use another model, or set mirrors.models to 'huggingface' and mirrors.huggingface to an endpoint",
            )
        if model.gated:
            yield Problem(
                f"models.{name}.gated", "ModelScope does not know tokens of Hugging Face", "write false, or remove it"
            )
        if model.revision and _COMMIT.fullmatch(model.revision):
            yield Problem(
                f"models.{name}.revision",
                "ModelScope knows branches and tags, but no commits",
                "write a tag of the model there, such as v1.0.0, or remove it",
            )

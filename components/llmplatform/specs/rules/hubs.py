"""Rules about the hub that weights come from."""

import re
from collections.abc import Iterator

from llmplatform.catalog import models, versions
from llmplatform.specs.problems import Problem, listed, suggestion
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


def mirrors_stand_for_something(stack: Stack) -> Iterator[Problem]:
    """Each mirror stands in for an address that something comes from: a slip in one would be silent."""
    registries = [*versions.IMAGE_REGISTRIES, *_own_registries(stack)]
    for host in stack.mirrors.images:
        path = f"mirrors.images.{host}"
        meant = versions.REGISTRY_ALIASES.get(host)
        if meant:
            yield Problem(path, "no reference to an image begins with it", f"write '{meant}', which it is called there")
        elif host not in registries:
            yield Problem(path, f"no image comes from '{host}'", suggestion(host, registries))
    repositories = sorted({chart.repository for chart in versions.CHARTS.values()})
    for address in stack.mirrors.charts:
        if not any(repository.startswith(address) for repository in repositories):
            yield Problem(
                f"mirrors.charts.{address}", f"no chart comes from '{address}'", suggestion(address, repositories)
            )


def _own_registries(stack: Stack) -> list[str]:
    return [model.engine.image.partition("/")[0] for model in stack.models.values() if model.engine.image]


def weights_are_within_reach(stack: Stack) -> Iterator[Problem]:
    """A warning: from within mainland China the public registries and hubs hardly answer."""
    region = stack.cloud.region
    if not region.startswith("cn-") or region == "cn-hongkong":
        return
    if not stack.mirrors.images:
        yield Problem(
            "mirrors.images",
            f"{listed(versions.IMAGE_REGISTRIES[:2], 'and')} and other registries hardly answer in {region}",
            "write mirrors that you have there for them",
        )
    if stack.models and stack.mirrors.models == "huggingface" and stack.mirrors.huggingface is None:
        yield Problem(
            "mirrors.models",
            f"huggingface.co does not answer in {region}",
            "write 'modelscope', or mirrors.huggingface with an endpoint that stands in for it",
        )


def gated_models_are_marked(stack: Stack) -> Iterator[Problem]:
    """A model that the hub keeps behind its licence is fetched with a token."""
    if stack.mirrors.models != "huggingface":
        return
    for name, model in stack.models.items():
        if model.source in models.gated() and not model.gated:
            yield Problem(
                f"models.{name}.gated",
                f"Hugging Face gives the weights of '{model.source}' only to accounts that have accepted its licence",
                "write true, and run pulumi config set --secret --path 'llmplatform:secrets.huggingface_token'",
            )

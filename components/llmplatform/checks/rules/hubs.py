"""Rules about the hub of the weights, and about mirrors and logins."""

import re
from collections.abc import Iterator

from llmplatform.catalog import models, versions
from llmplatform.checks.problems import Problem, suggestion
from llmplatform.checks.rules.rule import each_model, whole
from llmplatform.specs.models import Model
from llmplatform.specs.sources import address
from llmplatform.specs.stack import AlicloudStack, Stack

_COMMIT = re.compile(r"[0-9a-f]{40}")


_LIKE_A_COMMIT = re.compile(r"(?=.*[a-f])(?=.*\d)[0-9a-f]{7,}")
"""Has letters and digits: a tag such as `20260901` has no letters, and a branch such as `facade` no digits."""


def one_hub_is_chosen(stack: Stack) -> Iterator[Problem]:
    """A Hugging Face endpoint has no effect if weights come from ModelScope."""
    if stack.mirrors.models == "modelscope" and stack.mirrors.huggingface:
        yield Problem(
            "mirrors.huggingface",
            "weights come from ModelScope, which does not ask this endpoint",
            "remove it, or set mirrors.models to 'huggingface'",
        )


def models_are_at_the_hub(stack: Stack) -> Iterator[Problem]:
    """On ModelScope, a model has a known name, needs no Hugging Face token, and has a revision of that hub."""
    if stack.mirrors.models != "modelscope":
        return
    for name, model in _from_hub(stack):
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
    for name, model in stack.models.items():
        for path, revision in _revisions(name, model):
            if _LIKE_A_COMMIT.fullmatch(revision):
                yield Problem(
                    path,
                    "ModelScope knows branches and tags, but no commits",
                    "write a tag of the model there, such as v1.0.0, or remove it",
                )


def commits_are_whole(stack: Stack) -> Iterator[Problem]:
    """A commit is complete, because the hub accepts no prefix. Source: huggingface_hub's guide to downloads."""
    if stack.mirrors.models != "huggingface":
        return
    revisions = (each for name, model in stack.models.items() for each in _revisions(name, model))
    for path, wanted in revisions:
        if _LIKE_A_COMMIT.fullmatch(wanted) and not _COMMIT.fullmatch(wanted):
            yield Problem(
                path,
                f"'{wanted}' looks like a commit, and has {len(wanted)} digits of 40: the hub takes whole ones alone",
                "write all 40, as the hub's page of the commit shows them",
            )


def _revisions(name: str, model: Model) -> Iterator[tuple[str, str]]:
    """The revisions at a hub of a model, its adapters and its draft that the settings name, with their paths."""
    adapters, draft = model.lora.adapters if model.lora else {}, model.engine.draft
    adapters = {key: each for key, each in adapters.items() if address(each.source) is None}
    named = {} if model.weights.source else {f"models.{name}.revision": model.revision}
    named |= {f"models.{name}.engine.speculative.revision": draft.revision} if draft else {}
    named |= {f"models.{name}.lora.adapters.{key}.revision": each.revision for key, each in adapters.items()}
    yield from ((path, revision) for path, revision in named.items() if revision)


def _from_hub(stack: Stack) -> Iterator[tuple[str, Model]]:
    """Models whose weights come from a hub."""
    yield from ((name, model) for name, model in stack.models.items() if model.weights.source is None)


def mirrors_stand_for_something(stack: Stack) -> Iterator[Problem]:
    """Each mirror replaces an address that is used: a typo would have no effect."""
    registries = [*versions.IMAGE_REGISTRIES, *_own_registries(stack)]
    for host in stack.mirrors.images:
        path = f"mirrors.images.{host}"
        meant = versions.REGISTRY_ALIASES.get(host)
        if meant:
            yield Problem(path, "no reference to an image begins with it", f"write '{meant}', which it is called there")
        elif host not in registries:
            yield Problem(path, f"no image comes from '{host}'", suggestion(host, registries))
    repositories = sorted({chart.repository for chart in versions.CHARTS.values()})
    for start in stack.mirrors.charts:
        if not any(repository.startswith(start) for repository in repositories):
            yield Problem(f"mirrors.charts.{start}", f"no chart comes from '{start}'", suggestion(start, repositories))


def logins_are_of_use(stack: Stack) -> Iterator[Problem]:
    """A login is for a registry that images come from, has a password, and is the only login of the pods."""
    login, password = stack.mirrors.login, stack.secrets.registry_password
    if login is None:
        if password is not None:
            yield Problem(
                "secrets.registry_password",
                "no registry has a login that uses it",
                "write mirrors.login with registry and user, or remove it",
            )
        return
    if password is None:
        yield Problem(
            "mirrors.login",
            "it needs a password, and secrets.registry_password is not set",
            "run pulumi config set --secret --path 'llmplatform:secrets.registry_password'",
        )
    mirrored = [prefix.partition("/")[0] for prefix in stack.mirrors.images.values()]
    public = [host for host in versions.IMAGE_REGISTRIES if host not in stack.mirrors.images]
    known = sorted({*mirrored, *public, *_own_registries(stack)})
    if login.registry not in known:
        yield Problem(
            "mirrors.login.registry", f"no image comes from '{login.registry}'", suggestion(login.registry, known)
        )
    if isinstance(stack, AlicloudStack) and stack.mirrors.acr:
        # kubernetes.io, "Configure Service Accounts for Pods": an account's pull secrets are for pods that name none.
        yield Problem(
            "mirrors.login",
            "pods that have a login get no credentials of the instance mirrors.acr",
            "write one of the two",
        )


def _own_registries(stack: Stack) -> list[str]:
    return [image.partition("/")[0] for model in stack.models.values() if (image := model.engine.own_image)]


def weights_are_within_reach(stack: Stack) -> Iterator[Problem]:
    """A warning: Hugging Face cannot be reached from mainland China."""
    region = stack.cloud.region
    if not region.startswith("cn-") or region == "cn-hongkong":
        return
    if any(_from_hub(stack)) and stack.mirrors.models == "huggingface" and stack.mirrors.huggingface is None:
        yield Problem(
            "mirrors.models",
            f"huggingface.co does not answer in {region}",
            "write 'modelscope', or mirrors.huggingface with an endpoint that stands in for it",
        )


def gated_models_are_marked(stack: Stack) -> Iterator[Problem]:
    """A model that its hub restricts needs `gated: true`, and so a token."""
    if stack.mirrors.models != "huggingface":
        return
    for name, model in _from_hub(stack):
        if model.source in models.gated() and not model.gated:
            yield Problem(
                f"models.{name}.gated",
                f"Hugging Face gives the weights of '{model.source}' only to accounts that have accepted its licence",
                "write true, and run pulumi config set --secret --path 'llmplatform:secrets.huggingface_token'",
            )


PROBLEMS = (
    *whole(one_hub_is_chosen),
    *each_model(models_are_at_the_hub, commits_are_whole),
    *whole(mirrors_stand_for_something),
    *each_model(gated_models_are_marked),
    *whole(logins_are_of_use),
)
WARNINGS = whole(weights_are_within_reach)

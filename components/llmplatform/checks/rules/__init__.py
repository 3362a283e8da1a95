"""Rules across settings, one module for each topic.

Every rule runs, even on a file with faults, with all settings that can be read. A rule that asks for an unreadable
setting raises `Unread` and stays silent, so that a mistake is reported once. Any other exception is reported as a bug
of ours.
"""

from collections.abc import Iterator, Mapping, Sequence

from llmplatform.checks.partial import Location, Unread, partial
from llmplatform.checks.problems import Problem
from llmplatform.checks.rules import (
    accounts,
    addons,
    addresses,
    autoscaling,
    backups,
    budgets,
    caches,
    capacity,
    certificates,
    clusters,
    cnpg,
    cnpg_settings,
    databases,
    engine_extras,
    engines,
    existing,
    gpus,
    hubs,
    images,
    kserve,
    lasting,
    lists,
    lora,
    milvus,
    milvus_access,
    milvus_backups,
    mlflow_data,
    names,
    networks,
    outside,
    places,
    pools,
    ranks,
    ray,
    registries,
    replicas,
    restores,
    scaling,
    server_classes,
    services,
    serving,
    sources,
    speculation,
    stages,
    starts,
    stores,
    subnets,
    taints,
)
from llmplatform.checks.rules.rule import Rule
from llmplatform.specs.stack import AlicloudStack, AwsStack, Stack

OUR_MISTAKE = "which is a mistake of llmplatform itself"
"""The report of a rule that raises."""

PROBLEMS: tuple[Rule, ...] = (
    *places.PROBLEMS,
    *accounts.PROBLEMS,
    *lists.PROBLEMS,
    *networks.PROBLEMS,
    *subnets.PROBLEMS,
    *addresses.PROBLEMS,
    *clusters.PROBLEMS,
    *images.PROBLEMS,
    *addons.PROBLEMS,
    *budgets.PROBLEMS,
    *cnpg.PROBLEMS,
    *cnpg_settings.PROBLEMS,
    *restores.PROBLEMS,
    *services.PROBLEMS,
    *mlflow_data.PROBLEMS,
    *databases.PROBLEMS,
    *server_classes.PROBLEMS,
    *stores.PROBLEMS,
    *caches.PROBLEMS,
    *existing.PROBLEMS,
    *certificates.PROBLEMS,
    *pools.PROBLEMS,
    *gpus.PROBLEMS,
    *scaling.PROBLEMS,
    *names.PROBLEMS,
    *taints.PROBLEMS,
    *serving.PROBLEMS,
    *replicas.PROBLEMS,
    *engines.PROBLEMS,
    *engine_extras.PROBLEMS,
    *lora.PROBLEMS,
    *speculation.PROBLEMS,
    *sources.PROBLEMS,
    *stages.PROBLEMS,
    *ranks.PROBLEMS,
    *capacity.PROBLEMS,
    *starts.PROBLEMS,
    *autoscaling.PROBLEMS,
    *kserve.PROBLEMS,
    *ray.PROBLEMS,
    *hubs.PROBLEMS,
    *registries.PROBLEMS,
    *outside.PROBLEMS,
    *milvus.PROBLEMS,
    *milvus_access.PROBLEMS,
    *milvus_backups.PROBLEMS,
    *backups.PROBLEMS,
)
"""Errors: the stack is unusable."""

WARNINGS: tuple[Rule, ...] = (
    *clusters.WARNINGS,
    *scaling.WARNINGS,
    *replicas.WARNINGS,
    *starts.WARNINGS,
    *stages.WARNINGS,
    *autoscaling.WARNINGS,
    *places.WARNINGS,
    *addresses.WARNINGS,
    *engines.WARNINGS,
    *lora.WARNINGS,
    *sources.WARNINGS,
    *registries.WARNINGS,
    *hubs.WARNINGS,
    *addons.WARNINGS,
    *milvus.WARNINGS,
    *services.WARNINGS,
    *cnpg.WARNINGS,
    *restores.WARNINGS,
    *lasting.WARNINGS,
    *backups.WARNINGS,
    *caches.WARNINGS,
)
"""Warnings: the stack is valid, and will probably cause trouble."""

ADVICE: tuple[Rule, ...] = (*certificates.ADVICE, *databases.ADVICE, *lasting.ADVICE, *serving.ADVICE)
"""Advice for decisions, which not every update repeats."""


def problems(stack: Stack) -> list[Problem]:
    """Errors that the rules find in a stack."""
    return _found(PROBLEMS, stack)


def warnings(stack: Stack) -> list[Problem]:
    """Warnings: the passing of a date alone never makes a stack unusable."""
    return _found(WARNINGS, stack)


def advice(stack: Stack) -> list[Problem]:
    """Advice for decisions, which not every update repeats."""
    return _found(ADVICE, stack)


def problems_of_partial(
    kind: type[AwsStack] | type[AlicloudStack], raw: Mapping[str, object], faulty: Sequence[Location]
) -> list[Problem]:
    """Errors in the readable part of plain settings. `faulty` locates the rest."""
    return _found(PROBLEMS, partial(kind, raw, faulty))


def _found(rules: Sequence[Rule], stack: Stack) -> list[Problem]:
    return [problem for rule in rules for problem in _asked(rule, stack)]


def _asked(rule: Rule, stack: Stack) -> list[Problem]:
    """The problems that a rule finds; none if it asks for an unreadable setting."""
    try:
        return list(rule.judge(stack))
    except Unread:
        return [found for part in _parts(stack, rule) for found in _asked(Rule(rule.judge), part)]
    except Exception as error:
        # A bug of ours must be visible, and must not hide the faults of the file.
        return [
            Problem(
                "the stack",
                f"the rule {rule.name} fails on it ({type(error).__name__}: {error}), {OUR_MISTAKE}",
                "report it, with the file",
            )
        ]


def _parts(stack: Stack, rule: Rule) -> Iterator[Stack]:
    """For a rule that checks entries: the stack once for each readable entry."""
    if rule.each and rule.each in stack.__dict__:
        for name, entry in getattr(stack, rule.each).items():
            yield stack.model_copy(update={rule.each: {name: entry}})

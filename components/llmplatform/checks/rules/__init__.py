"""What settings demand of one another: each module has the rules of a topic.

All rules are asked even where a file is wrong in itself, of all that can be read in it: one that asks for a setting
which cannot be read (`Unread`) is silent, so that one mistake is told once. A rule that raises anything else is told
as a mistake of ours.
"""

from collections.abc import Iterator, Mapping, Sequence

from llmplatform.checks.partial import Location, Unread, partial
from llmplatform.checks.problems import Problem
from llmplatform.checks.rules import (
    accounts,
    addons,
    addresses,
    capacity,
    certificates,
    clusters,
    engine_extras,
    engines,
    existing,
    gpus,
    hubs,
    images,
    lists,
    names,
    networks,
    outside,
    places,
    pools,
    registries,
    scaling,
    serving,
    subnets,
    taints,
)
from llmplatform.checks.rules.rule import Rule
from llmplatform.specs.stack import AlicloudStack, AwsStack, Stack

OUR_MISTAKE = "which is a mistake of llmplatform itself"
"""How a rule that raises is told."""

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
    *existing.PROBLEMS,
    *certificates.PROBLEMS,
    *pools.PROBLEMS,
    *gpus.PROBLEMS,
    *scaling.PROBLEMS,
    *names.PROBLEMS,
    *taints.PROBLEMS,
    *serving.PROBLEMS,
    *engines.PROBLEMS,
    *engine_extras.PROBLEMS,
    *capacity.PROBLEMS,
    *hubs.PROBLEMS,
    *registries.PROBLEMS,
    *outside.PROBLEMS,
)
"""What makes a stack unusable."""

WARNINGS: tuple[Rule, ...] = (
    *clusters.WARNINGS,
    *scaling.WARNINGS,
    *places.WARNINGS,
    *addresses.WARNINGS,
    *engines.WARNINGS,
    *registries.WARNINGS,
    *hubs.WARNINGS,
    *addons.WARNINGS,
)
"""What is not wrong, and will be trouble all the same."""

ADVICE: tuple[Rule, ...] = (*certificates.ADVICE, *serving.ADVICE)
"""What is worth knowing before one decides, and not at every update."""


def problems(stack: Stack) -> list[Problem]:
    """What the rules find in a stack."""
    return _found(PROBLEMS, stack)


def warnings(stack: Stack) -> list[Problem]:
    """What is not wrong, and will be trouble all the same: nothing that a day brings makes a stack unusable."""
    return _found(WARNINGS, stack)


def advice(stack: Stack) -> list[Problem]:
    """What is worth knowing before one decides, and not at every update."""
    return _found(ADVICE, stack)


def problems_of_partial(
    kind: type[AwsStack] | type[AlicloudStack], raw: Mapping[str, object], faulty: Sequence[Location]
) -> list[Problem]:
    """What the rules find in that part of plain settings which is right in itself. `faulty` locates what is not."""
    return _found(PROBLEMS, partial(kind, raw, faulty))


def _found(rules: Sequence[Rule], stack: Stack) -> list[Problem]:
    return [problem for rule in rules for problem in _asked(rule, stack)]


def _asked(rule: Rule, stack: Stack) -> list[Problem]:
    """What a rule finds; nothing where it asks for what cannot be read."""
    try:
        return list(rule.judge(stack))
    except Unread:
        return [found for part in _parts(stack, rule) for found in _asked(Rule(rule.judge), part)]
    except Exception as error:
        # A mistake of ours is to be seen, and must not hide those of the file.
        return [
            Problem(
                "the stack",
                f"the rule {rule.name} fails on it ({type(error).__name__}: {error}), {OUR_MISTAKE}",
                "report it, with the file",
            )
        ]


def _parts(stack: Stack, rule: Rule) -> Iterator[Stack]:
    """The stack once for each entry of the section that a rule judges by entries, as far as it can be read."""
    if rule.each and rule.each in stack.__dict__:
        for name, entry in getattr(stack, rule.each).items():
            yield stack.model_copy(update={rule.each: {name: entry}})

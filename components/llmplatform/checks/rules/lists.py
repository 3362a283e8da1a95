"""A rule about lists in any section."""

from collections.abc import Iterator, Mapping

from llmplatform.checks.problems import Problem, shown
from llmplatform.checks.rules.rule import whole
from llmplatform.specs.section import Section
from llmplatform.specs.stack import Stack

_TOLD_ELSEWHERE = ("extra_args", "taints", "tolerations")
"""Lists with a rule of their own for duplicates."""


def nothing_is_listed_twice(stack: Stack) -> Iterator[Problem]:
    """No list of words, numbers or ranges has an entry twice: clouds refuse that, or drop one of them."""
    yield from _below("", stack)


def _below(path: str, value: object) -> Iterator[Problem]:
    if isinstance(value, Section):
        for name, each in value.__dict__.items():
            if name not in _TOLD_ELSEWHERE:
                yield from _below(f"{path}.{name}".removeprefix("."), each)
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from _below(f"{path}.{name}", each)
    elif isinstance(value, tuple):
        for index, each in enumerate(value):
            yield from _below(f"{path}[{index}]", each)
            if each in value[:index]:
                said = "this" if isinstance(each, Section) else shown(each)
                yield Problem(f"{path}[{index}]", f"{said} is written twice", "remove one")


PROBLEMS = whole(nothing_is_listed_twice)

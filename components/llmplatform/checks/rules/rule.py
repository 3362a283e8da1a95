"""A rule: a plain function from a stack to its problems, registered in the tuple of its module."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from llmplatform.checks.problems import Problem
from llmplatform.specs.stack import Stack

Judge = Callable[[Stack], Iterator[Problem]]


@dataclass(frozen=True)
class Rule:
    """A rule, which checks the whole stack, or each pool or model by itself."""

    judge: Judge
    each: Literal["pools", "models"] | None = None
    """Section whose entries are checked one by one: an unreadable entry does not silence the others."""

    @property
    def name(self) -> str:
        """Module and function."""
        return f"{self.judge.__module__.rpartition('.')[2]}.{self.judge.__name__}"


def whole(*judges: Judge) -> tuple[Rule, ...]:
    """Rules that check the whole stack."""
    return tuple(map(Rule, judges))


def each_pool(*judges: Judge) -> tuple[Rule, ...]:
    """Rules that check each pool by itself."""
    return tuple(Rule(judge, "pools") for judge in judges)


def each_model(*judges: Judge) -> tuple[Rule, ...]:
    """Rules that check each model by itself."""
    return tuple(Rule(judge, "models") for judge in judges)

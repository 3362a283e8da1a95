"""Searches leftovers, kind by kind, and deletes those that the user has confirmed. Kinds fail independently."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from llmplatform.doctor.checks import Absent, Ask, Denied, NoAnswer, one_line
from llmplatform.sweep.kinds import Kind, Leftover, Place


@dataclass(frozen=True, kw_only=True)
class Swept:
    """The leftovers of a kind."""

    kind: Kind
    left: tuple[Leftover, ...] = ()
    problem: str = ""
    """Why the search failed or is incomplete."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The result for an object."""

    leftover: Leftover
    done: bool
    said: str


def survey(
    kinds: Sequence[Kind], place: Place, ask: Ask, told: Callable[[Swept], None] = lambda swept: None
) -> list[Swept]:
    """Leftovers of each kind, in order. `told`: receives each kind as soon as it is complete."""
    found: list[Swept] = []
    for kind in kinds:
        left: list[Leftover] = []
        problem = ""
        try:
            left.extend(kind.find(place, ask))
        except Denied as error:
            problem = f"the credentials may not {error.action}"
        except (Absent, NoAnswer) as error:
            problem = str(error)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            problem = f"an answer is not what the service documents ({type(error).__name__}: {one_line(error)})"
        found.append(Swept(kind=kind, left=tuple(left), problem=problem))
        told(found[-1])
    return found


def remove(kind: Kind, left: Sequence[Leftover], place: Place, ask: Ask) -> list[Outcome]:
    """Deletes objects of a kind; an object that is already gone counts as deleted."""
    outcomes: list[Outcome] = []
    for leftover in left:
        if kind.delete is None or not leftover.deletable:
            outcomes.append(Outcome(leftover=leftover, done=False, said=leftover.kept or "it is only shown"))
            continue
        try:
            kind.delete(leftover, place, ask)
        except Absent:
            outcomes.append(Outcome(leftover=leftover, done=True, said="it was gone already"))
        except Denied as error:
            outcomes.append(Outcome(leftover=leftover, done=False, said=f"the credentials may not {error.action}"))
        except NoAnswer as error:
            outcomes.append(Outcome(leftover=leftover, done=False, said=str(error)))
        else:
            outcomes.append(Outcome(leftover=leftover, done=True, said="deleted"))
    return outcomes

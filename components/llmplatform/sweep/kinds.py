"""Kinds of leftovers, and how each is found and deleted."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from llmplatform.catalog.tags import ENVIRONMENT_TAG
from llmplatform.doctor.checks import Ask

Whose = Literal["ours", "foreign"]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Former place of an environment."""

    environment: str
    region: str
    clusters: frozenset[str]
    """Names of its own clusters on AWS; ids of them on Alibaba Cloud, as far as they are known."""
    within: str | None = None
    """Name or id of the existing cluster that it used: objects of that cluster's controllers may belong to others."""
    alive: frozenset[str] = frozenset()
    """Those of its clusters that still exist."""
    zone: str | None = None
    """Hosted zone or domain of its ACME challenges."""
    host: str | None = None
    """Host of its certificate."""


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """One object."""

    kind: str
    id: str
    whose: Whose
    """`ours`: the environment's, by its tag or name. `foreign`: possibly another owner's, and only shown."""
    why: str
    """The evidence for the owner."""
    name: str = ""
    kept: str = ""
    """Why it is not deleted, and what to do; empty if it can be."""
    details: Mapping[str, str] = field(default_factory=dict[str, str])
    """What its deletion needs to know."""

    @property
    def deletable(self) -> bool:
        """Whether `--delete` may delete it."""
        return self.whose == "ours" and not self.kept


@dataclass(frozen=True)
class Owner:
    """The owner of an object."""

    whose: Whose
    why: str
    """The evidence."""
    kept: str = ""
    """Why objects with this evidence are not deleted; empty if they can be."""

    def left(self, kind: str, id_: str, name: str = "", kept: str = "", **details: str) -> Leftover:
        """An object of this owner, as a `Leftover`."""
        return Leftover(
            kind=kind,
            id=id_,
            whose=self.whose,
            why=self.why,
            name=name.strip(),
            kept=kept or self.kept,
            details=details,
        )


def by_tag(place: Place) -> Owner:
    """The owner of an object with the environment's own tag."""
    return Owner("ours", f"{ENVIRONMENT_TAG}={place.environment}")


def by_cluster(cluster: str, why: str, alive: Collection[str]) -> Owner:
    """The owner of an object of the environment's own cluster, which may use it while it exists (in `alive`)."""
    kept = f"cluster {cluster} still exists, and may use it" if cluster in alive else ""
    return Owner("ours", why, kept)


def rest(place: Place, arns: Iterable[str], elsewhere: Collection[tuple[str, str]]) -> Iterator[Leftover]:
    """Objects with the environment's tag and no kind of their own. `elsewhere`: service and type of the others."""
    for arn in arns:
        service, sort = arn.split(":")[2], arn.split(":", 5)[5]
        if (service, sort.partition("/")[0].partition(":")[0]) not in elsewhere:
            yield by_tag(place).left(
                "others", arn, kept="`pulumi destroy` deletes it where the state has it; else delete it by hand"
            )


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of object."""

    name: str
    title: str
    finds: tuple[str, ...]
    """Actions that the search needs."""
    deletes: tuple[str, ...] = ()
    """Actions that the deletion needs; none if it is only shown."""
    find: Callable[[Place, Ask], Iterable[Leftover]]
    delete: Callable[[Leftover, Place, Ask], None] | None = None


def simple_kind(
    name: str,
    title: str,
    find: Callable[[Place, Ask], Iterable[Leftover]],
    finds: Iterable[str],
    delete: str = "",
    parameter: str = "",
) -> Kind:
    """A kind whose objects one action with their id deletes; without an action they are only shown."""

    def by_id(leftover: Leftover, place: Place, ask: Ask) -> None:
        ask(delete, **{parameter: leftover.id})

    return Kind(
        name=name,
        title=title,
        find=find,
        finds=(*finds,),
        deletes=(delete,) if delete else (),
        delete=by_id if delete else None,
    )

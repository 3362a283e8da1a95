"""What can be left, and how it is found and deleted: one `Kind` for each sort of object."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from llmplatform.catalog.tags import ENVIRONMENT_TAG
from llmplatform.doctor.checks import Ask

Whose = Literal["ours", "foreign"]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where an environment was."""

    environment: str
    region: str
    clusters: frozenset[str]
    """Names of its own cluster on AWS; ids of it on Alibaba Cloud, as far as they are known."""
    within: str | None = None
    """Name or id of the existing cluster that it was in: what that cluster's controllers made may be anybody's."""
    alive: frozenset[str] = frozenset()
    """Those of its clusters that are still there."""
    zone: str | None = None
    """Hosted zone or domain that its certificates were proven in."""
    host: str | None = None
    """Host that they were for."""


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """One object."""

    kind: str
    id: str
    whose: Whose
    """`ours`: the environment's, by a tag or a name of its own. `foreign`: it may be anybody's, and is only shown."""
    why: str
    """What tells whose it is."""
    name: str = ""
    kept: str = ""
    """Why it is not deleted, and what to do; empty: it can be."""
    details: Mapping[str, str] = field(default_factory=dict[str, str])
    """What its deletion needs to know."""

    @property
    def deletable(self) -> bool:
        """Whether `--delete` may delete it."""
        return self.whose == "ours" and not self.kept


@dataclass(frozen=True)
class Owner:
    """Whose an object is."""

    whose: Whose
    why: str
    """What tells."""
    kept: str = ""
    """Why nothing that is known by this is deleted; empty: it can be."""

    def left(self, kind: str, id_: str, name: str = "", kept: str = "", **details: str) -> Leftover:
        """An object of theirs, as `Leftover` has it."""
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
    """The owner of what has the environment's own tag."""
    return Owner("ours", f"{ENVIRONMENT_TAG}={place.environment}")


def by_cluster(cluster: str, why: str, alive: Collection[str]) -> Owner:
    """The owner of what one of the environment's own clusters made, and may use while it is there (in `alive`)."""
    kept = f"cluster {cluster} is still there, and may use it" if cluster in alive else ""
    return Owner("ours", why, kept)


def rest(place: Place, arns: Iterable[str], elsewhere: Collection[tuple[str, str]]) -> Iterator[Leftover]:
    """What has the environment's tag and no kind of its own. `elsewhere`: service and sort of what has one."""
    for arn in arns:
        service, sort = arn.split(":")[2], arn.split(":", 5)[5]
        if (service, sort.partition("/")[0].partition(":")[0]) not in elsewhere:
            yield by_tag(place).left(
                "others", arn, kept="`pulumi destroy` deletes it where the state has it; else delete it by hand"
            )


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One sort of object."""

    name: str
    title: str
    finds: tuple[str, ...]
    """Actions that the search needs."""
    deletes: tuple[str, ...] = ()
    """Actions that the deletion needs; none for what is only shown."""
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
    """A kind whose objects go by one action with one parameter, their id; or none, which are only shown."""

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

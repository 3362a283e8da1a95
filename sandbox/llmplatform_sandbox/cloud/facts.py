"""Facts of resource types beyond the SDK's names: identities, replacements, references, quotas.

One `facts.toml` per cloud. A type without a row is refused, never guessed. Paths are wire names joined by dots,
`[]` for every member of a list: `vpcConfig.subnetIds[]`. Strings under `id`, `computed` and `makes` are templates,
see templates.py.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from llmplatform_sandbox.citations import Cited, Fact


class Naming(Fact):
    """The property that holds the physical name."""

    property: str
    prefix: str | None = None
    """The property that asks for a generated name, if there is one."""
    written: str | None = None
    """The property for a given name, if it is another one."""
    max: int
    """Longest name that the cloud accepts."""
    starts: str = ""
    """Prefix of a generated name (`alias/`)."""
    separator: str = "-"


class Reference(Fact):
    """A property that refers to an object of the account."""

    to: tuple[str, ...]
    """Types that it may refer to."""
    by: str = "id"
    """The output of the target that it holds: id, arn, name …"""
    on_delete: Literal["block", "ignore", "cascade"] = "block"
    """Effect on the target's deletion while this object exists; `cascade`: this object is deleted, too."""
    outside: str = ""
    """Values outside of the account (managed policies), as a regular expression."""


def _reference(value: Any) -> Any:
    """A plain string is a blocking reference by id."""
    value = {"to": value} if isinstance(value, str) else dict(value)
    if isinstance(value["to"], str):
        value["to"] = (value["to"],)
    return value


class Makes(Fact):
    """An object that the cloud creates and removes together with the resource."""

    type: str
    each: str | None = None
    """One for each value at this path, which the templates call `each`."""
    when: Mapping[str, Any] = {}
    """Only if these properties have these values."""
    unless: str | None = None
    """Only if this property is not set."""
    outputs: tuple[str, ...] = ()
    """The outputs that receive the id; with `[]`, a list of ids."""
    state: Mapping[str, Any] = {}


class Quota(Fact):
    """A service quota with AWS's default value for a new account."""

    limit: int
    per: str | None = None
    """Counted for each value of this property; else for each region."""
    error: str
    code: str = ""
    """Quota code to ask an increase for."""


class Refused(Fact):
    """A value that the API lists and the cloud refuses."""

    pattern: str
    reason: str


class TypeFacts(Cited):
    """One resource type, or one kind of object that only the cloud itself creates."""

    id: str
    name: Naming | None = None
    replace: tuple[str, ...] = ()
    """Properties whose change replaces the object."""
    replace_when_removed: tuple[str, ...] = ()
    """Properties whose removal replaces the object, but no other change."""
    computed: Mapping[str, Any] = {}
    """Outputs that the cloud decides, once, at creation."""
    defaults: Mapping[str, Any] = {}
    """Inputs that the cloud fills if they are absent."""
    unset: tuple[str, ...] = ()
    """Outputs that are always empty in the sandbox."""
    increments: tuple[str, ...] = ()
    """Outputs that count the changes."""
    uncounted: tuple[str, ...] = ()
    """Properties whose changes are not counted."""
    references: Mapping[str, Annotated[Reference, BeforeValidator(_reference)]] = {}
    enums: Mapping[str, str | tuple[str, ...]] = {}
    """Path → botocore's `service.Shape`, or the values themselves."""
    ranges: Mapping[str, tuple[float, float]] = {}
    patterns: Mapping[str, str] = {}
    json_documents: tuple[str, ...] = ()
    """Properties that hold JSON text."""
    exclusive: tuple[tuple[str, ...], ...] = ()
    """At most one of each group."""
    one_of: tuple[tuple[str, ...], ...] = ()
    """Exactly one of each group."""
    refused: Mapping[str, tuple[Refused, ...]] = {}
    unique: tuple[tuple[str, ...], ...] = ()
    """Properties whose combination is unique."""
    quotas: tuple[Quota, ...] = ()
    makes: tuple[Makes, ...] = ()
    missing: str = "ResourceNotFoundException: {value} does not exist"
    """The cloud's answer to a reference to a missing object."""
    in_use: str = "DependencyViolation: {type} '{id}' has dependencies and cannot be deleted"
    """The cloud's answer to a deletion while something depends on it."""
    exists: str = "ResourceAlreadyExistsException: {id} exists already"
    again: bool = False
    """Whether a create of an existing object overwrites it, without an error."""
    protected_by: str | None = None
    """The property that forbids deletion while it is true."""
    after_failure: Literal["planned", "prior"] = "planned"
    """What the provider saves of a failed update: the planned state, as terraform-plugin-sdk does, or nothing, as
    terraform-plugin-framework and `d.Partial(true)` do."""
    kept: str | None = None
    """What the cloud keeps of a deleted object, and for how long: by design, and no orphan."""
    registered: bool = True
    """False for objects that only the cloud or a controller creates."""

    def replaces(self, path: str) -> bool:
        """Whether a change at a concrete path (`subnetIds[3]`) replaces the object."""
        pattern = pattern_of(path)
        return any(
            pattern == rule or pattern.startswith((f"{rule}.", f"{rule}[")) or rule.startswith(f"{pattern}.")
            for rule in self.replace
        )


class CloudFacts(Fact):
    """All facts of one cloud."""

    package: str
    types: Mapping[str, TypeFacts]

    def of(self, type_: str) -> TypeFacts:
        """Raises LookupError with one sentence for an unknown type."""
        found = self.types.get(type_)
        if found is None:
            raise LookupError(
                f"{type_}: not in the sandbox's facts; leave it out, or add it to cloud/{self.package}/facts.toml"
            )
        return found


@cache
def load(package: str) -> CloudFacts:
    """The facts of a Pulumi package. Raises LookupError for a cloud that is not simulated."""
    source = files("llmplatform_sandbox.cloud") / package / "facts.toml"
    if not source.is_file():
        raise LookupError(f"{package}: not a cloud that the sandbox simulates")
    return CloudFacts.model_validate({"package": package, "types": tomllib.loads(source.read_text())})


def why_replaced(type_: str, paths: Iterable[str]) -> str:
    """Why changes at these paths replace an object, with the source: a clause.

    `cidrBlock, zoneId cannot change in place (alicloud/resource_alicloud_vswitch.go)`; empty without a fact.
    """
    try:
        facts = load(type_.partition(":")[0]).of(type_)
    except LookupError:
        return ""
    replacing = sorted({path for path in paths if facts.replaces(path) or path in facts.replace_when_removed})
    return f"{', '.join(replacing)} cannot change in place ({facts.source})" if replacing else ""


def find(value: Any, path: str) -> list[tuple[str, Any]]:
    """Every (concrete path, value) of a path with `[]`; none if it is absent."""
    found = [("", value)]
    for step in path.split("."):
        name, lists = step.rstrip("[]"), step.count("[]")
        found = [
            (f"{at}.{name}" if at else name, inner[name])
            for at, inner in found
            if isinstance(inner, Mapping) and inner.get(name) is not None
        ]
        for _ in range(lists):
            found = [
                (f"{at}[{n}]", member)
                for at, inner in found
                if isinstance(inner, list)
                for n, member in enumerate(inner)
            ]
    return found


def pattern_of(path: str) -> str:
    """`subnetIds[3]` → `subnetIds[]`: the path in the facts' form."""
    return re.sub(r"\[\d+\]", "[]", path)

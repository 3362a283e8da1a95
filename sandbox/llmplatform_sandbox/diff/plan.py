"""What an update would do to a stack, from the engine's events of a preview."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pulumi.automation.events import EngineEvent, StepEventMetadata, StepEventStateMetadata

from llmplatform_sandbox.checkpoint import Resource
from llmplatform_sandbox.diff.properties import Leaf, PropertyChange, property_changes
from llmplatform_sandbox.diff.risks import left_empty, loss_of, refused, restarts
from llmplatform_sandbox.providers.values import from_event

Op = Literal["create", "update", "replace", "delete"]
_OPS: Mapping[str, Op] = {
    "create": "create",
    "import": "create",
    "update": "update",
    "replace": "replace",
    "create-replacement": "replace",
    "import-replacement": "replace",
    "delete": "delete",
    "delete-replaced": "delete",
}
_STACK = "pulumi:pulumi:Stack"
CHANGES, GOES = 3, 4
"""Exit codes beside 0; 1 is a failure and 2 a wrong input everywhere."""


@dataclass(frozen=True, kw_only=True)
class ResourceChange:
    """One resource that would be created, changed, replaced or deleted."""

    urn: str
    type: str
    name: str
    component: str
    """Its component: `aws:NodePool gpu`; `stack` without one."""
    op: Op
    properties: tuple[PropertyChange, ...] = ()
    roots: tuple[str, ...] = ()
    """For a resource that is replaced, or may change, only because of others: their URNs."""
    protected: bool = False
    retained: bool = False
    """Whether the object stays in the account when the stack forgets it."""
    first_deleted: bool = False
    """Whether the old one is deleted before the new one is created."""
    loss: str = ""
    """What is lost with the object: a clause after its name."""
    restarts: str = ""
    """Effect of the update on running pods."""
    refused: str = ""
    """Why the cloud refuses the update: a clause."""

    @property
    def follows(self) -> bool:
        """Whether it changes only because of others."""
        return bool(self.roots) and all(one.follows for one in self.properties)

    @property
    def goes(self) -> bool:
        """Whether the stack gives up the existing object."""
        return self.op in ("replace", "delete")

    @property
    def risky(self) -> bool:
        """Whether something irreplaceable is lost, or protected against that, or the update is refused."""
        return bool(self.refused) or (self.goes and bool(self.loss or self.protected))

    @property
    def rank(self) -> int:
        """Order of attention, 0 the first."""
        if self.risky:
            return 0
        if self.goes:
            return 2 if self.follows else 1
        if self.op == "update":
            return 5 if self.follows else 3
        return 4


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The whole of what an update would do."""

    changes: tuple[ResourceChange, ...]
    """In the order of attention."""
    unchanged: int
    outputs: tuple[PropertyChange, ...] = ()
    """Of the stack."""
    unprotected: tuple[str, ...] = ()
    """Names of resources that lose only their protection."""

    def counts(self) -> dict[Op, int]:
        """Number of resources by operation, without those that only follow an update."""
        ops: tuple[Op, ...] = ("create", "update", "replace", "delete")
        return {op: sum(1 for one in self.changes if one.op == op and one.rank != 5) for op in ops}

    @property
    def following(self) -> int:
        """Resources whose only change is an unknown value of another one."""
        return sum(1 for one in self.changes if one.rank == 5)

    @property
    def exit_code(self) -> int:
        """Tells a script whether nothing changes, something changes, or an existing object is deleted."""
        if any(one.goes for one in self.changes):
            return GOES
        return CHANGES if self.changes or self.outputs or self.unprotected else 0


@dataclass
class Recorder:
    """Receives the engine's events of one preview."""

    _steps: dict[str, list[StepEventMetadata]] = field(default_factory=dict[str, list[StepEventMetadata]])
    _outputs: tuple[Mapping[str, Any], Mapping[str, Any]] = ({}, {})

    def __call__(self, event: EngineEvent) -> None:
        """Record the parts of the plan."""
        if event.resource_pre_event:
            step = event.resource_pre_event.metadata
            self._steps.setdefault(step.urn, []).append(step)
        elif event.res_outputs_event and event.res_outputs_event.metadata.type == _STACK:
            step = event.res_outputs_event.metadata
            self._outputs = (_outputs(step.old), _outputs(step.new))

    def plan(self, state: Iterable[Resource], protected: Collection[str]) -> Plan:
        """The plan, once the preview has ended. `state`: the resources before; `protected`: URNs before."""
        touched: dict[str, Op] = {urn: op for urn, steps in self._steps.items() if (op := _merged(steps))}
        sources = {str(resource["urn"]): _sources(resource, touched) for resource in state}
        changes = [
            _change(urn, op, self._steps[urn], sources.get(urn, {}), urn in protected) for urn, op in touched.items()
        ]
        rooted = _with_roots(changes)
        lost = [step.urn for steps in self._steps.values() for step in steps if _unprotects(step, protected, touched)]
        return Plan(
            changes=tuple(sorted(rooted, key=_attention)),
            unchanged=len(self._steps) - len(touched),
            outputs=tuple(_output_changes(*self._outputs)),
            unprotected=tuple(sorted(name_of(urn) for urn in lost)),
        )


def name_of(urn: str) -> str:
    """A resource's logical name."""
    return urn.split("::", 3)[-1]


def type_of(urn: str) -> str:
    """A resource's type, without those of its parents."""
    return urn.split("::")[2].rsplit("$", 1)[-1]


def _merged(steps: list[StepEventMetadata]) -> Op | None:
    """One operation for all steps on a resource: the engine sends a deletion and a creation for a replacement."""
    ops: set[Op] = {_OPS[step.op.value] for step in steps if step.op.value in _OPS}
    if "replace" in ops or {"create", "delete"} <= ops:
        return "replace"
    return next(iter(ops)) if ops else None


def _sources(resource: Resource, touched: Mapping[str, Op]) -> dict[str, list[str]]:
    """Property → changed resources that its value came from."""
    known: Mapping[str, list[str]] = resource.get("propertyDependencies") or {}
    return {name: [urn for urn in urns if urn in touched] for name, urns in known.items()}


def _change(
    urn: str, op: Op, steps: list[StepEventMetadata], sources: Mapping[str, list[str]], protected: bool
) -> ResourceChange:
    old = next((step.old for step in steps if step.old), None)
    new = next((step.new for step in steps if step.new), None)
    leaves = {leaf.path: leaf for step in steps for leaf in _leaves(step)}
    before, after = _inputs(old), _inputs(new)
    properties = tuple(property_changes(leaves.values(), before, after, sources)) if op in ("update", "replace") else ()
    words = [step.op.value for step in steps]
    type_ = type_of(urn)
    made = "create-replacement" if "create-replacement" in words else "replace"
    retained = bool(old and old.retain_on_delete)
    return ResourceChange(
        urn=urn,
        type=type_,
        name=name_of(urn),
        component=_component(urn, new or old),
        op=op,
        properties=properties,
        protected=protected,
        retained=retained,
        first_deleted="delete-replaced" in words and words.index("delete-replaced") < words.index(made),
        loss=_loss(type_, op, retained),
        restarts=restarts(type_, after, [one.path for one in properties]) if op == "update" else "",
        refused=refused(type_, before, after) if op == "update" else "",
    )


def _attention(change: ResourceChange) -> tuple[Any, ...]:
    # What stops the update comes first: everything else happens only without it.
    return change.rank, not (change.goes and change.protected), change.follows, change.component, change.name


def _loss(type_: str, op: Op, retained: bool) -> str:
    if retained:
        return left_empty(type_) if op == "replace" else ""
    return loss_of(type_, gone=op == "delete") if op in ("replace", "delete") else ""


def _leaves(step: StepEventMetadata) -> list[Leaf]:
    if step.detailed_diff is not None:
        return [
            Leaf(path=path, kind=_kind(diff.diff_kind.value), replaces=diff.diff_kind.value.endswith("-replace"))
            for path, diff in step.detailed_diff.items()
        ]
    keys = step.keys or []
    return [Leaf(path=path, kind="update", replaces=path in keys) for path in {*(step.diffs or ()), *keys}]


def _kind(word: str) -> Literal["add", "update", "delete"]:
    return "add" if word.startswith("add") else "delete" if word.startswith("delete") else "update"


def _inputs(state: StepEventStateMetadata | None) -> Mapping[str, Any]:
    return from_event(state.inputs or {}) if state else {}


def _outputs(state: StepEventStateMetadata | None) -> Mapping[str, Any]:
    return from_event(state.outputs or {}) if state else {}


def _component(urn: str, state: StepEventStateMetadata | None) -> str:
    """A component's own component is itself, every other resource's is its parent."""
    if state is None or (state.custom and (not state.parent or _STACK in state.parent)):
        return "stack"
    owner = state.parent if state.custom else urn
    *_, scope, kind = ["", *type_of(owner).split(":")]
    return f"{scope}:{kind} {name_of(owner)}"


def _with_roots(changes: list[ResourceChange]) -> list[ResourceChange]:
    """Distinguish resources that change by themselves from those that follow others, and name the origins."""
    causes = {one.urn: {cause for each in one.properties for cause in each.causes} for one in changes}
    own = {one.urn for one in changes if not _only_follows(one)}

    def above(urn: str, through: frozenset[str]) -> set[str]:
        """All origins of a resource's changes, direct and indirect."""
        found: set[str] = set()
        for cause in causes.get(urn, set()) - through:
            found |= {cause} | above(cause, through | {cause})
        return found

    def roots(one: ResourceChange) -> tuple[str, ...]:
        if one.urn in own:
            return ()
        begun = above(one.urn, frozenset({one.urn})) & own
        # An origin that itself follows another one adds nothing.
        return tuple(sorted(urn for urn in begun if not above(urn, frozenset({urn})) & begun)) or tuple(sorted(begun))

    return [replace(one, roots=roots(one)) for one in changes]


def _only_follows(change: ResourceChange) -> bool:
    """Whether a resource changes, or is replaced, only because of others."""
    replacing = [one for one in change.properties if one.replaces]
    decisive = replacing if change.op == "replace" else change.properties
    return change.op in ("update", "replace") and bool(decisive) and all(one.follows for one in decisive)


def _unprotects(step: StepEventMetadata, protected: Collection[str], touched: Mapping[str, Op]) -> bool:
    stays = touched.get(step.urn, "update") == "update"
    return step.urn in protected and stays and step.new is not None and not step.new.protect


def _output_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[PropertyChange]:
    leaves: list[Leaf] = []
    for name in sorted({*old, *new}):
        if name not in new:
            leaves.append(Leaf(path=name, kind="delete", replaces=False))
        elif name not in old:
            leaves.append(Leaf(path=name, kind="add", replaces=False))
        elif old[name] != new[name]:
            leaves.append(Leaf(path=name, kind="update", replaces=False))
    return property_changes(leaves, old, new, {})

"""Repairs a sandbox after a killed or failed run, so that the next one continues.

A killed run leaves up to five things: its lock, a CLI process that outlived its parent, operations without a recorded
end, objects of those operations (or of calls whose answer was lost), and objects that are gone and still in the state.
The first two are handled before any process starts (`end_last`), the others once the clouds and the cluster run
(`reconcile`): an object that was being created is adopted if the state can take it, and removed otherwise. Each step
may itself be killed. A healthy sandbox costs a few looks at the file system.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from llmplatform.catalog.resources import RESOURCES
from llmplatform.catalog.tags import RESOURCE_TAG, resource_tag
from llmplatform.recovery import state
from llmplatform.recovery.locks import runs_pulumi
from llmplatform_sandbox.engine import PulumiEngine
from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.interfaces import Cloud, CloudObject
from llmplatform_sandbox.paths import SandboxPaths
from llmplatform_sandbox.processes import Processes, end_engines, start_time
from llmplatform_sandbox.world_process import WORLD


class Unclean:
    """A mark in the state folder during a run: it stays if the run is killed or fails."""

    def __init__(self, paths: SandboxPaths) -> None:
        self._file = paths.run / f"unclean{paths.guest}"

    def __enter__(self) -> None:
        self.set()

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: object) -> None:
        if kind is None:
            self.clear()

    def set(self) -> None:
        """Before the engine begins."""
        self._file.touch()

    def clear(self) -> None:
        """After success."""
        self._file.unlink(missing_ok=True)

    def __bool__(self) -> bool:
        return self._file.exists()


class Finder(Protocol):
    """Searches the object of an interrupted create."""

    def find(self, typ: str, urn: str, inputs: Mapping[str, Any]) -> str | None:
        """The id of the object that the create made, or None."""
        ...

    def mend(self, stack: str, known: Collection[str]) -> list[str]:
        """End interrupted Helm operations, by the commands of `llmplatform recover`; returns those.

        `known`: URNs that are in the state, or about to be adopted.
        """
        ...


def end_last(engine: PulumiEngine, paths: SandboxPaths, processes: Processes) -> list[str]:
    """Clear the lock of a dead engine; the caller holds the sandbox's own lock. Returns the actions.

    Raises `SandboxError` if an engine that the sandbox did not start (a user's own `pulumi up`) is running.
    """
    # A starting engine holds no lock yet, and would take it from the present run.
    end_engines(paths)
    locks = engine.locks()
    if not locks:
        return []
    for lock in locks:
        _require_end(int(lock.get("pid", 0)))
    # Calls of the dead engine may still run in the world process.
    processes.stop(WORLD, grace=1.0)
    Unclean(paths).set()
    engine.unlock()
    return ["The last engine was killed: its lock was removed"]


def reconcile(
    engine: PulumiEngine,
    unclean: Unclean,
    stack: str,
    clouds: Callable[[], Mapping[str, Cloud]],
    cluster: Callable[[], Finder],
    *,
    wanted: bool = True,
) -> list[str]:
    """Make state and clouds agree again; all processes run by now. Returns a sentence for each action.

    `stack`: the prefix of its resources' URNs; the account may hold those of others. `wanted`: whether the stack will
    be applied; if it will be destroyed, objects without a state are removed at once.
    """
    deployment = engine.checkpoint.deployment()
    if not (unclean or state.interrupted(deployment) or state.unread(deployment)):
        return []
    unclean.set()
    creates = state.creates(deployment)
    in_state = {each["urn"] for each in deployment.get("resources") or ()}
    mended = cluster().mend(stack, {*in_state, *(each["urn"] for each in creates)})
    unknown = _unknown(stack, clouds(), deployment)
    under_way = {each["urn"] for each in creates}
    lost = [_registration(deployment, item) for _, item in unknown if wanted and item.made_by not in under_way]
    found = _found(deployment, [*creates, *lost], unknown, cluster)
    gone = [(cloud, item) for cloud, item in unknown if found.get(item.made_by) != item.id]
    for cloud, item in gone:
        cloud.remove_object(item.id, item.made_by)
    if found or state.interrupted(deployment):
        engine.adopt(found, lost)
    if engine.checkpoint.exists():
        engine.refresh()
    unclean.clear()
    text = "The last run did not finish: the state was read again"
    text += f"; {len(found)} objects of interrupted creates were adopted" if found else ""
    text += f"; {len(gone)} cloud objects without a state were removed" if gone else ""
    return [text + (f"; repaired: {', '.join(mended)}" if mended else "")]


def _unknown(stack: str, clouds: Mapping[str, Cloud], deployment: Mapping[str, Any]) -> list[tuple[Cloud, CloudObject]]:
    """Objects of the stack's resources that its state does not know, the youngest first, as far as known."""
    known = {(resource["urn"], resource.get("id")) for resource in deployment.get("resources") or ()}
    return [
        (cloud, item)
        for cloud in clouds.values()
        for item in reversed(cloud.objects())
        if item.made_by.startswith(stack) and (item.made_by, item.id) not in known and _found_again(item)
    ]


def _found_again(item: CloudObject) -> bool:
    """Whether recovery in a real account would find it: an object with tags only by its tags.

    An object that has lost its tags stays, and is named when the sandbox is destroyed. No cloud records the creator.
    """
    row = RESOURCES.get(item.type)
    if row is None or row.found_by != "tag" or f"{item.type}::" not in item.made_by:
        return True
    wanted = resource_tag(item.type, item.made_by.rpartition("::")[2])
    return (item.inputs.get("tags") or {}).get(RESOURCE_TAG) == wanted


def _registration(deployment: Mapping[str, Any], item: CloudObject) -> state.Resource:
    """A resource whose answer was lost, in the state's form. The next update records its dependencies.

    Removing it would do harm: clouds block the names of deleted objects for days.
    """
    resources = deployment.get("resources") or ()
    package, chain = item.type.partition(":")[0], item.made_by.rpartition("$")[0]
    providers = [each for each in resources if each["type"] == f"pulumi:providers:{package}"]
    parents = [each for each in resources if each["urn"].startswith(f"{chain}::")]
    roots = [each for each in resources if each["type"] == "pulumi:pulumi:Stack"]
    return {
        "urn": item.made_by,
        "type": item.type,
        "custom": True,
        "inputs": dict(item.inputs),
        **({"provider": f"{providers[-1]['urn']}::{providers[-1]['id']}"} if providers else {}),
        **({"parent": [*roots, *parents[:1]][-1]["urn"]} if roots else {}),
    }


def _found(
    deployment: Mapping[str, Any],
    creates: Sequence[state.Resource],
    unknown: Sequence[tuple[Cloud, CloudObject]],
    cluster: Callable[[], Finder],
) -> dict[str, str]:
    """URN → id of objects that the state can adopt."""
    in_cloud = {item.made_by: item.id for _, item in unknown}
    found: dict[str, str] = {}
    for resource in creates:
        urn, typ = resource["urn"], resource["type"]
        if not state.adoptable(deployment, resource):
            continue
        id_ = in_cloud.get(urn)
        if typ.startswith("kubernetes:"):
            id_ = cluster().find(typ, urn, resource.get("inputs") or {})
        if id_:
            found[urn] = id_
    return found


def _require_end(pid: int) -> None:
    # After a reboot, or a long time, the number may belong to another program.
    if pid and start_time(pid) and runs_pulumi(pid):
        raise SandboxError(f"pulumi (process {pid}) is at work on this sandbox; wait for it to end, or end it")

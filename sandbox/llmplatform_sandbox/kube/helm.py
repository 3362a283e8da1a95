"""Helm's actions on the revisions of a release, and its refusals: install, upgrade, rollback, uninstall.

Source: helm 3.20, pkg/action: install.go (`availableName`, `performInstall`, `failRelease`), upgrade.go
(`prepareUpgrade`, `releasingUpgrade`, `failRelease`), rollback.go (`prepareRollback`, `performRollback`), uninstall.go
(`Run`); pkg/storage/storage.go. Each writes its status before it acts, so that a killed one leaves `pending-*` or
`uninstalling`.
"""

import shlex
import time
from collections.abc import Callable
from typing import Any

from llmplatform_sandbox.kube import definitions, releases
from llmplatform_sandbox.kube.client import Kube, Object
from llmplatform_sandbox.kube.errors import KubeError
from llmplatform_sandbox.kube.readiness import condition
from llmplatform_sandbox.kube.waiting import TimedOut

TAKES = 0.1
"""Seconds that an action on a release takes. Compressed: a real one waits until its workloads are ready."""
HOOK_PATIENCE = 10.0
"""Seconds that a hook may take. Compressed: a real one may take as long as the release."""
PATIENCE = 30.0
"""Seconds that a release's pods may wait for a node. Compressed: Helm waits as long as the release may take."""
HOOKS_BEFORE_DELETION = {"gpu-operator": "templates/cleanup_gpucluster.yaml"}
"""Charts that run a pod before their deletion, with the file of the chart for that (gpu-operator v26.7.0)."""
_PENDING = "another operation (install/upgrade/rollback) is in progress"


class HelmError(Exception):
    """An error of Helm, in its own words."""


class ReleaseFailed(HelmError):
    """A failed install or upgrade. `record`: the failed revision."""

    def __init__(self, text: str, record: dict[str, Any]) -> None:
        super().__init__(text)
        self.record = record


def install(
    kube: Kube, record: dict[str, Any], owner: str, apply: Callable[[], str], *, atomic: bool = False
) -> dict[str, Any]:
    """The first revision, as it was stored.

    `apply`: makes the chart's objects and returns what an uninstall takes away. `atomic`: uninstall what fails.
    Raises `ReleaseFailed` when a revision is left that is not deployed.
    """
    if releases.revisions(kube, record["namespace"], record["name"]):
        raise HelmError("cannot re-use a name that is still in use")  # codespell:ignore
    releases.write_revision(kube, record, owner)
    try:
        return _complete(kube, record, owner, apply)
    except _ENDS as error:
        failed = _failed(record, f'Release "{record["name"]}" failed: {error}')
        if not atomic:
            releases.write_revision(kube, failed, owner)
            raise ReleaseFailed(str(error), failed) from None
        try:
            uninstall(kube, record["namespace"], record["name"])
        except HelmError as second:
            first = f"an error occurred while uninstalling the release. original install error: {error}"
            raise ReleaseFailed(f"{first}: {second}", failed) from None
        name = record["name"]
        text = f"release {name} failed, and has been uninstalled due to atomic being set: {error}"
        raise HelmError(text) from None


def upgrade(
    kube: Kube, record: dict[str, Any], owner: str, apply: Callable[[], str], *, keep: int, atomic: bool = False
) -> dict[str, Any]:
    """The next revision, as it was stored. `keep`: revisions that stay in the history, 0 for all.

    `atomic`: go back from what fails. Raises `ReleaseFailed` then, too.
    """
    found = releases.revisions(kube, record["namespace"], record["name"])
    refuse_upgrade(record["name"], found)
    before = [obj for obj in found if releases.status_of(obj) == "deployed"]
    if keep:
        for obj in found[: max(0, len(found) + 1 - keep)]:
            kube.delete(obj)
    releases.write_revision(kube, record, owner)
    try:
        return _complete(kube, record, owner, apply, supersede=before)
    except _ENDS as error:
        name = record["name"]
        failed = _failed(record, f'Upgrade "{name}" failed: {error}')
        releases.write_revision(kube, failed, owner)
        text = str(error)
        if atomic:
            good = [each for each in found if releases.status_of(each) in ("deployed", "superseded")]
            if good:
                rollback(kube, record["namespace"], name, releases.number_of(good[-1]))
                text = f"release {name} failed, and has been rolled back due to atomic being set: {text}"
            else:
                missing = "unable to find a previously successful release when attempting to rollback"
                text = f"{missing}. original upgrade error: {text}"
        raise ReleaseFailed(text, failed) from None


def require_node(kube: Kube, seconds: float, *, tainted: bool) -> None:
    """Wait for a node that takes the release's pods, as Helm waits for the pods; `tainted`: whether a tainted one does.

    Raises `HelmError`.
    """
    if not _runs_a_pod(kube, min(seconds, PATIENCE), tainted=tainted):
        raise HelmError("context deadline exceeded")


def refuse_upgrade(name: str, found: list[Object]) -> None:
    """Raise HelmError if no upgrade may follow. `found`: the revisions, oldest first."""
    statuses = [releases.status_of(obj) for obj in found]
    last = statuses[-1] if statuses else ""
    if last.startswith("pending-"):
        raise HelmError(_PENDING)
    if "deployed" not in statuses and last not in ("failed", "superseded"):
        raise HelmError(f'"{name}" has no deployed releases')


def rollback(kube: Kube, namespace: str, name: str, revision: int = 0) -> None:
    """A new revision with the chart and the values of an earlier one; 0: of the one before."""
    found = releases.revisions(kube, namespace, name)
    if not found:
        raise HelmError("release: not found")
    current = releases.number_of(found[-1])
    target = revision or current - 1
    earlier = [obj for obj in found if releases.number_of(obj) == target]
    if not earlier:
        raise HelmError(f"release has no {target} version")
    old = releases.record_of(earlier[0])
    info = {**old["info"], "status": "pending-rollback", "description": f"Rollback to {target}"}
    record = {**old, "version": current + 1, "info": info}
    before = [obj for obj in found if releases.status_of(obj) == "deployed"]
    owner = releases.owner_of(found[-1])
    releases.write_revision(kube, record, owner)
    _complete(kube, record, owner, lambda: str(record["manifest"]), supersede=before)


def uninstall(kube: Kube, namespace: str, name: str, *, hooks: bool = True) -> None:
    """Remove all revisions, whatever their status."""
    found = releases.revisions(kube, namespace, name)
    if not found:
        raise HelmError(f"uninstall: Release not loaded: {name}: release: not found")
    newest = found[-1]
    releases.set_status(kube, newest, "uninstalling")
    chart = releases.record_of(newest)["chart"]["metadata"]["name"]
    if hooks and chart in HOOKS_BEFORE_DELETION and not _runs_a_pod(kube, HOOK_PATIENCE):
        raise HelmError("1 error occurred:\n\t* timed out waiting for the condition")
    _wait(TAKES)
    definitions.remove(kube, releases.record_of(newest).get("manifest", ""))
    for obj in found:
        kube.delete(obj)


def run(kube: Kube, command: str) -> None:
    """A command line of Helm, as far as it is supported here: `rollback` and `uninstall`."""
    words = shlex.split(command)
    namespace = words[words.index("-n") + 1] if "-n" in words else "default"
    match words:
        case ["helm", "uninstall", name, *options]:
            uninstall(kube, namespace, name, hooks="--no-hooks" not in options)
        case ["helm", "rollback", name, *options]:
            revision = options[0] if options and options[0].isdecimal() else "0"
            rollback(kube, namespace, name, int(revision))
        case _:
            raise HelmError(f'unknown command "{command}"')


_ENDS = (HelmError, KubeError, TimedOut)
"""What ends the making of a chart's objects, or the waiting for them."""


def _failed(record: dict[str, Any], text: str) -> dict[str, Any]:
    return {**record, "info": {**record["info"], "status": "failed", "description": text}}


def _complete(
    kube: Kube, record: dict[str, Any], owner: str, apply: Callable[[], str], supersede: list[Object] | None = None
) -> dict[str, Any]:
    manifest = apply()
    _wait(TAKES)
    for obj in supersede or ():
        releases.set_status(kube, obj, "superseded")
    done = {**record["info"], "status": "deployed", "description": "Install complete"}
    if record["version"] > 1:
        done["description"] = "Upgrade complete"
    record = {**record, "info": done, "manifest": manifest}
    releases.write_revision(kube, record, owner)
    return record


def _wait(seconds: float) -> None:
    time.sleep(seconds)


def _runs_a_pod(kube: Kube, patience: float, *, tainted: bool = False) -> bool:
    """Whether a node accepts a pod, now or in a moment."""
    deadline = time.monotonic() + patience
    while True:
        for node in kube.list("v1", "Node"):
            spec = node.get("spec", {})
            closed = any(taint["effect"] != "PreferNoSchedule" for taint in spec.get("taints") or ()) and not tainted
            if condition(node, "Ready").get("status") == "True" and not spec.get("unschedulable") and not closed:
                return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.3)

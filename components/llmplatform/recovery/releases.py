"""Helm releases that a killed or failed run left unfinished, and the commands that repair them.

Helm keeps a revision's status in the cluster and lets no update follow one that is pending: `another operation
(install/upgrade/rollback) is in progress` (helm pkg/action/upgrade.go, prepareUpgrade). The provider's read takes the
values of the newest revision, also of one that was never applied (pulumi-kubernetes helm_release.go,
setReleaseAttributes): a plan afterwards sees no difference. The status alone tells.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

RELEASE = "kubernetes:helm.sh/v3:Release"
DEPLOYED = "deployed"
_UNDER_WAY = "pending-"


@dataclass(frozen=True, kw_only=True)
class Unsettled:
    """A release whose newest revision is not deployed."""

    urn: str
    release: str
    namespace: str
    status: str
    revision: int

    @property
    def command(self) -> str:
        """The Helm command that ends the interrupted operation.

        A first revision has no earlier one to return to. Hooks are skipped: the fault that keeps a release from
        becoming ready also stops its hooks (gpu-operator's hook before a deletion uses the operator's own image), and
        Helm would run the hooks of a half-deleted release again.
        """
        if self.revision <= 1 or self.status in ("uninstalling", "uninstalled"):
            return f"helm uninstall {self.release} -n {self.namespace} --no-hooks"
        return f"helm rollback {self.release} {self.target} -n {self.namespace} --wait"

    @property
    def target(self) -> str:
        """The revision to return to. A pending rollback was undoing a failed upgrade: it returns one further."""
        last = self.revision - (2 if self.status == "pending-rollback" else 1)
        return str(max(last, 1))

    def line(self) -> str:
        """Release, fault, remedy. A refresh must read an uninstalled or rolled-back release first."""
        said = f"release {self.namespace}/{self.release} is {self.status} at revision {self.revision}"
        look = "; where the killed run's own plugin still lives, it may end by itself within minutes"
        live = look if self.status.startswith(_UNDER_WAY) else ""
        return f"{said}: run `{self.command}`, then `pulumi up --refresh`{live}"


def unsettled(deployment: Mapping[str, Any]) -> list[Unsettled]:
    """Every release of a state that is not `deployed`, as it was read last."""
    found: list[Unsettled] = []
    for each in deployment.get("resources") or ():
        outputs: Mapping[str, Any] = each.get("outputs") or {}
        status: Any = outputs.get("status")
        if each["type"] != RELEASE or not isinstance(status, Mapping) or not each.get("id"):
            continue
        namespace, _, name = str(each["id"]).rpartition("/")
        if status.get("status") not in (None, DEPLOYED):
            found.append(
                Unsettled(
                    urn=each["urn"],
                    release=name,
                    namespace=namespace or "default",
                    status=str(status["status"]),
                    revision=int(status.get("revision") or 1),
                )
            )
    return found

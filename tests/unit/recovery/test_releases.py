"""Helm releases that are not deployed, as `llmplatform recover` names them.

What Helm allows in which status is of its own source, 3.20: pkg/action/upgrade.go (`prepareUpgrade`), install.go
(`availableName`), uninstall.go (`Run`); what a read puts into the state, of pulumi-kubernetes' helm_release.go.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from support.sandboxes.pulumi_stand_in import OWN, PROVIDER, Pulumi, installed

from llmplatform.recovery import state
from llmplatform.recovery.releases import unsettled

URN = "urn:pulumi:dev::app::kubernetes:helm.sh/v3:Release::monitoring-stack"
STACK = "kube-prometheus-stack"
CREATE = {
    "type": "creating",
    "resource": {
        "urn": URN,
        "type": "kubernetes:helm.sh/v3:Release",
        "custom": True,
        "inputs": {"name": STACK, "namespace": "monitoring", "chart": "../.charts/x-1.0.0.tgz"},
        "provider": f"{PROVIDER}::1",
    },
}


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pulumi:
    return installed(tmp_path, monkeypatch)


def shown(status: str, revision: int) -> dict[str, Any]:
    return {"status": {"status": status, "revision": revision, "name": STACK, "namespace": "monitoring"}}


def kept(pulumi: Pulumi, status: str, revision: int) -> None:
    """A release in the state, as it was read last."""
    release = {**CREATE["resource"], "id": f"monitoring/{STACK}", "outputs": shown(status, revision)}  # type: ignore[dict-item]
    document = {"version": 3, "deployment": {"resources": [*OWN, release]}}
    (pulumi.folder / "state.json").write_text(json.dumps(document))


def reads(pulumi: Pulumi, status: str, revision: int) -> None:
    """What the next refresh sees in the cluster."""
    (pulumi.folder / "read.json").write_text(json.dumps(shown(status, revision)))


@pytest.mark.parametrize(
    ("status", "revision", "command"),
    [
        ("pending-upgrade", 4, f"helm rollback {STACK} 3 -n monitoring --wait"),
        ("failed", 4, f"helm rollback {STACK} 3 -n monitoring --wait"),
        # An atomic upgrade that failed as revision 4 was being rolled back to 3 as revision 5.
        ("pending-rollback", 5, f"helm rollback {STACK} 3 -n monitoring --wait"),
        ("pending-install", 1, f"helm uninstall {STACK} -n monitoring --no-hooks"),
        ("failed", 1, f"helm uninstall {STACK} -n monitoring --no-hooks"),
        ("uninstalling", 4, f"helm uninstall {STACK} -n monitoring --no-hooks"),
    ],
)
def test_a_release_that_is_not_deployed_is_named_with_the_commands_that_help(
    pulumi: Pulumi, status: str, revision: int, command: str
) -> None:
    kept(pulumi, "deployed", 3)
    document = json.loads((pulumi.folder / "state.json").read_text())
    document["deployment"]["pending_operations"] = [{**CREATE, "type": "updating"}]
    (pulumi.folder / "state.json").write_text(json.dumps(document))
    reads(pulumi, status, revision)
    said = pulumi.recover("--yes", code=1)
    assert f"release monitoring/{STACK} is {status} at revision {revision}: run `{command}`" in said
    assert "then `pulumi up --refresh`" in said, "a plan alone shows no difference: the state has the wanted values"
    assert "agree again" not in said
    assert f"run `{command}`" in pulumi.recover("--yes", code=1), "nothing is interrupted any more, and it is not well"
    assert command in pulumi.document("--dry-run", code=1)["releases"][0]


def test_once_helm_has_put_it_right_the_stack_is_well_again(pulumi: Pulumi) -> None:
    kept(pulumi, "pending-upgrade", 4)
    reads(pulumi, "deployed", 5)
    assert "agree again" in pulumi.recover("--yes")
    assert "no operation was interrupted" in pulumi.recover("--yes")


def test_an_interrupted_install_is_read_again_until_it_is_deployed(pulumi: Pulumi) -> None:
    """An import of a state drops the operations that were interrupted: only a resource can be remembered."""
    pulumi.keep(CREATE)
    reads(pulumi, "pending-install", 1)
    for _ in range(2):
        said = pulumi.recover("--yes", code=1)
        assert f"run `helm uninstall {STACK} -n monitoring --no-hooks`, then `pulumi up --refresh`" in said
        assert "may end by itself" in said, "the plugin of a killed CLI is a process group of its own, and goes on"
        assert state.unread(pulumi.state()) == [URN], "without it a plan would take the install for done"
    reads(pulumi, "deployed", 1)
    assert "agree again" in pulumi.recover("--yes")
    assert [each["id"] for each in pulumi.added()] == [f"monitoring/{STACK}"]


def test_a_release_that_is_deployed_or_was_never_read_is_no_matter() -> None:
    release = {"urn": URN, "type": "kubernetes:helm.sh/v3:Release", "id": f"monitoring/{STACK}"}
    assert not unsettled({"resources": [{**release, "outputs": shown("deployed", 3)}]})
    assert not unsettled({"resources": [release, {**release, "outputs": {"status": "[secret]"}}]})

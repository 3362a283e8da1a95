"""Releases whose install, upgrade or deletion was killed, and what Helm and its provider make of them afterwards.

Helm 3.20: pkg/action/install.go (`availableName`, `failRelease`), upgrade.go (`prepareUpgrade`, `failRelease`),
rollback.go, uninstall.go (`Run`).
pulumi-kubernetes: provider/pkg/provider/helm_release.go (`Create`, `Read`, `Diff`, `Update`, `Delete`, `helmCreate`,
`helmUpdate`, `releaseFailedError`).
"""

from collections.abc import Iterator
from typing import Any

import pytest
from support.sandboxes.fake_api_server import FakeApiServer
from support.sandboxes.helm_releases import STACK, URN, inputs, node, statuses, with_pods

from llmplatform_sandbox.kube import helm, releases
from llmplatform_sandbox.kube.helm import HelmError
from llmplatform_sandbox.providers.base import ProviderError, Secret
from llmplatform_sandbox.providers.helm import ReleaseProvider


class Killed(BaseException):
    """The provider's process is gone."""


def end(_: float) -> None:
    raise Killed


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Whatever Helm is about to do next, it comes as far as its wait."""
    with monkeypatch.context() as context:
        context.setattr(helm, "_wait", end)
        yield context


def begun(call: Any, *arguments: Any, killed: pytest.MonkeyPatch) -> None:
    with pytest.raises(Killed):
        call(*arguments)
    killed.undo()


def test_a_killed_install_is_pending_and_nothing_but_an_uninstall_helps(
    server: FakeApiServer, provider: ReleaseProvider, killed: pytest.MonkeyPatch
) -> None:
    begun(provider.create, URN, inputs(a=1), False, killed=killed)
    assert statuses(server) == ["pending-install"]
    assert not releases.releases(server.kube), "nothing of it is in effect"
    with pytest.raises(ProviderError, match="cannot re-use a name that is still in use"):
        provider.create(URN, inputs(a=1), False)
    with pytest.raises(ProviderError, match=r"another operation \(install/upgrade/rollback\) is in progress"):
        provider.update(URN, inputs(a=2), False)
    helm.run(server.kube, "helm uninstall rel -n apps --no-hooks")
    with pytest.raises(ProviderError, match='"rel" has no deployed releases'):
        provider.update(URN, inputs(a=1), False)
    provider.create(URN, inputs(a=1), False)
    assert statuses(server) == ["deployed"]


def test_after_a_killed_upgrade_a_plan_sees_no_difference_until_helm_has_rolled_back(
    server: FakeApiServer, provider: ReleaseProvider
) -> None:
    _, outputs = provider.create(URN, inputs(days=7), False)
    with pytest.MonkeyPatch.context() as again:
        again.setattr(helm, "_wait", end)
        with pytest.raises(Killed):
            provider.update(URN, inputs(days=14), False)
    assert statuses(server) == ["deployed", "pending-upgrade"]
    assert [each.values for each in releases.releases(server.kube)] == [{"days": 7}], "the cluster is at the old one"

    read = provider.read("apps/rel", inputs(days=7), outputs)
    assert read is not None
    _, old, seen = read
    assert (seen["values"], seen["status"]["status"]) == ({"days": 14}, "pending-upgrade")
    assert not provider.diff(old, seen, inputs(days=14)), "the wanted values are in the state, and nowhere else"
    with pytest.raises(ProviderError, match="another operation"):
        provider.update(URN, inputs(days=21), False)

    helm.run(server.kube, "helm rollback rel 1 -n apps --wait")
    assert statuses(server) == ["superseded", "pending-upgrade", "deployed"]
    read = provider.read("apps/rel", inputs(days=14), seen)
    assert read is not None
    assert read[2]["values"] == {"days": 7}
    assert provider.diff(inputs(days=14), read[2], inputs(days=14)), "a refresh sees what the cluster has"
    provider.update(URN, inputs(days=14), False)
    assert statuses(server)[-1] == "deployed"


def test_a_hook_before_the_deletion_needs_a_node_that_takes_pods(
    server: FakeApiServer, provider: ReleaseProvider
) -> None:
    """gpu-operator v26.7.0, templates/cleanup_gpucluster.yaml: a Job with the operator's own image."""
    given = with_pods()
    node(server)
    _, outputs = provider.create(URN, given, False)
    node(server, unschedulable=True)
    with pytest.raises(ProviderError, match="timed out waiting for the condition"):
        provider.delete(outputs)
    assert statuses(server) == ["uninstalling"]
    with pytest.raises(ProviderError, match='"rel" has no deployed releases'):
        provider.update(URN, given, False)
    helm.run(server.kube, "helm uninstall rel -n apps --no-hooks")
    assert statuses(server) == []


def test_what_is_gone_cannot_be_uninstalled(provider: ReleaseProvider) -> None:
    _, outputs = provider.create(URN, inputs(), False)
    provider.delete(outputs)
    with pytest.raises(ProviderError, match="uninstall: Release not loaded: rel: release: not found"):
        provider.delete(outputs)


@pytest.mark.parametrize("command", ["helm rollback rel 7 -n apps", "helm rollback other -n apps", "helm list"])
def test_what_helm_cannot_do_it_says(server: FakeApiServer, provider: ReleaseProvider, command: str) -> None:
    provider.create(URN, inputs(), False)
    with pytest.raises(HelmError):
        helm.run(server.kube, command)


def test_a_sandbox_puts_right_what_a_killed_run_left_by_the_commands_that_recover_names(
    server: FakeApiServer, provider: ReleaseProvider, killed: pytest.MonkeyPatch
) -> None:
    begun(provider.create, URN, inputs(), False, killed=killed)
    assert provider.mend("urn:pulumi:dev::other::", set()) == [], "another stack's"
    assert provider.mend(STACK, {URN}) == ["helm uninstall rel -n apps --no-hooks"]
    provider.create(URN, inputs(), False)
    assert provider.mend(STACK, {URN}) == [], "it is well"
    assert provider.mend(STACK, set()) == ["helm uninstall rel -n apps --no-hooks"], "its answer was lost"
    assert statuses(server) == []


def test_secret_values_stay_secret_through_a_read(provider: ReleaseProvider) -> None:
    _, outputs = provider.create(URN, inputs(key=Secret("s3cret"), other=1), False)
    read = provider.read("apps/rel", inputs(key=Secret("s3cret"), other=1), outputs)
    assert read is not None
    assert read[2]["values"] == {"key": Secret("s3cret"), "other": 1}

"""Releases whose install, upgrade or deletion was killed or failed, in the words of Helm and of its provider.

Helm 3.20: pkg/action/install.go (`availableName`, `failRelease`), upgrade.go (`prepareUpgrade`, `failRelease`),
rollback.go, uninstall.go (`Run`).
pulumi-kubernetes: provider/pkg/provider/helm_release.go (`Create`, `Read`, `Diff`, `Update`, `Delete`, `helmCreate`,
`helmUpdate`, `releaseFailedError`).
"""

from collections.abc import Iterator
from typing import Any

import pytest
from support.sandboxes.fake_api_server import FakeApiServer, refusal

from llmplatform_sandbox.kube import helm, releases
from llmplatform_sandbox.kube.helm import HelmError
from llmplatform_sandbox.providers.base import Autonaming, InitFailed, ProviderError, Secret, Values
from llmplatform_sandbox.providers.charts import Charts
from llmplatform_sandbox.providers.helm import ReleaseProvider

STACK = "urn:pulumi:dev::proj::"
URN = f"{STACK}kubernetes:helm.sh/v3:Release::rel"


class Killed(BaseException):
    """The provider's process is gone."""


def end(_: float) -> None:
    raise Killed


def inputs(**values: Any) -> Values:
    return {
        "chart": "./.charts/widget-1.2.3.tgz",
        "name": "rel",
        "namespace": "apps",
        "values": values,
        "maxHistory": 5,
    }


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> FakeApiServer:
    monkeypatch.setattr(helm, "TAKES", 0.0)
    monkeypatch.setattr(helm, "HOOK_PATIENCE", 0.0)
    monkeypatch.setattr(helm, "PATIENCE", 0.0)
    server = FakeApiServer()
    server.on_apply = lambda obj: (
        obj.update(status={"conditions": [{"type": "Established", "status": "True"}]})
        if obj["kind"] == "CustomResourceDefinition"
        else None
    )
    return server


@pytest.fixture
def said() -> list[tuple[str, str]]:
    """Warnings, each with the URN of its resource."""
    return []


@pytest.fixture
def provider(server: FakeApiServer, said: list[tuple[str, str]]) -> ReleaseProvider:
    return ReleaseProvider(server.kube, Charts(None), lambda _: True, lambda urn, text: said.append((urn, text)))


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Whatever Helm is about to do next, it comes as far as its wait."""
    with monkeypatch.context() as context:
        context.setattr(helm, "_wait", end)
        yield context


def statuses(server: FakeApiServer) -> list[str]:
    return [releases.status_of(obj) for obj in releases.revisions(server.kube, "apps", "rel")]


def node(server: FakeApiServer, **spec: Any) -> None:
    status = {"conditions": [{"type": "Ready", "status": "True"}]}
    obj = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "spec": spec, "status": status}
    server.kube.apply(obj, manager="test")


def with_pods(**values: Any) -> Values:
    """The inputs of a release whose chart has pods, and a hook before its deletion that needs one."""
    return {**inputs(**values), "chart": "./.charts/gpu-operator-v26.7.0.tgz", "skipCrds": True}


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


# What failed

LATE = "context deadline exceeded"
ENDS = f"failed to become available within allocated timeout. Error: Helm Release apps/rel: {LATE}"


def failed(call: Any, *arguments: Any) -> InitFailed:
    with pytest.raises(InitFailed) as error:
        call(*arguments)
    return error.value


def test_an_install_whose_pods_find_no_node_fails_and_stays_until_an_upgrade_gets_them_ready(
    server: FakeApiServer, provider: ReleaseProvider, said: list[tuple[str, str]]
) -> None:
    error = failed(provider.create, URN, with_pods(), False)
    begins = 'Helm release "apps/rel" was created, but failed to initialize completely. Use Helm CLI to investigate: '
    assert error.reasons == [begins + ENDS]
    assert (error.id, error.state["status"]["status"], error.state["status"]["revision"]) == ("apps/rel", "failed", 1)
    assert statuses(server) == ["failed"]
    known = 'Helm release "rel" was created but has a failed status. Use the `helm` command to investigate the error, '
    assert said == [(URN, f"{known}correct it, then retry. Reason: {LATE}")]
    node(server)
    outputs = provider.update(URN, with_pods(), False)
    assert (outputs["status"]["status"], outputs["status"]["revision"]) == ("deployed", 2), "what failed may be updated"


@pytest.mark.parametrize(
    ("spec", "values", "ready"),
    [
        ({"unschedulable": True}, {}, False),
        ({"taints": [{"key": "a", "effect": "NoSchedule"}]}, {}, False),
        ({"taints": [{"key": "a", "effect": "NoSchedule"}]}, {"operator": {"tolerations": [{"key": "a"}]}}, True),
        ({"taints": [{"key": "a", "effect": "PreferNoSchedule"}]}, {}, True),
    ],
    ids=["cordoned", "tainted", "tolerated", "preferred"],
)
def test_a_release_gets_ready_on_nodes_that_take_its_pods(
    server: FakeApiServer, provider: ReleaseProvider, spec: Values, values: Values, ready: bool
) -> None:
    node(server, **spec)
    if ready:
        provider.create(URN, with_pods(**values), False)
    else:
        failed(provider.create, URN, with_pods(**values), False)


def test_a_release_that_is_not_waited_for_and_one_without_pods_need_no_node(
    server: FakeApiServer, provider: ReleaseProvider
) -> None:
    provider.create(URN, {**with_pods(), "skipAwait": True}, False)
    provider.create(URN, {**inputs(), "chart": "./.charts/prometheus-operator-crds-31.0.1.tgz", "name": "b"}, False)


def test_an_atomic_install_that_fails_is_uninstalled_and_no_resource_comes_of_it(
    server: FakeApiServer, provider: ReleaseProvider
) -> None:
    given = {**with_pods(), "chart": "./.charts/cert-manager-v1.21.1.tgz", "atomic": True}
    text = f"^release rel failed, and has been uninstalled due to atomic being set: {LATE}$"
    with pytest.raises(ProviderError, match=text):
        provider.create(URN, given, False)
    assert statuses(server) == []


def test_an_atomic_install_whose_hook_cannot_run_either_is_left_half_uninstalled(
    server: FakeApiServer, provider: ReleaseProvider
) -> None:
    error = failed(provider.create, URN, {**with_pods(), "atomic": True}, False)
    first = f"an error occurred while uninstalling the release. original install error: {LATE}"
    assert f"{first}: 1 error occurred:\n\t* timed out waiting for the condition" in error.reasons[0]
    assert statuses(server) == ["uninstalling"]
    node(server)
    with pytest.raises(ProviderError, match='"rel" has no deployed releases'):
        provider.update(URN, with_pods(), False)


def test_an_upgrade_that_fails_leaves_the_revision_before_it_in_effect(
    server: FakeApiServer, provider: ReleaseProvider
) -> None:
    node(server)
    provider.create(URN, with_pods(a=1), False)
    node(server, unschedulable=True)
    error = failed(provider.update, URN, with_pods(a=2), False)
    begins = 'Helm release "apps/rel" failed to initialize completely. Use Helm CLI to investigate: '
    assert error.reasons == [begins + ENDS]
    assert statuses(server) == ["deployed", "failed"]
    assert [each.values for each in releases.releases(server.kube)] == [{"a": 1}]


def test_an_atomic_upgrade_that_fails_is_rolled_back_and_the_state_keeps_the_failed_one(
    server: FakeApiServer, provider: ReleaseProvider
) -> None:
    node(server)
    provider.create(URN, with_pods(a=1), False)
    node(server, unschedulable=True)
    error = failed(provider.update, URN, {**with_pods(a=2), "atomic": True}, False)
    assert f"release rel failed, and has been rolled back due to atomic being set: {LATE}" in error.reasons[0]
    assert (error.state["status"]["status"], error.state["status"]["revision"]) == ("failed", 2)
    assert statuses(server) == ["superseded", "failed", "deployed"]
    assert [each.values for each in releases.releases(server.kube)] == [{"a": 1}]
    node(server, unschedulable=False)
    assert provider.update(URN, with_pods(a=2), False)["status"]["revision"] == 4


def test_an_atomic_upgrade_with_nothing_to_go_back_to_says_so(server: FakeApiServer, provider: ReleaseProvider) -> None:
    failed(provider.create, URN, with_pods(), False)
    error = failed(provider.update, URN, {**with_pods(), "atomic": True}, False)
    assert "unable to find a previously successful release when attempting to rollback" in error.reasons[0]
    assert statuses(server) == ["failed", "failed"]


def test_what_the_api_server_refuses_of_a_chart_fails_the_release(
    server: FakeApiServer, provider: ReleaseProvider
) -> None:
    refused = refusal(422, "spec.group: Invalid value")
    server.refuse = lambda method, body: refused if body and body.get("kind") == "CustomResourceDefinition" else None
    given = {**inputs(), "chart": "./.charts/prometheus-operator-crds-31.0.1.tgz"}
    error = failed(provider.create, URN, given, False)
    assert "spec.group: Invalid value" in error.reasons[0]
    assert statuses(server) == ["failed"]


def test_a_setting_without_effect_is_warned_of(provider: ReleaseProvider, said: list[tuple[str, str]]) -> None:
    provider.check({}, {**inputs(), "allowNullValues": True}, Autonaming(name="rel", urn=URN), "default")
    assert [text.split(";")[0] for _, text in said] == ["`allowNullValues` is deprecated and has no effect"]

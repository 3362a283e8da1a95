"""Releases whose install, upgrade or deletion failed, in the words of Helm and of its provider.

Helm 3.20: pkg/action/install.go (`availableName`, `failRelease`), upgrade.go (`prepareUpgrade`, `failRelease`),
rollback.go, uninstall.go (`Run`).
pulumi-kubernetes: provider/pkg/provider/helm_release.go (`Create`, `Read`, `Diff`, `Update`, `Delete`, `helmCreate`,
`helmUpdate`, `releaseFailedError`).
"""

from typing import Any

import pytest
from support.sandboxes.fake_api_server import FakeApiServer, refusal
from support.sandboxes.helm_releases import URN, inputs, node, statuses, with_pods

from llmplatform_sandbox.kube import releases
from llmplatform_sandbox.providers.base import Autonaming, InitFailed, ProviderError, Values
from llmplatform_sandbox.providers.helm import ReleaseProvider

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

"""Add-ons of the simulated ACK: which there are, what they are told, and what pods have of them."""

import json
from typing import Any

import pytest
from support.sandboxes.alicloud_account import ADDON, CLUSTER, Made
from support.sandboxes.clouds import ALICLOUD

from llmplatform_sandbox.cloud import SimulatedCloud
from llmplatform_sandbox.cloud.alicloud import clusters
from llmplatform_sandbox.cloud.alicloud.components import components


def test_an_addon_that_came_with_the_cluster_is_taken_over_and_can_go(account: SimulatedCloud) -> None:
    made = ALICLOUD.whole(account, CLUSTER)
    assert "ack-node-problem-detector" in list(account.installed())
    addon = ALICLOUD.make(account, ADDON, clusterId=made[CLUSTER].id, name="ack-node-problem-detector")
    account.account.delete(ADDON, addon.id)
    assert "ack-node-problem-detector" not in list(account.installed())


def test_a_required_addon_stays(account: SimulatedCloud) -> None:
    made = ALICLOUD.whole(account, CLUSTER)
    addon = ALICLOUD.make(account, ADDON, clusterId=made[CLUSTER].id, name="coredns")
    assert addon.outputs["required"] is True
    account.account.delete(ADDON, addon.id)
    assert "coredns" in list(account.installed())


def test_nodes_find_their_network_by_terway_alone(account: SimulatedCloud) -> None:
    assert not account.networked()
    ALICLOUD.whole(account, CLUSTER)
    assert account.networked()


def test_definitions_of_an_addon_come_with_it(account: SimulatedCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    brought: list[str] = []
    monkeypatch.setattr(clusters, "bring", lambda control_plane, addons: brought.extend(addons))
    made = ALICLOUD.whole(account, CLUSTER)
    ALICLOUD.make(account, ADDON, clusterId=made[CLUSTER].id, name="loongcollector")
    assert brought == ["terway-eniip", "ack-node-problem-detector", "loongcollector"]


def test_every_component_that_ack_is_said_to_have_has_a_source() -> None:
    assert all(one.cites for one in components().values())


@pytest.mark.parametrize("name", ["node-lifecycle-controller", "managed-aliyun-acr-credential-helpers"])
def test_a_component_that_no_source_names_is_refused_at_birth_and_afterwards(
    account: SimulatedCloud, made: Made, name: str
) -> None:
    addon = account.account.behaviour(ADDON).check({"clusterId": made[CLUSTER].id, "name": name})
    assert addon == [("name", f"'{name}': ACK has no component of that name")]
    inputs = {**ALICLOUD.realistic[CLUSTER](made), "addons": [{"name": "terway-eniip"}, {"name": name}]}
    [(path, _)] = account.account.behaviour(CLUSTER).check(inputs)
    assert path == "addons[1].name"


def test_a_component_takes_the_keys_that_are_published_and_no_others(account: SimulatedCloud) -> None:
    check = account.account.behaviour(ADDON).check
    config = json.dumps({"acr-registry-info": "[]", "watch-namespace": "all"})
    found = check({"name": "aliyun-acr-credential-helper", "config": config})
    assert [reason for _, reason in found] == [
        f"aliyun-acr-credential-helper takes no {key}; it takes tokenMode"
        for key in ("acr-registry-info", "watch-namespace")
    ]
    assert not check({"name": "managed-aliyun-acr-credential-helper", "config": '{"watchNamespace":"models"}'})


def test_a_configuration_is_read_back_compact_and_with_sorted_keys(account: SimulatedCloud, made: Made) -> None:
    spaced = '{"sls_project_name": "p", "IngressDashboardEnabled": "false"}'
    addon = ALICLOUD.make(account, ADDON, clusterId=made[CLUSTER].id, name="ack-node-problem-detector", config=spaced)
    live = account.account.read(ADDON, addon.id)
    assert live is not None
    assert live.outputs["config"] == '{"IngressDashboardEnabled":"false","sls_project_name":"p"}'


IMAGE = "acme-registry-vpc.cn-hangzhou.cr.aliyuncs.com/docker.io/vllm/vllm-openai:v0.33.0"
HELPED = {"watchNamespace": "models", "serviceAccount": "*"}


def _helped(account: SimulatedCloud, made: Made, *, webhook: bool = False) -> None:
    helper = {"name": "managed-aliyun-acr-credential-helper", "config": json.dumps(HELPED)}
    ALICLOUD.make(account, ADDON, clusterId=made[CLUSTER].id, **helper)
    if webhook:
        ALICLOUD.make(account, ADDON, clusterId=made[CLUSTER].id, name="acr-credential-helper-webhook")


def _pod(made_at: int, namespace: str = "models") -> dict[str, Any]:
    metadata = {"namespace": namespace, "creationTimestamp": f"2026-11-29T12:00:{made_at:02}Z"}
    return {"metadata": metadata, "spec": {"serviceAccountName": "server"}}


def test_a_pod_pulls_from_the_registry_where_the_helper_watches(account: SimulatedCloud, made: Made) -> None:
    user = {"metadata": {"creationTimestamp": "2026-11-29T12:00:00Z"}}
    assert account.unpullable(IMAGE, _pod(30), user) == "", "no instance is linked: it is open, or not ours"
    _helped(account, made)
    assert account.unpullable(IMAGE, _pod(30), user) == ""
    assert account.unpullable("quay.io/jetstack/cert-manager:v1", _pod(30, "cert-manager"), user) == ""
    assert "does not watch namespace cert-manager" in account.unpullable(IMAGE, _pod(30, "cert-manager"), user)
    with_secret = _pod(30, "cert-manager")
    with_secret["spec"]["imagePullSecrets"] = [{"name": "own"}]
    assert account.unpullable(IMAGE, with_secret, user) == ""


def test_a_pod_that_is_made_with_its_account_never_gets_the_credentials_without_the_webhook(
    account: SimulatedCloud, made: Made
) -> None:
    user = {"metadata": {"creationTimestamp": "2026-11-29T12:00:00Z"}}
    _helped(account, made)
    assert "before the credential helper saw its service account" in account.unpullable(IMAGE, _pod(1), user)
    account.account.delete(ADDON, f"{made[CLUSTER].id}:managed-aliyun-acr-credential-helper")
    _helped(account, made, webhook=True)
    assert account.unpullable(IMAGE, _pod(1), user) == ""

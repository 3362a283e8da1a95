"""The production stack on ACK: up, unchanged, changed in one model, and gone without a rest."""

from collections.abc import Iterator

import pytest
from support.sandboxes.sandboxed import Platform, changed, eventually, platform_of

pytestmark = pytest.mark.sandbox

SMALL, LARGE = "qwen3-8b", "qwen3-32b"
IMAGE = "acme-registry-vpc.cn-hangzhou.cr.aliyuncs.com/platform/vllm-openai:v0.33.0-fix1"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    yield from platform_of("prod-ack", tmp_path_factory.mktemp("prod-ack"), charts=True)


def test_both_models_serve_on_machines_of_two_gpu_classes(platform: Platform) -> None:
    platform.up()
    eventually(lambda: platform.available(SMALL) and platform.available(LARGE), "both models serve")
    zones = {"cn-hangzhou-i", "cn-hangzhou-j", "cn-hangzhou-k"}
    assert {one.detail["zone"] for one in platform.machines("system")} == zones
    assert len([one for one in platform.objects() if one.type == "alicloud:vpc/natGateway:NatGateway"]) == 3
    for pool in ("gpu-small", "gpu-large"):
        assert {one.detail["spot"] for one in platform.machines(pool)} == {True, False}, pool
    limits = platform.deployment(LARGE)["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
    assert limits["nvidia.com/gpu"] == "4"
    [cluster] = [one for one in platform.objects() if one.type == "alicloud:cs/managedKubernetes:ManagedKubernetes"]
    assert cluster.detail["slbInternetEnabled"] is False


def test_quotas_and_alerts_are_what_the_file_says(platform: Platform) -> None:
    with platform.kube() as kube:
        quota = kube.get("v1", "ResourceQuota", "quota", "models")
        receiver = kube.get("v1", "Secret", "alert-receiver", "monitoring")
    assert quota is not None
    assert quota["spec"]["hard"]["requests.nvidia.com/gpu"] == "24"
    assert quota["status"]["used"]["requests.nvidia.com/gpu"] == "11"
    assert receiver is not None, "the address that alerts go to"
    state = (platform.sandbox.paths.backend / ".pulumi/stacks/llmplatform/prod-ack.json").read_text()
    assert receiver["data"]["address"] not in state, "neither the address nor its base64 is in plain state"


def test_the_authority_is_answered_by_a_webhook_that_has_no_key(platform: Platform) -> None:
    with platform.kube() as kube:
        issuer = kube.get("cert-manager.io/v1", "ClusterIssuer", "platform")
        space = kube.get("v1", "Namespace", "cert-manager-alidns-webhook")
        certificate = kube.get("cert-manager.io/v1", "Certificate", "gateway", "models")
    assert issuer is not None
    assert issuer["spec"]["acme"]["solvers"][0]["dns01"]["webhook"]["solverName"] == "alidns"
    assert space is not None
    assert space["metadata"]["labels"]["pod-identity.alibabacloud.com/injection"] == "on", "RRSA gives it its rights"
    assert certificate is not None
    assert certificate["spec"]["dnsNames"] == ["llm.example.cn"]


def test_a_second_run_changes_nothing(platform: Platform) -> None:
    assert changed(platform.up()) == {}


def test_other_replicas_and_another_image_change_one_deployment_and_its_alerts(platform: Platform) -> None:
    platform.edit(lambda config: config["models"][LARGE].update(replicas=1))
    platform.edit(lambda config: config["models"][LARGE]["engine"].update(image=IMAGE))
    alerts = "model-rules-rule"
    assert changed(platform.up()) == {f"{LARGE}-deployment": "update", alerts: "update"}, "they know how many there are"
    eventually(lambda: platform.available(LARGE), "the changed model serves")
    found = platform.deployment(LARGE)
    assert found["spec"]["replicas"] == found["status"]["readyReplicas"] == 1
    assert found["spec"]["template"]["spec"]["containers"][0]["image"] == IMAGE


def test_backups_that_are_kept_longer_change_the_server_the_bucket_and_their_schedule(platform: Platform) -> None:
    platform.edit(lambda config: config["services"]["mlflow"]["database"].update(backup_days=21))
    kept = {"keep_days": 30, "store": {"kind": "new", "deleted_days": 60}}
    platform.edit(lambda config: config["services"]["milvus"].update(backups=kept))
    touched = "mlflow-backups", "milvus-backups-bucket", "milvus-backup"
    assert changed(platform.up()) == dict.fromkeys(touched, "update")


def test_taking_it_down_lifts_its_protection_and_leaves_nothing_but_what_the_cloud_keeps(platform: Platform) -> None:
    found = platform.sandbox.down()
    assert found.orphans == ()
    [key] = found.kept
    assert "30 days" in key

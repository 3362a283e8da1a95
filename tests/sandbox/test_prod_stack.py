"""The production stack on EKS: up, unchanged, changed in one model, kept from a hasty hand, and gone without a rest."""

import os
import subprocess
from collections.abc import Iterator

import pytest
from support.sandboxes.sandboxed import Platform, changed, eventually, platform_of

from llmplatform_sandbox.errors import SandboxError

pytestmark = pytest.mark.sandbox

SMALL, LARGE = "qwen3-8b", "qwen3-32b"
IMAGE = "registry.example.org/vllm-openai:v0.33.0-fix1"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    yield from platform_of("prod", tmp_path_factory.mktemp("prod"), charts=True)


def test_both_models_serve_on_machines_of_two_gpu_classes(platform: Platform) -> None:
    platform.up()
    eventually(lambda: platform.available(SMALL) and platform.available(LARGE), "both models serve")
    assert {one.detail["zone"] for one in platform.machines("system")} == {"us-east-1a", "us-east-1b", "us-east-1c"}
    assert len([one for one in platform.objects() if one.type == "aws:ec2/natGateway:NatGateway"]) == 3
    for pool in ("gpu-small", "gpu-large"):
        bought = {one.detail["labels"]["eks.amazonaws.com/capacityType"] for one in platform.machines(pool)}
        assert bought == {"ON_DEMAND", "SPOT"}, f"{pool}: one machine stays, the others are as cheap as they can be"
    limits = platform.deployment(LARGE)["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
    assert limits["nvidia.com/gpu"] == "4"
    [cluster] = [one for one in platform.objects() if one.type == "aws:eks/cluster:Cluster"]
    assert cluster.detail["vpcConfig"]["endpointPublicAccess"] is False


def test_quotas_alerts_and_certificate_are_what_the_file_says(platform: Platform) -> None:
    with platform.kube() as kube:
        quota = kube.get("v1", "ResourceQuota", "quota", "models")
        issuer = kube.get("cert-manager.io/v1", "ClusterIssuer", "platform")
        receiver = kube.get("v1", "Secret", "alert-receiver", "monitoring")
    assert quota is not None
    assert quota["spec"]["hard"]["requests.nvidia.com/gpu"] == "24"
    assert quota["status"]["used"]["requests.nvidia.com/gpu"] == "11"
    assert issuer is not None
    assert "route53" in issuer["spec"]["acme"]["solvers"][0]["dns01"]
    assert receiver is not None, "the address that alerts go to"
    state = (platform.sandbox.paths.backend / ".pulumi/stacks/llmplatform/prod.json").read_text()
    assert receiver["data"]["address"] not in state, "neither the address nor its base64 is in plain state"


def test_a_second_run_changes_nothing(platform: Platform) -> None:
    assert changed(platform.up()) == {}


def test_other_replicas_and_another_image_change_one_deployment_and_its_alerts(platform: Platform) -> None:
    platform.edit(lambda config: config["models"][LARGE].update(replicas=1))
    platform.edit(lambda config: config["models"][LARGE]["engine"].update(image=IMAGE))
    alerts = "model-rules-rule"
    assert changed(platform.up()) == {f"{LARGE}-deployment": "update", alerts: "update"}, "they know how many there are"
    eventually(lambda: platform.available(LARGE), "the changed model serves")
    found = platform.deployment(LARGE)
    assert found["spec"]["replicas"] == found["status"]["updatedReplicas"] == found["status"]["readyReplicas"] == 1
    assert found["spec"]["template"]["spec"]["containers"][0]["image"] == IMAGE


def test_backups_that_are_kept_longer_change_the_server_the_bucket_and_their_schedule(platform: Platform) -> None:
    platform.edit(lambda config: config["services"]["mlflow"]["database"].update(backup_days=21))
    kept = {"keep_days": 30, "store": {"kind": "new", "deleted_days": 60}}
    platform.edit(lambda config: config["services"]["milvus"].update(backups=kept))
    touched = "mlflow-instance", "milvus-backups-lifecycle", "milvus-backup"
    assert changed(platform.up()) == dict.fromkeys(touched, "update")


def test_a_change_that_protection_forbids_is_refused_before_its_first_step(platform: Platform) -> None:
    before = {(one.type, one.id) for one in platform.objects()}
    file = platform.folder / "Pulumi.prod.yaml"
    text = file.read_text()
    platform.edit(lambda config: config["network"].update(cidr="10.99.0.0/16"))
    try:
        with pytest.raises(SandboxError, match="correct what the errors above say"):
            platform.up()
    finally:
        file.write_text(text)
    assert any("vpc" in error and "protect" in error for error in platform.errors)
    assert not platform.sandbox.unfinished(), "the update has not begun"
    assert {(one.type, one.id) for one in platform.objects()} == before
    assert changed(platform.up()) == {}, "and nothing has to be mended"


def test_a_users_own_destroy_is_refused_in_a_sentence_and_deletes_nothing(platform: Platform) -> None:
    # The autoscaler takes nodes that earlier changes left without pods, with what is theirs.
    of_nodes = {"instance", "network-interface", "volume"}
    before = {(one.type, one.id) for one in platform.objects() if one.type not in of_nodes}
    environment = {**os.environ, **platform.sandbox.shell_variables()}
    environment.pop("PULUMI_CONFIG_PASSPHRASE", None)
    said = subprocess.run(
        ["pulumi", "destroy", "--yes", "--cwd", str(platform.folder)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode != 0
    assert "protect" in said.stdout + said.stderr, said.stdout + said.stderr
    assert before <= {(one.type, one.id) for one in platform.objects()}


def test_taking_it_down_lifts_its_protection_and_leaves_nothing_but_what_the_cloud_keeps(platform: Platform) -> None:
    found = platform.sandbox.down()
    assert found.orphans == ()
    [key] = found.kept
    assert key.startswith("Key ")
    assert "30 days" in key
    assert not platform.sandbox.paths.exists()

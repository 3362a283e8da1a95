"""Machines of node pools on AWS: disks, the metadata service, tags, and what a node is told when it starts."""

import base64
import subprocess
import tomllib
from dataclasses import replace
from email import message_from_string
from email.message import Message
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from support.aws_node_pools import TAG, TEMPLATE, made
from support.aws_platform import TAGS, node_pool, plan

from llmplatform.aws.scale_from_zero import ephemeral_storage_gib
from llmplatform.catalog import instance_types
from llmplatform.planning.outside import OutsidePlan
from llmplatform.planning.pools import PoolPlan
from llmplatform.testing import RecordingEngine

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"


def _user_data(engine: RecordingEngine) -> str:
    return base64.b64decode(engine.one(TEMPLATE).inputs["userData"]).decode()


def _node_config(engine: RecordingEngine) -> dict[str, Any]:
    part = cast(list[Message], message_from_string(_user_data(engine)).get_payload())[0]
    assert part.get_content_type() == "application/node.eks.aws", "nodeadm reads parts of this type alone"
    return yaml.safe_load(str(part.get_payload()))


def test_the_metadata_service_is_out_of_reach_for_pods() -> None:
    options = made(plan("system")).one(TEMPLATE).inputs["metadataOptions"]
    assert options["httpTokens"] == "required"
    assert options["httpPutResponseHopLimit"] == 1, "a pod would otherwise borrow the node's role"


def test_the_disk_is_encrypted_and_as_large_as_asked() -> None:
    (disk,) = made(plan("system", disk_gib=300)).one(TEMPLATE).inputs["blockDeviceMappings"]
    assert disk["deviceName"] == "/dev/xvda"
    assert (disk["ebs"]["volumeType"], disk["ebs"]["volumeSize"], disk["ebs"]["encrypted"]) == ("gp3", 300, "true")


def test_bottlerocket_has_both_disks_encrypted_and_its_data_on_the_second() -> None:
    system, data = made(plan("bottled")).one(TEMPLATE).inputs["blockDeviceMappings"]
    assert system["ebs"]["encrypted"] == data["ebs"]["encrypted"] == "true"
    assert "volumeSize" not in system["ebs"]
    assert (data["deviceName"], data["ebs"]["volumeSize"]) == ("/dev/xvdb", 60), "g6 has local disks"


def test_the_template_leaves_to_eks_what_eks_sets() -> None:
    inputs = made(plan("a10g")).one(TEMPLATE).inputs
    refused = {"instanceType", "imageId", "vpcSecurityGroupIds", "networkInterfaces", "iamInstanceProfile", "keyName"}
    assert not refused & inputs.keys(), "EKS refuses the template, or forgets the cluster's security group"


def test_machines_and_disks_carry_the_tags_that_groups_do_not_pass_on() -> None:
    kinds = made(plan("a10g")).one(TEMPLATE).inputs["tagSpecifications"]
    assert {found["resourceType"] for found in kinds} == {"instance", "volume", "network-interface"}
    assert all(found["tags"]["llmplatform:environment"] == "dev" for found in kinds)


def test_amazon_linux_pulls_large_images_in_parallel() -> None:
    spec = _node_config(made(plan("system")))["spec"]
    assert spec["featureGates"] == {"FastImagePull": True}
    assert spec["kubelet"]["config"] == {"serializeImagePulls": False}
    assert "instance" not in spec, "m7i has no local disk"


def test_local_disks_hold_images_and_pods() -> None:
    assert instance_types.get("aws", "g5.2xlarge").nvme_gb > 0
    spec = _node_config(made(plan("a10g")))["spec"]
    assert spec["instance"] == {"localStorage": {"strategy": "RAID0"}}


def test_bottlerocket_sets_up_its_local_disks_in_toml() -> None:
    settings = tomllib.loads(_user_data(made(plan("bottled"))))["settings"]
    (command,) = settings["bootstrap-commands"].values()
    assert command["commands"][0] == ["apiclient", "ephemeral-storage", "init"]
    assert command["essential"] is True, "a node with too little disk must not join"


def test_bottlerocket_with_gpus_fetches_images_in_parallel_to_its_local_disks() -> None:
    """Bottlerocket's documentation, settings.container-runtime-plugins; karpenter-blueprints, soci-snapshotter."""
    settings = tomllib.loads(_user_data(made(plan("bottled"))))["settings"]
    assert settings["container-runtime"] == {"snapshotter": "soci"}
    snapshotter = settings["container-runtime-plugins"]["soci-snapshotter"]
    assert snapshotter["pull-mode"] == "parallel-pull-unpack"
    assert snapshotter["parallel-pull-unpack"]["max-concurrent-unpacks-per-image"] > 1, (
        "its own value is a plain pull's"
    )
    (command,) = settings["bootstrap-commands"].values()
    assert "/var/lib/soci-snapshotter" in command["commands"][1], "the root volume has no room for an engine's image"


def test_a_release_of_bottlerocket_that_cannot_is_not_asked_to() -> None:
    """1.44.0, release notes: soci-snapshotter comes to the variants for Kubernetes. A node refuses unknown settings."""
    settings = tomllib.loads(_user_data(made(plan("bottled", image_release="1.43.0-deadbeef"))))["settings"]
    assert set(settings) == {"bootstrap-commands"}
    (command,) = settings["bootstrap-commands"].values()
    assert "/var/lib/soci-snapshotter" not in command["commands"][1]


WAY = OutsidePlan(
    proxy="http://proxy.example.org:3128", no_proxy=("10.0.0.0/16", ".svc"), certificates=f"{PEM}\n", nodes=True
)


def _outside(pool: PoolPlan, way: OutsidePlan) -> str:
    made = RecordingEngine().run(lambda: node_pool(pool, outside=way).cluster_name)
    return base64.b64decode(made.one(TEMPLATE).inputs["userData"]).decode()


_ANCHOR = "etc/pki/ca-trust/source/anchors/outside.pem"


def _booted(script: str, root: Path) -> Path:
    """The folder that a script has filled in place of a node's own."""
    (root / _ANCHOR).parent.mkdir(parents=True)
    played = "\n".join(f"{each}() {{ :; }}" for each in ("update-ca-trust", "systemctl"))
    there = script.replace("/etc/", f"{root}/etc/")
    subprocess.run(["bash", "-c", f"{played}\n{there}"], cwd=root, check=True)
    return root


def test_nodes_of_amazon_linux_are_told_of_the_way_before_they_pull_anything(tmp_path: Path) -> None:
    script, config = cast(list[Message], message_from_string(_outside(plan("a10g"), WAY)).get_payload())
    # amazon-eks-ami, templates/al2023: nodeadm-run.service, which starts containerd and kubelet, is after cloud-init.
    assert (script.get_content_type(), config.get_content_type()) == ("text/x-shellscript", "application/node.eks.aws")
    root = _booted(str(script.get_payload()), tmp_path)
    assert (root / _ANCHOR).read_text().strip() == PEM
    for unit in ("containerd", "soci-snapshotter", "kubelet", "nodeadm-run"):
        told = (root / f"etc/systemd/system/{unit}.service.d/outside.conf").read_text()
        assert 'Environment="HTTPS_PROXY=http://proxy.example.org:3128"\n' in told
        assert 'Environment="NO_PROXY=10.0.0.0/16,.svc"\n' in told


def test_no_line_of_a_bundle_is_a_command_to_a_node(tmp_path: Path) -> None:
    """cloud-init runs the script as root (cloud-init's documentation, user data scripts)."""
    bundle = "\n".join([PEM, "END", "EOF", "touch hacked", "$(touch hacked)", "`touch hacked`", "'; touch hacked", PEM])
    way = replace(WAY, certificates=bundle, proxy=None, no_proxy=())
    script, _ = cast(list[Message], message_from_string(_outside(plan("a10g"), way)).get_payload())
    root = _booted(str(script.get_payload()), tmp_path)
    assert (root / _ANCHOR).read_text() == bundle
    assert not (root / "hacked").exists()


def test_bottlerocket_is_told_by_its_settings() -> None:
    # Bottlerocket's documentation, settings.network and settings.pki.
    settings = tomllib.loads(_outside(plan("bottled"), WAY))["settings"]
    assert settings["network"] == {"https-proxy": WAY.proxy, "no-proxy": list(WAY.no_proxy)}
    assert base64.b64decode(settings["pki"]["outside"]["data"]).decode().strip() == PEM
    assert settings["pki"]["outside"]["trusted"] is True
    assert "bootstrap-commands" in settings, "and its local disks as before"


def test_nodes_are_told_nothing_unless_the_settings_say_so() -> None:
    pool = plan("a10g")
    assert _outside(pool, replace(WAY, nodes=False)) == _user_data(made(pool))


def test_bottlerocket_without_local_disks_needs_no_user_data() -> None:
    assert "userData" not in made(plan("system", image="bottlerocket")).one(TEMPLATE).inputs


def test_pods_are_promised_less_disk_than_there_is() -> None:
    assert ephemeral_storage_gib(plan("system", disk_gib=100)) == 85
    nvme = instance_types.get("aws", "g5.2xlarge").nvme_gb * 10**9 / 2**30
    assert ephemeral_storage_gib(plan("a10g")) < nvme, "kubelet lives on the local disks there"


@pytest.mark.parametrize("tag", ["llmplatform:owner", "llmplatform:cost-center", "team"])
def test_a_changed_tag_renews_no_node(tag: str) -> None:
    one, other = (
        RecordingEngine().run(lambda value=value: node_pool(plan("a10g"), tags={**TAGS, tag: value}).urn)
        for value in ("a", "b")
    )
    ignored = ("tags",)  # Not among `updateKeys` of the launch template: no new version.
    before, after = (
        {name: value for name, value in engine.one(TEMPLATE).inputs.items() if name not in ignored}
        for engine in (one, other)
    )
    assert before == after, "another version of the template drains every node of the pool"
    propagated = [found.inputs["tag"] for found in other.all(TAG) if found.inputs["tag"]["propagateAtLaunch"]]
    assert {"key": tag, "value": "b", "propagateAtLaunch": True} in propagated, "new machines are booked by it"


def test_a_root_volume_beside_local_disks_is_small() -> None:
    # nodeadm's `localStorage` moves images, pods and their logs there; g5 has such disks (EC2, instance types).
    (disk,) = made(plan("a10g", disk_gib=500)).one(TEMPLATE).inputs["blockDeviceMappings"]
    assert disk["ebs"]["volumeSize"] == 60
    assert not {"iops", "throughput"} & disk["ebs"].keys(), "nothing is unpacked on it"

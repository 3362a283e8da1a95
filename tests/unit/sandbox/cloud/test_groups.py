"""Node groups of the simulated AWS: Auto Scaling groups, instances, templates, stock-outs."""

import base64
from pathlib import Path
from typing import Any

import pytest
from support.sandboxes.cloud_account import SCOPE, cloud, make, whole_account

from llmplatform_sandbox.cloud import SimulatedCloud
from llmplatform_sandbox.cloud.requests import CloudError, NotReady
from llmplatform_sandbox.interfaces import Taint

NODE_GROUP, TEMPLATE, TAG = (
    "aws:eks/nodeGroup:NodeGroup",
    "aws:ec2/launchTemplate:LaunchTemplate",
    "aws:autoscaling/tag:Tag",
)
PREFIX = "k8s.io/cluster-autoscaler/node-template/"


@pytest.fixture
def account(tmp_path: Path) -> SimulatedCloud:
    account = cloud(tmp_path)
    whole_account(account, NODE_GROUP)
    return account


def group_inputs(account: SimulatedCloud, **changes: Any) -> dict[str, Any]:
    [record] = [one for one in account.account.store.all(NODE_GROUP) if one.id == "dev:gpu-spot"]
    return {**record.inputs, **changes}


def group(account: SimulatedCloud, name: str = "gpu-spot") -> str:
    return next(one.id for one in account.node_groups() if one.id.startswith(f"eks-{name}-"))


def update(account: SimulatedCloud, **changes: Any) -> None:
    account.account.update(NODE_GROUP, "dev:gpu-spot", group_inputs(account, **changes), SCOPE)


def test_a_node_group_is_an_auto_scaling_group_that_eks_tags_for_discovery(account: SimulatedCloud) -> None:
    [found] = account.node_groups()
    assert (found.minimum, found.target, found.maximum) == (0, 1, 4)
    assert found.zones == ["eu-west-1a", "eu-west-1b"]
    assert found.autoscaled
    record = account.account.read(NODE_GROUP, "dev:gpu-spot")
    assert record is not None
    assert record.outputs["resources"][0]["autoscalingGroups"][0]["name"] == found.id


def test_an_instance_has_an_interface_a_disk_and_the_labels_of_eks(account: SimulatedCloud) -> None:
    [instance] = account.instances()
    assert instance.gpus == 1
    assert instance.template.labels["eks.amazonaws.com/capacityType"] == "SPOT"
    assert instance.template.labels["topology.kubernetes.io/zone"] == "eu-west-1a"
    assert instance.template.labels["node.kubernetes.io/instance-type"] == "g5.2xlarge"
    assert instance.template.labels["pool"] == "gpu"
    assert instance.template.taints == [Taint(key="nvidia.com/gpu", value="present", effect="NoSchedule")]
    assert "nvidia.com/gpu" not in instance.template.resources, "a device plugin offers GPUs, not the machine"
    of_instance = [one.type for one in account.objects() if one.made_by == f"aws instance {instance.id}"]
    assert sorted(of_instance) == ["network-interface", "volume"]


def test_a_terminated_instance_frees_its_interface_and_shrinks_the_group(account: SimulatedCloud) -> None:
    [instance] = account.instances()
    account.terminate(instance.id)
    assert account.node_groups()[0].target == 0
    assert not [one for one in account.objects() if one.type in ("instance", "volume")]


def test_refresh_sees_the_size_that_the_autoscaler_chose(account: SimulatedCloud) -> None:
    account.resize(group(account), 3)
    record = account.account.read(NODE_GROUP, "dev:gpu-spot")
    assert record is not None
    assert record.inputs["scalingConfig"]["desiredSize"] == 3
    update(account, labels={"pool": "other"})
    assert account.node_groups()[0].target == 3, "an update of something else leaves the size alone"


def test_the_template_knows_tags_of_the_group_and_what_eks_tells(account: SimulatedCloud) -> None:
    for key, value in {
        "label/custom": "yes",
        "taint/team": "a:NoExecute",
        "resources/vpc.amazonaws.com/efa": "1",
    }.items():
        tag = {"key": f"{PREFIX}{key}", "value": value, "propagateAtLaunch": False}
        make(account, TAG, autoscalingGroupName=group(account), tag=tag)
    template = account.template(group(account))
    assert template is not None
    assert template.labels["custom"] == "yes"
    assert template.labels["pool"] == "gpu", "DescribeNodegroup tells the labels of the group"
    assert Taint(key="team", value="a", effect="NoExecute") in template.taints
    assert Taint(key="nvidia.com/gpu", value="present", effect="NoSchedule") in template.taints
    assert template.resources["vpc.amazonaws.com/efa"] == "1"
    assert template.resources["nvidia.com/gpu"] == "1"
    assert "ephemeral-storage" not in template.resources, "cluster-autoscaler knows disks only from a tag"


def test_tags_of_the_node_group_do_not_reach_the_auto_scaling_group(account: SimulatedCloud) -> None:
    update(account, tags={f"{PREFIX}label/lost": "x", f"{PREFIX}resources/found": "2"})
    template = account.template(group(account))
    assert template is not None
    assert "lost" not in template.labels
    assert template.resources["found"] == "2", "resource tags of the group itself are read"


def test_other_labels_and_taints_reach_machines_that_run(account: SimulatedCloud) -> None:
    update(account, labels={"pool": "renamed"}, taints=[])
    [instance] = account.instances()
    assert instance.template.labels["pool"] == "renamed"
    assert instance.template.taints == []


def test_another_template_version_replaces_the_machines(account: SimulatedCloud) -> None:
    before = {one.id for one in account.instances()}
    [template] = account.account.store.all(TEMPLATE)
    account.account.update(TEMPLATE, template.id, {**template.inputs, "description": "two"}, SCOPE)
    update(account, launchTemplate={"id": template.id, "version": "2"})
    after = {one.id for one in account.instances()}
    assert len(after) == 1
    assert not before & after


def test_a_template_version_that_does_not_exist_is_refused(account: SimulatedCloud) -> None:
    [template] = account.account.store.all(TEMPLATE)
    with pytest.raises(CloudError, match="has no version 7"):
        make(
            account,
            NODE_GROUP,
            **group_inputs(account, nodeGroupName="n", launchTemplate={"id": template.id, "version": "7"}),
        )


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ({"instanceType": "g5.2xlarge"}, "instanceType"),
        ({"iamInstanceProfile": {"name": "p"}}, "iamInstanceProfile"),
        ({"networkInterfaces": [{"subnetId": "subnet-1"}]}, "networkInterfaces"),
        ({"instanceMarketOptions": {"marketType": "spot"}}, "instanceMarketOptions"),
    ],
)
def test_launch_templates_that_eks_refuses(account: SimulatedCloud, template: dict[str, Any], path: str) -> None:
    made = make(account, TEMPLATE, name="bad", **template)
    inputs = group_inputs(account, nodeGroupName="n", launchTemplate={"id": made.id, "version": "1"})
    with pytest.raises(CloudError, match=f"InvalidParameterException.*{path}"):
        make(account, NODE_GROUP, **inputs)


def test_nvme_disks_hold_scratch_space_only_when_the_user_data_says_so(account: SimulatedCloud) -> None:
    plain = int(account.instances()[0].template.resources["ephemeral-storage"])
    data = base64.b64encode(b"localStorage: {strategy: RAID0}").decode()
    made = make(account, TEMPLATE, name="nvme", userData=data, blockDeviceMappings=[{"ebs": {"volumeSize": 200}}])
    inputs = group_inputs(account, nodeGroupName="n", launchTemplate={"id": made.id, "version": "1"})
    make(account, NODE_GROUP, **inputs)
    [fast] = [one for one in account.instances() if one.group == group(account, "n")]
    assert plain == int(300 * 1024**3 * 0.9) - 1024**3
    assert int(fast.template.resources["ephemeral-storage"]) == int(450 * 1000**3 * 0.9) - 1024**3


def test_machines_whose_role_may_not_join_fail_the_group(account: SimulatedCloud) -> None:
    role = make(account, "aws:iam/role:Role", name="bare", assumeRolePolicy="{}")
    inputs = group_inputs(account, nodeGroupName="n", nodeRoleArn=role.outputs["arn"])
    with pytest.raises(NotReady, match="attach AmazonEKSWorkerNodePolicy"):
        make(account, NODE_GROUP, **inputs)
    empty = {"minSize": 0, "maxSize": 1, "desiredSize": 0}
    make(account, NODE_GROUP, **{**inputs, "nodeGroupName": "later", "scalingConfig": empty})

"""Managed node groups by the rules of EKS."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from typing_extensions import override

from llmplatform_sandbox.cloud.account import Account
from llmplatform_sandbox.cloud.aws.groups import CLUSTER, GROUP, Groups, made_as
from llmplatform_sandbox.cloud.aws.losses import set_size
from llmplatform_sandbox.cloud.aws.machines import ARM_IMAGES, machine, offered
from llmplatform_sandbox.cloud.behaviour import Plain
from llmplatform_sandbox.cloud.control_plane import ControlPlane
from llmplatform_sandbox.cloud.minors import number, other_minor
from llmplatform_sandbox.cloud.requests import CloudError, NotReady
from llmplatform_sandbox.cloud.rollout import Rollout
from llmplatform_sandbox.cloud.store import Record
from llmplatform_sandbox.cloud.templates import get
from llmplatform_sandbox.cloud.waiting import wait
from llmplatform_sandbox.interfaces import Unavailable

_JOINS = re.compile(r"/AmazonEKSWorkerNode(Minimal)?Policy$")
"""EKS user guide, node IAM role."""


class NodeGroupBehaviour(Plain):
    """Node groups by the rules of EKS. `patience`: seconds for machines to join; EKS waits 20 minutes and more."""

    def __init__(self, control_plane: ControlPlane, patience: float) -> None:
        self._control_plane, self._patience = control_plane, patience

    @override
    def check(self, inputs: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        findings = list(other_minor(inputs, self._control_plane.minors))
        low, size, high = (get(inputs, f"scalingConfig.{name}") for name in ("minSize", "desiredSize", "maxSize"))
        if all(isinstance(value, (int, float)) for value in (low, size, high)) and not low <= size <= high:
            findings.append(
                ("scalingConfig.desiredSize", f"{size:g} is not between minSize {low:g} and maxSize {high:g}")
            )
        for index, name in enumerate(inputs.get("instanceTypes") or []):
            if isinstance(name, str) and (why := _unfit(name, inputs.get("amiType"))):
                findings.append((f"instanceTypes[{index}]", why))
        update = inputs.get("updateConfig") or {}
        if isinstance(update, Mapping) and "maxUnavailable" in update and "maxUnavailablePercentage" in update:
            findings.append(("updateConfig", "maxUnavailable and maxUnavailablePercentage conflict; write one"))
        return findings

    @override
    def creating(self, account: Account, inputs: Mapping[str, Any]) -> None:
        template = Groups(account).launch_template(inputs)
        if template is None:
            return
        wanted, latest = str(inputs["launchTemplate"]["version"]), template.outputs["latestVersion"]
        if not (wanted in ("$Latest", "$Default") or (wanted.isdigit() and 1 <= int(wanted) <= latest)):
            raise CloudError(f"InvalidParameterException: launch template {template.id} has no version {wanted}")
        for path, why in _template_faults(template.outputs, inputs):
            raise CloudError(f"InvalidParameterException: launch template {template.id}: {path}: {why}")

    @override
    def created(self, account: Account, record: Record) -> Mapping[str, Any]:
        scaling, cluster = record.outputs["scalingConfig"], record.outputs["clusterName"]
        tags = {
            "eks:cluster-name": cluster,
            "eks:nodegroup-name": record.outputs["nodeGroupName"],
            f"kubernetes.io/cluster/{cluster}": "owned",
            "k8s.io/cluster-autoscaler/enabled": "true",
            f"k8s.io/cluster-autoscaler/{cluster}": "owned",
        }
        state = {
            "nodeGroup": record.id,
            "nodeGroupName": record.outputs["nodeGroupName"],
            "minSize": int(scaling["minSize"]),
            "maxSize": int(scaling["maxSize"]),
            # "the capacity it attempts to maintain", never below the minimum, with or without stock: botocore's
            # autoscaling model, CreateAutoScalingGroupType.DesiredCapacity.
            "desiredCapacity": int(scaling["desiredSize"]),
            "tags": tags,
        }
        group = Groups(account).group_of(record) or account.create(
            GROUP, f"aws eks {cluster}", state, account.scope, owner=record.key
        )
        record = account.amend(record, {"resources": [{"autoscalingGroups": [{"name": group.id}]}]})
        self._resize(account, record, group, int(scaling["desiredSize"]))
        if scaling["desiredSize"] and not wait(lambda: _may_join(account, record), self._patience):
            reason = "Instances failed to join the kubernetes cluster"
            remedy = "attach AmazonEKSWorkerNodePolicy to the node role before the group is made"
            raise NotReady(record, f"NodeCreationFailure: {reason}; {remedy}")
        return {}

    @override
    def updating(self, account: Account, old: Record, inputs: Mapping[str, Any]) -> None:
        if old.outputs["status"] == "CREATE_FAILED":
            # aws/containers-roadmap#2204; UpdateNodegroupConfig and UpdateNodegroupVersion alike.
            raise CloudError(
                f"InvalidRequestException: Nodegroup {old.outputs['nodeGroupName']} cannot be updated as it is "
                "currently not in Active State"
            )
        _refuse_sizes(inputs["scalingConfig"])
        wanted, cluster = inputs.get("version"), account.store.get(CLUSTER, inputs["clusterName"])
        if not wanted or cluster is None:
            return
        if number(wanted) > number(cluster.outputs["version"]):
            raise CloudError(
                f"InvalidParameterException: Requested Nodegroup release {wanted} is above the cluster's "
                f"{cluster.outputs['version']}; upgrade the cluster first"
            )
        if number(wanted) < number(old.outputs["version"]):
            raise CloudError(
                f"InvalidParameterException: a node group cannot go back from {old.outputs['version']} to {wanted}; "
                "make another one"
            )

    @override
    def updated(self, account: Account, old: Record, new: Record) -> None:
        groups = Groups(account)
        group = groups.group_of(new)
        if group is None:
            return
        # The request has all three numbers when one of them changes: internal/service/eks/node_group.go,
        # resourceNodeGroupUpdate and expandNodegroupScalingConfig.
        before, scaling = old.inputs["scalingConfig"], new.inputs["scalingConfig"]
        groups.set_bounds(group, int(scaling["minSize"]), int(scaling["maxSize"]))
        if scaling["desiredSize"] != before["desiredSize"]:
            set_size(account, group, int(scaling["desiredSize"]))
        if (old.inputs.get("labels"), old.inputs.get("taints")) != (new.inputs.get("labels"), new.inputs.get("taints")):
            groups.relabel(group)
        self._renew(groups, group, new)

    def _renew(self, groups: Groups, group: Record, node_group: Record) -> None:
        """Replace all machines with another image or template. EKS user guide, phases of node updates."""
        update = node_group.outputs.get("updateConfig") or {}
        stale = [one for one in groups.running(group) if one.outputs.get("made") != made_as(node_group)]
        at_once = int(update.get("maxUnavailable") or 0)
        if share := update.get("maxUnavailablePercentage"):
            at_once = max(1, len(groups.running(group)) * int(share) // 100)
        force = bool(node_group.outputs.get("forceUpdateVersion"))
        rollout = Rollout(self._control_plane.nodes, groups, group, self._patience)
        if update.get("updateStrategy") == "MINIMAL":
            rollout.replace(stale, at_once, force=force)
        else:
            rollout.replace_with_surge(stale, at_once, max(2 * groups.zones(node_group), at_once), force=force)

    @override
    def live(self, account: Account, record: Record) -> Record:
        group = Groups(account).group_of(record)
        if group is None:
            return record
        scaling = {
            "desiredSize": group.outputs["desiredCapacity"],
            "minSize": group.outputs["minSize"],
            "maxSize": group.outputs["maxSize"],
        }
        return replace(
            record,
            inputs={**record.inputs, "scalingConfig": scaling},
            outputs={**record.outputs, "scalingConfig": scaling},
        )

    def _resize(self, account: Account, record: Record, group: Record, size: int) -> None:
        groups = Groups(account)
        try:
            groups.resize(group.id, size)
        except Unavailable as error:
            groups.note_shortage(group.id, str(error))
            account.amend(record, {"status": "CREATE_FAILED"})
            raise NotReady(record, f"AsgInstanceLaunchFailures: {error}") from error


def _refuse_sizes(scaling: Mapping[str, Any]) -> None:
    """EKS' error for bounds and a number that do not fit: terraform-aws-modules/terraform-aws-eks#748."""
    low, size, high = (int(scaling[name]) for name in ("minSize", "desiredSize", "maxSize"))
    if low > size:
        raise CloudError(f"InvalidParameterException: Minimum capacity {low} can't be greater than desired size {size}")
    if size > high:
        raise CloudError(f"InvalidParameterException: desired capacity {size} can't be greater than max size {high}")


def _may_join(account: Account, node_group: Record) -> bool:
    """Whether the role's attached policies let a kubelet describe its cluster."""
    role = account.store.by_output("aws:iam/role:Role", "arn", node_group.outputs["nodeRoleArn"])
    attached = account.store.all("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    return role is None or any(
        one.outputs["role"] == role.id and _JOINS.search(one.outputs["policyArn"]) for one in attached
    )


def _unfit(name: str, image: Any) -> str:
    if not offered(name):
        return f"the sandbox's table of machines has no {name}; write one that it has"
    kind = machine(name)
    if isinstance(image, str) and image != "CUSTOM" and (image in ARM_IMAGES) != (kind.architecture == "arm64"):
        return f"{name} is {kind.architecture}, and {image} is not; take an image of the same architecture"
    return ""


def _template_faults(template: Mapping[str, Any], inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a template for a node group must not contain: EKS user guide, "Customize managed nodes"."""
    market = get(template, "instanceMarketOptions.marketType")
    interfaces = template.get("networkInterfaces") or []
    rules: list[tuple[str, bool, str]] = [
        (
            "instanceType",
            bool(template.get("instanceType") and inputs.get("instanceTypes")),
            "set in the node group's instanceTypes as well; write one",
        ),
        ("iamInstanceProfile", bool(template.get("iamInstanceProfile")), "EKS sets it from nodeRoleArn; leave it out"),
        (
            "instanceInitiatedShutdownBehavior",
            bool(template.get("instanceInitiatedShutdownBehavior")),
            "not allowed; leave it out",
        ),
        (
            "networkInterfaces[].subnetId",
            any(one.get("subnetId") for one in interfaces),
            "EKS sets subnets; leave it out",
        ),
        (
            "instanceMarketOptions",
            bool(market and market != "capacity-block"),
            "write capacityType on the node group instead",
        ),
        (
            "networkInterfaces",
            bool(interfaces and template.get("vpcSecurityGroupIds")),
            "conflicts with vpcSecurityGroupIds; put the groups on the interfaces",
        ),
    ]
    return [(path, why) for path, broken, why in rules if broken]

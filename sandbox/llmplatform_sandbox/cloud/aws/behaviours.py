"""What EKS and its neighbours do beyond the table: control planes, node groups, add-ons, NAT gateways."""

import base64
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from llmplatform_sandbox.cloud.account import Account
from llmplatform_sandbox.cloud.aws.groups import GROUP, NODE_GROUP, Groups
from llmplatform_sandbox.cloud.aws.machines import ARM_IMAGES, machine, offered
from llmplatform_sandbox.cloud.behaviour import Behaviour, Plain
from llmplatform_sandbox.cloud.control_plane import ControlPlane
from llmplatform_sandbox.cloud.requests import CloudError, NotReady
from llmplatform_sandbox.cloud.store import Record
from llmplatform_sandbox.cloud.templates import get
from llmplatform_sandbox.interfaces import Unavailable

CLUSTER, ADDON, LOG_GROUP = "aws:eks/cluster:Cluster", "aws:eks/addon:Addon", "aws:cloudwatch/logGroup:LogGroup"
NEED_NODES = frozenset(
    {"coredns", "aws-ebs-csi-driver", "aws-efs-csi-driver", "aws-fsx-csi-driver", "aws-mountpoint-s3-csi-driver",
     "metrics-server", "cert-manager", "kube-state-metrics", "external-dns", "snapshot-controller"}
)  # fmt: skip
"""Add-ons with a Deployment: DEGRADED until a node runs it."""
SELF_MANAGED = ("vpc-cni", "kube-proxy", "coredns")
"""What a cluster with `bootstrapSelfManagedAddons` has without any add-on."""


def behaviours(control_plane: ControlPlane, patience: float) -> Mapping[str, Behaviour]:
    """By type. `patience`: seconds that an add-on waits for a node; EKS gives up after 20 minutes."""
    return {
        CLUSTER: _Cluster(control_plane),
        NODE_GROUP: _NodeGroup(control_plane.minor),
        ADDON: _Addon(patience),
        "aws:ec2/natGateway:NatGateway": _NatGateway(),
    }


class _Cluster(Plain):
    def __init__(self, control_plane: ControlPlane) -> None:
        self._control_plane = control_plane

    def check(self, inputs: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        findings = list(_other_minor(inputs, self._control_plane.minor))
        mode = get(inputs, "accessConfig.authenticationMode")
        creator = get(inputs, "accessConfig.bootstrapClusterCreatorAdminPermissions")
        if mode == "CONFIG_MAP" and creator is False:
            reason = "nobody could enter the cluster; write API or leave bootstrapClusterCreatorAdminPermissions on"
            findings.append(("accessConfig.authenticationMode", reason))
        switches = [
            get(inputs, path)
            for path in (
                "computeConfig.enabled",
                "storageConfig.blockStorage.enabled",
                "kubernetesNetworkConfig.elasticLoadBalancing.enabled",
            )
        ]
        if any(switches) and not all(switches):
            findings.append(
                (
                    "computeConfig.enabled",
                    "Auto Mode needs compute, block storage and load balancing all enabled, or none",
                )
            )
        return findings

    def creating(self, account: Account, inputs: Mapping[str, Any]) -> None:
        others = account.store.all(CLUSTER)
        if others:
            raise CloudError(
                f"the sandbox has one control plane, and {others[0].id} uses it; put the second into another stack"
            )
        subnets = [account.store.get("aws:ec2/subnet:Subnet", one) for one in get(inputs, "vpcConfig.subnetIds") or []]
        if len({one.outputs.get("availabilityZone") for one in subnets if one}) < 2:
            raise CloudError("InvalidParameterException: Subnets specified must be in at least two different AZs")

    def created(self, account: Account, record: Record) -> Mapping[str, Any]:
        access = self._control_plane(get(record.outputs, "kubernetesNetworkConfig.serviceIpv4Cidr"))
        if record.outputs.get("enabledClusterLogTypes"):
            _make_log_group(account, f"/aws/eks/{record.id}/cluster")
        return {
            "endpoint": access.server,
            "certificateAuthority": {"data": base64.b64encode(access.ca_pem.encode()).decode()},
            "version": record.outputs.get("version") or self._control_plane.minor,
        }

    def deleting(self, account: Account, record: Record) -> None:
        self._control_plane.reset()


def _make_log_group(account: Account, name: str) -> None:
    """EKS makes the group of its logs when nobody did, without an end of their retention; it outlives the cluster."""
    if account.store.get(LOG_GROUP, name) is None:
        account.create(LOG_GROUP, f"aws eks {name.split('/')[3]}", {"name": name}, account.scope)


def _other_minor(inputs: Mapping[str, Any], minor: str) -> Sequence[tuple[str, str]]:
    version = inputs.get("version")
    if isinstance(version, str) and version != minor:
        return [
            (
                "version",
                f"{version}: the sandbox runs Kubernetes {minor}; write {minor}, or try this version on a real account",
            )
        ]
    return []


class _NodeGroup(Plain):
    def __init__(self, minor: str) -> None:
        self._minor = minor

    def check(self, inputs: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        findings = list(_other_minor(inputs, self._minor))
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

    def creating(self, account: Account, inputs: Mapping[str, Any]) -> None:
        template = Groups(account).launch_template(inputs)
        if template is None:
            return
        wanted, latest = str(inputs["launchTemplate"]["version"]), template.outputs["latestVersion"]
        if not (wanted in ("$Latest", "$Default") or (wanted.isdigit() and 1 <= int(wanted) <= latest)):
            raise CloudError(f"InvalidParameterException: launch template {template.id} has no version {wanted}")
        for path, why in _template_faults(template.outputs, inputs):
            raise CloudError(f"InvalidParameterException: launch template {template.id}: {path}: {why}")

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
            "desiredCapacity": 0,
            "tags": tags,
        }
        group = account.create(GROUP, f"aws eks {cluster}", state, account.scope, owner=record.key)
        record = account.amend(record, {"resources": [{"autoscalingGroups": [{"name": group.id}]}]})
        self._resize(account, record, group, int(scaling["desiredSize"]))
        return {}

    def updated(self, account: Account, old: Record, new: Record) -> None:
        groups = Groups(account)
        group = groups.group_of(new)
        if group is None:
            return
        before, scaling = old.inputs["scalingConfig"], new.inputs["scalingConfig"]
        groups.set_bounds(group, int(scaling["minSize"]), int(scaling["maxSize"]))
        if scaling["desiredSize"] != before["desiredSize"]:
            self._resize(account, new, group, int(scaling["desiredSize"]))
        if (old.inputs.get("labels"), old.inputs.get("taints")) != (new.inputs.get("labels"), new.inputs.get("taints")):
            groups.relabel(group)
        if any(
            get(old.inputs, path) != get(new.inputs, path)
            for path in ("launchTemplate.version", "releaseVersion", "version")
        ):
            groups.replace_instances(group)

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


def _unfit(name: str, image: Any) -> str:
    if not offered(name):
        return f"{name}: not in the catalog of instance types; write one that `llmplatform.catalog` lists"
    kind = machine(name)
    if isinstance(image, str) and image != "CUSTOM" and (image in ARM_IMAGES) != (kind.architecture == "arm64"):
        return f"{name} is {kind.architecture}, and {image} is not; take an image of the same architecture"
    return ""


def _template_faults(template: Mapping[str, Any], inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a template for a node group must not hold: EKS user guide, "Customize managed nodes"."""
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


class _Addon(Plain):
    def __init__(self, patience: float) -> None:
        self._patience = patience

    def creating(self, account: Account, inputs: Mapping[str, Any]) -> None:
        cluster = account.store.get(CLUSTER, inputs["clusterName"])
        if cluster is None:
            raise CloudError(f"ResourceNotFoundException: No cluster found for name: {inputs['clusterName']}")

    def created(self, account: Account, record: Record) -> Mapping[str, Any]:
        name, cluster = record.outputs["addonName"], record.outputs["clusterName"]
        if name in NEED_NODES and not _wait(lambda: _has_nodes(account, cluster), self._patience):
            raise NotReady(
                record,
                f"{name}: DEGRADED, InsufficientNumberOfReplicas: cluster {cluster} has no node; "
                "make the add-on depend on a node group of at least one untainted node",
            )
        return {}


def _has_nodes(account: Account, cluster: str) -> bool:
    return any(not one.outputs["taints"] and _of(account, one, cluster) for one in account.store.all("instance"))


def _of(account: Account, instance: Record, cluster: str) -> bool:
    group = account.store.get(GROUP, instance.outputs["group"])
    return group is not None and group.outputs["nodeGroup"].startswith(f"{cluster}:")


def _wait(ready: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


class _NatGateway(Plain):
    def creating(self, account: Account, inputs: Mapping[str, Any]) -> None:
        subnet = account.store.get("aws:ec2/subnet:Subnet", inputs.get("subnetId") or "")
        vpc = subnet.outputs["vpcId"] if subnet else inputs.get("vpcId")
        public = (inputs.get("connectivityType") or "public") == "public"
        gateways = account.store.all("aws:ec2/internetGateway:InternetGateway")
        if public and not any(one.outputs.get("vpcId") == vpc for one in gateways):
            raise CloudError(f"Gateway.NotAttached: Network {vpc} has no Internet gateway attached; depend on it first")

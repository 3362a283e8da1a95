"""Facts in the cloud's own form: the principals of a role, leftovers, needs of a mount, the first group to fill.

One `Readings` per cloud. The tests compare what these say, and know no cloud.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from llmplatform.testing import RecordingEngine, Registered

Trust = tuple[str, str, str]
"""Cluster, namespace and service account; `*` for any."""

CLASS = "kubernetes:storage.k8s.io/v1:StorageClass"
_ACK_CONFIG = "alicloud:cs/autoscalingConfig:AutoscalingConfig"
_ACK_LEFTOVERS = frozenset({"SLB", "ALB"})
_TEMPLATE = "k8s.io/cluster-autoscaler/node-template"


@dataclass(frozen=True, kw_only=True)
class PodPlace:
    """A subnet in which pods get their addresses."""

    user: Registered
    """What puts pods there."""
    ways_out: list[Registered]
    """What has to be there for a pod to reach the internet."""


@dataclass(frozen=True, kw_only=True)
class Readings:
    """How to read one cloud's registrations."""

    this_cluster: str
    """How the trust of the test platform's identities names its cluster."""
    trusted: Callable[[Registered], set[Trust]]
    """Who may take a role."""
    role_of_pods: Callable[[RecordingEngine, Trust, Mapping[str, Any]], Registered | None]
    """The role that pods of a service account get, with `annotations` and `namespace_labels` as the identity says."""
    left_behind: Callable[[RecordingEngine, Registered], set[str]]
    """What the cloud makes along with a cluster and would leave when it is deleted."""
    pod_places: Callable[[RecordingEngine], list[PodPlace]]
    lets_in: Callable[[RecordingEngine], list[tuple[Registered, list[Registered]]]]
    """Each mount target of the shared file system, with the rules that admit its clients."""
    mount_needs: Callable[[RecordingEngine, Registered], list[Registered]]
    """What must be there before a volume of a class can be mounted."""
    grows_from_zero: Callable[[RecordingEngine, Registered], bool]
    """Whether the autoscaler can plan with a group that has no node."""
    order: Callable[[RecordingEngine], Mapping[str, int]]
    """Group to its place in the autoscaler's order: the highest is filled first."""


def _statements(document: str) -> list[dict[str, Any]]:
    return [each for each in json.loads(document)["Statement"] if each["Effect"] == "Allow"]


def _aws_trusted(role: Registered) -> set[Trust]:
    def of(statement: dict[str, Any]) -> Trust:
        tags = statement.get("Condition", {}).get("StringEquals", {})
        cluster, namespace, account = (
            tags.get(f"aws:RequestTag/{tag}", "*")
            for tag in ("eks-cluster-name", "kubernetes-namespace", "kubernetes-service-account")
        )
        return cluster, namespace, account

    return {of(statement) for statement in _statements(role.inputs["assumeRolePolicy"])}


def _aws_role_of_pods(engine: RecordingEngine, who: Trust, identity: Mapping[str, Any]) -> Registered | None:
    for found in engine.all("aws:eks/podIdentityAssociation:PodIdentityAssociation"):
        if (found.inputs["clusterName"], found.inputs["namespace"], found.inputs["serviceAccount"]) == who:
            return engine.named(found.inputs["roleArn"].rpartition("/")[2])
    return None


def _aws_left_behind(engine: RecordingEngine, cluster: Registered) -> set[str]:
    written = f"/aws/eks/{cluster.inputs['name']}/cluster"
    groups = [each for each in engine.all("aws:cloudwatch/logGroup:LogGroup") if each.inputs.get("name") == written]
    # Made by EKS, unless it is there before the cluster.
    return set() if groups and engine.waits_for(cluster, groups[0]) else {written}


def _aws_pod_places(engine: RecordingEngine) -> list[PodPlace]:
    associations = engine.all("aws:ec2/routeTableAssociation:RouteTableAssociation")
    routes = engine.all("aws:ec2/route:Route")

    def ways(subnet: str) -> list[Registered]:
        mine = [each for each in associations if each.inputs["subnetId"] == subnet]
        tables = {each.inputs["routeTableId"] for each in mine}
        out = [
            each
            for each in routes
            if each.inputs["routeTableId"] in tables and each.inputs.get("destinationCidrBlock") == "0.0.0.0/0"
        ]
        return [*mine, *out] if out else []

    groups = engine.all("aws:eks/nodeGroup:NodeGroup")
    return [PodPlace(user=group, ways_out=ways(each)) for group in groups for each in group.inputs["subnetIds"]]


def _aws_lets_in(engine: RecordingEngine) -> list[tuple[Registered, list[Registered]]]:
    def rules(target: Registered) -> list[Registered]:
        groups = [engine.named(each.removesuffix("-id")) for each in target.inputs["securityGroups"]]
        return [group for group in groups if any(rule["toPort"] == 2049 for rule in group.inputs["ingress"])]

    return [(target, rules(target)) for target in engine.all("aws:efs/mountTarget:MountTarget")]


def _aws_mount_needs(engine: RecordingEngine, found: Registered) -> list[Registered]:
    files = found.inputs["parameters"].get("fileSystemId")
    targets = engine.all("aws:efs/mountTarget:MountTarget")
    return [each for each in targets if files and each.inputs["fileSystemId"] == files]


def _aws_grows_from_zero(engine: RecordingEngine, group: Registered) -> bool:
    tags = {
        each.inputs["tag"]["key"]: each.inputs["tag"]["value"]
        for each in engine.all("aws:autoscaling/tag:Tag")
        if each.inputs["autoscalingGroupName"] == f"eks-{group.name}"
    }
    labels = {f"{_TEMPLATE}/label/{key}": value for key, value in group.inputs["labels"].items()}
    taints = {f"{_TEMPLATE}/taint/{each['key']}" for each in group.inputs["taints"]}
    return labels.items() <= tags.items() and taints <= tags.keys()


def _aws_order(engine: RecordingEngine) -> Mapping[str, int]:
    (document,) = [
        yaml.safe_load(each.inputs["data"]["priorities"])
        for each in engine.all("kubernetes:core/v1:ConfigMap")
        if each.inputs["metadata"]["name"] == "cluster-autoscaler-priority-expander"
    ]
    return {
        group.name: place
        for group in engine.all("aws:eks/nodeGroup:NodeGroup")
        for place, patterns in document.items()
        if any(re.search(pattern, f"eks-{group.name}") for pattern in patterns)
    }


def _ack_trusted(role: Registered) -> set[Trust]:
    def of(statement: dict[str, Any]) -> Trust:
        claims = statement.get("Condition", {}).get("StringEquals", {})
        prefix, _, rest = claims.get("oidc:sub", "").partition("system:serviceaccount:")
        namespace, _, account = rest.partition(":") if not prefix else ("", "", "")
        return claims.get("oidc:iss", "*"), namespace or "*", account or "*"

    return {of(statement) for statement in _statements(role.inputs["assumeRolePolicyDocument"])}


def _ack_role_of_pods(engine: RecordingEngine, who: Trust, identity: Mapping[str, Any]) -> Registered | None:
    if identity["namespace_labels"].get("pod-identity.alibabacloud.com/injection") != "on":
        return None
    name = identity["annotations"].get("pod-identity.alibabacloud.com/role-name")
    return next((each for each in engine.all("alicloud:ram/role:Role") if each.inputs["roleName"] == name), None)


def _ack_left_behind(engine: RecordingEngine, cluster: Registered) -> set[str]:
    options = cluster.inputs.get("deleteOptions", [])
    given = {
        "SLS_Data": cluster.inputs.get("auditLogConfig", {}).get("slsProjectName"),
        "SLS_ControlPlane": cluster.inputs.get("controlPlaneLogProject"),
    }
    # Where it is given no log project, ACK makes one.
    made = {kind for kind, project in given.items() if not project}
    return (_ACK_LEFTOVERS | made) - {each["resourceType"] for each in options if each["deleteMode"] == "delete"}


def _ack_pod_places(engine: RecordingEngine) -> list[PodPlace]:
    gateways = engine.all("alicloud:vpc/natGateway:NatGateway")
    attachments = engine.all("alicloud:vpc/routeTableAttachment:RouteTableAttachment")
    routes = engine.all("alicloud:vpc/routeEntry:RouteEntry")
    entries = engine.all("alicloud:vpc/snatEntry:SnatEntry")

    def ways(vswitch: str) -> list[Registered]:
        mine = [each for each in attachments if each.inputs["vswitchId"] == vswitch]
        tables = {each.inputs["routeTableId"] for each in mine}
        out = [
            each
            for each in routes
            if each.inputs["routeTableId"] in tables and each.inputs["destinationCidrblock"] == "0.0.0.0/0"
        ]
        # The VPC's own table leads to one gateway, and with several it is not known to which.
        nexts = {each.inputs["nexthopId"] for each in out} if mine else {f"{each.name}-id" for each in gateways}
        translated = [
            each
            for each in entries
            if each.inputs.get("sourceVswitchId") == vswitch
            and nexts == {f"{each.inputs['snatTableId'].removeprefix('stb-')}-id"}
        ]
        return [*mine, *out, *translated] if translated else []

    return [
        PodPlace(user=cluster, ways_out=ways(vswitch))
        for cluster in engine.all("alicloud:cs/managedKubernetes:ManagedKubernetes")
        for vswitch in cluster.inputs["podVswitchIds"]
    ]


def _ack_lets_in(engine: RecordingEngine) -> list[tuple[Registered, list[Registered]]]:
    rules = engine.all("alicloud:nas/accessRule:AccessRule")
    return [
        (target, [each for each in rules if each.inputs["accessGroupName"] == target.inputs["accessGroupName"]])
        for target in engine.all("alicloud:nas/mountTarget:MountTarget")
    ]


def _ack_mount_needs(engine: RecordingEngine, found: Registered) -> list[Registered]:
    parameters = found.inputs["parameters"]
    server, role = parameters.get("server", "").partition(".")[0], parameters.get("roleName")
    targets = [each for each in engine.all("alicloud:nas/mountTarget:MountTarget") if each.name == server]
    grants = engine.all("alicloud:ram/rolePolicyAttachment:RolePolicyAttachment")
    return [*targets, *(each for each in grants if role and each.inputs["roleName"] == role)]


def _ack_grows_from_zero(engine: RecordingEngine, group: Registered) -> bool:
    (config,) = engine.all(_ACK_CONFIG)
    return config.inputs.get("scaleUpFromZero") is True and group.inputs["scalingConfig"]["enable"]


def _ack_order(engine: RecordingEngine) -> Mapping[str, int]:
    (config,) = engine.all(_ACK_CONFIG)
    if config.inputs["expander"] != "priority":
        return {}
    return {
        group.removeprefix("asg-"): int(place)
        for place, groups in config.inputs["priorities"].items()
        for group in groups.split(",")
    }


def aws_readings(cluster: str) -> Readings:
    """Those of AWS."""
    return Readings(
        this_cluster=cluster,
        trusted=_aws_trusted,
        role_of_pods=_aws_role_of_pods,
        left_behind=_aws_left_behind,
        pod_places=_aws_pod_places,
        lets_in=_aws_lets_in,
        mount_needs=_aws_mount_needs,
        grows_from_zero=_aws_grows_from_zero,
        order=_aws_order,
    )


def alicloud_readings(issuer: str) -> Readings:
    """Those of Alibaba Cloud."""
    return Readings(
        this_cluster=issuer,
        trusted=_ack_trusted,
        role_of_pods=_ack_role_of_pods,
        left_behind=_ack_left_behind,
        pod_places=_ack_pod_places,
        lets_in=_ack_lets_in,
        mount_needs=_ack_mount_needs,
        grows_from_zero=_ack_grows_from_zero,
        order=_ack_order,
    )

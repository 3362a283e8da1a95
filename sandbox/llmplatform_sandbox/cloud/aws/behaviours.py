"""EKS and related services beyond the table: control planes, node groups, add-ons, NAT gateways."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from llmplatform_sandbox.cloud.account import Account
from llmplatform_sandbox.cloud.aws import databases
from llmplatform_sandbox.cloud.aws.groups import GROUP, NODE_GROUP
from llmplatform_sandbox.cloud.aws.late_actors import (
    ENDPOINT,
    LOG_GROUP,
    LogGroup,
    cluster_deleted,
    guard,
    log_group_of,
)
from llmplatform_sandbox.cloud.aws.node_groups import NodeGroupBehaviour
from llmplatform_sandbox.cloud.aws.node_health import addons
from llmplatform_sandbox.cloud.aws.places import lacks, takes_control_planes, zone_id
from llmplatform_sandbox.cloud.behaviour import Behaviour, Plain
from llmplatform_sandbox.cloud.control_plane import ControlPlane
from llmplatform_sandbox.cloud.minors import number, other_minor, refuse_leap
from llmplatform_sandbox.cloud.requests import CloudError, NotReady
from llmplatform_sandbox.cloud.store import Record
from llmplatform_sandbox.cloud.templates import get
from llmplatform_sandbox.cloud.waiting import wait

CLUSTER, ADDON, SUBNET = "aws:eks/cluster:Cluster", "aws:eks/addon:Addon", "aws:ec2/subnet:Subnet"


def behaviours(control_plane: ControlPlane, patience: float) -> Mapping[str, Behaviour]:
    """Behaviours by type. `patience`: seconds that an add-on waits for a node; EKS waits 20 minutes."""
    return {
        CLUSTER: _Cluster(control_plane),
        NODE_GROUP: NodeGroupBehaviour(control_plane, patience),
        ADDON: _Addon(patience),
        SUBNET: _Subnet(),
        ENDPOINT: _Endpoint(),
        LOG_GROUP: LogGroup(),
        "aws:ec2/natGateway:NatGateway": _NatGateway(),
        "aws:secretsmanager/secret:Secret": _Secret(),
        **databases.behaviours(),
    }


class _Cluster(Plain):
    def __init__(self, control_plane: ControlPlane) -> None:
        self._control_plane = control_plane

    def check(self, inputs: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        findings = list(other_minor(inputs, self._control_plane.minors))
        mode = get(inputs, "accessConfig.authenticationMode")
        creator = get(inputs, "accessConfig.bootstrapClusterCreatorAdminPermissions")
        if mode == "CONFIG_MAP" and creator is False:
            reason = (
                "no principal could enter the cluster; write API or leave bootstrapClusterCreatorAdminPermissions on"
            )
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
        zones = _zones(account, inputs)
        if len(set(zones)) < 2:
            raise CloudError("InvalidParameterException: Subnets specified must be in at least two different AZs")
        closed = [one for one in zones if not takes_control_planes(account.faults, one)]
        if closed:
            raise CloudError(
                f"UnsupportedAvailabilityZoneException: Cannot create cluster '{inputs['name']}' because EKS does not "
                f"support creating control plane instances in {closed[0]}, the targeted availability zone "
                f"({zone_id(account.faults, closed[0])} in this account). Retry cluster creation using control plane "
                "subnets of other availability zones"
            )

    def created(self, account: Account, record: Record) -> Mapping[str, Any]:
        minor = record.outputs.get("version") or self._control_plane.minors[-1]
        access = self._control_plane(get(record.outputs, "kubernetesNetworkConfig.serviceIpv4Cidr"), minor)
        if record.outputs.get("enabledClusterLogTypes"):
            _make_log_group(account, log_group_of(record.id))
        guard(account)
        return {
            "endpoint": access.server,
            "certificateAuthority": {"data": base64.b64encode(access.ca_pem.encode()).decode()},
            "version": minor,
        }

    def updating(self, account: Account, old: Record, inputs: Mapping[str, Any]) -> None:
        now, before = _zones(account, inputs), _zones(account, old.outputs)
        if now != before:
            # aws/containers-roadmap#2258: other subnets of the same zones are accepted.
            raise CloudError(
                f"InvalidParameterException: Provided subnets belong to the AZs '{','.join(now)}'. But they should "
                f"belong to the exact set of AZs '{','.join(before)}' in which subnets were provided during cluster "
                "creation."
            )
        wanted = inputs.get("version")
        if not wanted or wanted == old.outputs["version"]:
            return
        refuse_leap(
            old.outputs["version"], wanted, "InvalidParameterException: Unsupported Kubernetes minor version update"
        )
        behind = [
            one.id for one in account.store.all(NODE_GROUP) if number(one.outputs["version"]) < number(wanted) - 3
        ]
        if behind:
            raise CloudError(
                f"InvalidParameterException: the nodes of {', '.join(behind)} are too old for {wanted}; "
                "upgrade them first"
            )

    def updated(self, account: Account, old: Record, new: Record) -> None:
        if new.outputs["version"] != old.outputs["version"]:
            self._control_plane.upgrade(new.outputs["version"])

    def deleting(self, account: Account, record: Record) -> None:
        self._control_plane.reset()
        cluster_deleted(account, record)


def _zones(account: Account, inputs: Mapping[str, Any]) -> list[str]:
    """The zones of a cluster's subnets, each once."""
    subnets = [account.store.get(SUBNET, one) for one in get(inputs, "vpcConfig.subnetIds") or []]
    return sorted({str(one.outputs.get("availabilityZone")) for one in subnets if one})


class _Subnet(Plain):
    def created(self, account: Account, record: Record) -> Mapping[str, Any]:
        return {"availabilityZoneId": zone_id(account.faults, record.outputs.get("availabilityZone") or "")}


class _Endpoint(Plain):
    def creating(self, account: Account, inputs: Mapping[str, Any]) -> None:
        service = str(inputs.get("serviceName")).partition(f"{account.scope.region}.")[2]
        for subnet in inputs.get("subnetIds") or []:
            found = account.store.get(SUBNET, subnet)
            if found and lacks(account.faults, service, str(found.outputs.get("availabilityZone"))):
                raise CloudError(
                    f"InvalidParameter: The VPC endpoint service {inputs['serviceName']} does not support the "
                    f"availability zone of the subnet: {subnet}."
                )


def _make_log_group(account: Account, name: str) -> None:
    """EKS creates its log group if it is missing, without retention; it outlives the cluster."""
    if account.store.get(LOG_GROUP, name) is None:
        account.create(LOG_GROUP, f"aws eks {name.split('/')[3]}", {"name": name}, account.scope)


class _Addon(Plain):
    def __init__(self, patience: float) -> None:
        self._patience = patience

    def check(self, inputs: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        name = inputs.get("addonName")
        known = not isinstance(name, str) or name in addons()
        return [] if known else [("addonName", f"'{name}' is not taken: EKS has no add-on of that name")]

    def creating(self, account: Account, inputs: Mapping[str, Any]) -> None:
        cluster = account.store.get(CLUSTER, inputs["clusterName"])
        if cluster is None:
            raise CloudError(f"ResourceNotFoundException: No cluster found for name: {inputs['clusterName']}")
        self._refuse_foreign(cluster, inputs)

    def updating(self, account: Account, old: Record, inputs: Mapping[str, Any]) -> None:
        cluster = account.store.get(CLUSTER, inputs["clusterName"])
        if cluster is not None:
            self._refuse_foreign(cluster, inputs)

    def _refuse_foreign(self, cluster: Record, inputs: Mapping[str, Any]) -> None:
        """kube-proxy's minor: at most the cluster's, and at most three below it."""
        version = inputs.get("addonVersion")
        if inputs["addonName"] != "kube-proxy" or not version:
            return
        if not number(cluster.outputs["version"]) - 3 <= number(version) <= number(cluster.outputs["version"]):
            raise CloudError(
                f"InvalidParameterException: Addon version specified is not supported: kube-proxy {version} "
                f"with Kubernetes {cluster.outputs['version']}; write one of that minor"
            )

    def created(self, account: Account, record: Record) -> Mapping[str, Any]:
        name, cluster = record.outputs["addonName"], record.outputs["clusterName"]
        if addons()[name].needs_node and not wait(lambda: _has_nodes(account, cluster), self._patience):
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


class _NatGateway(Plain):
    def creating(self, account: Account, inputs: Mapping[str, Any]) -> None:
        subnet = account.store.get("aws:ec2/subnet:Subnet", inputs.get("subnetId") or "")
        vpc = subnet.outputs["vpcId"] if subnet else inputs.get("vpcId")
        public = (inputs.get("connectivityType") or "public") == "public"
        gateways = account.store.all("aws:ec2/internetGateway:InternetGateway")
        if public and not any(one.outputs.get("vpcId") == vpc for one in gateways):
            raise CloudError(f"Gateway.NotAttached: Network {vpc} has no Internet gateway attached; depend on it first")


class _Secret(Plain):
    """A deleted secret keeps its name for the recovery window."""

    def creating(self, account: Account, inputs: Mapping[str, Any]) -> None:
        if account.store.setting(f"deleted secret {inputs['name']}"):
            raise CloudError(
                "InvalidRequestException: You can't create this secret because a secret with this name is already "
                f"scheduled for deletion: {inputs['name']}; restore it; next time set recoveryWindowInDays to 0"
            )

    def deleting(self, account: Account, record: Record) -> None:
        if record.outputs["recoveryWindowInDays"]:
            account.store.set(f"deleted secret {record.outputs['name']}", "scheduled")

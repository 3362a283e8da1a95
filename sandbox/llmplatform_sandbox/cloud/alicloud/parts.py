"""The parts of Alibaba Cloud's simulated account beyond the facts."""

import re
from collections.abc import Mapping, Sequence

from llmplatform_sandbox.cloud.alicloud.account_services import Documents, FlowLog, Key, Project, RegistryLink
from llmplatform_sandbox.cloud.alicloud.clusters import Addon, Cluster, Permission, admins, installed
from llmplatform_sandbox.cloud.alicloud.groups import Groups
from llmplatform_sandbox.cloud.alicloud.machines import offered
from llmplatform_sandbox.cloud.alicloud.names import (
    ADDON,
    AUTOSCALING,
    BALANCER,
    CLUSTER,
    FLOW_LOG,
    KEY,
    LINK,
    NODE_POOL,
    PERMISSION,
    PROJECT,
    VSWITCH,
)
from llmplatform_sandbox.cloud.alicloud.network import Balancer, EipAssociation, SnatEntry, Switch
from llmplatform_sandbox.cloud.alicloud.node_pools import NodePool
from llmplatform_sandbox.cloud.alicloud.pulling import unpullable
from llmplatform_sandbox.cloud.alicloud.remarks import remarks
from llmplatform_sandbox.cloud.alicloud.scaler import AutoscalingConfig, autoscaler
from llmplatform_sandbox.cloud.alicloud.service_roles import ROLES
from llmplatform_sandbox.cloud.behaviour import Behaviour
from llmplatform_sandbox.cloud.control_plane import ControlPlane
from llmplatform_sandbox.cloud.parts import Arguments, Parts
from llmplatform_sandbox.cloud.requests import Scope
from llmplatform_sandbox.cloud.store import Store

_ZONE = re.compile(r"^[a-z]{2}-[a-z]+(-\d)?-?[a-z]$")
_DRIVERS = ("diskplugin.csi.alibabacloud.com", "nasplugin.csi.alibabacloud.com")
_SLOW = (
    "missing; without it the real provider asks the billing service at every start, up to 30 s, with a right that "
    "pipelines lack; write Domestic or International"
)


def _behaviours(control_plane: ControlPlane, patience: float) -> Mapping[str, Behaviour]:
    """Nothing waits here: ACK installs add-ons with or without nodes to run them."""
    return {
        CLUSTER: Cluster(control_plane),
        NODE_POOL: NodePool(control_plane, patience),
        ADDON: Addon(control_plane),
        AUTOSCALING: AutoscalingConfig(),
        PERMISSION: Permission(),
        PROJECT: Project(),
        VSWITCH: Switch(),
        BALANCER: Balancer(),
        "alicloud:vpc/snatEntry:SnatEntry": SnatEntry(),
        "alicloud:ecs/eipAssociation:EipAssociation": EipAssociation(),
        KEY: Key(),
        FLOW_LOG: FlowLog(),
        LINK: RegistryLink(),
        "alicloud:ram/role:Role": Documents("assumeRolePolicyDocument"),
        "alicloud:ram/policy:Policy": Documents("policyDocument"),
    }


def _subnets(store: Store) -> list[str]:
    """A load balancer's vSwitch: the first of the cluster's."""
    return [vswitch for one in store.all(CLUSTER) for vswitch in (one.outputs.get("vswitchIds") or [])[:1]]


def _zones(store: Store) -> frozenset[str]:
    return frozenset(one.outputs["zoneId"] for one in store.all(VSWITCH) if "zoneId" in one.outputs)


def _scope(arguments: Arguments) -> Scope:
    account = arguments.get("accountId")
    return Scope(
        region=str(arguments.get("region") or "cn-beijing"),
        # An account id of digits alone arrives as a number.
        account=str(account) if account else Scope(region="").account,
        partition="aliyun",
    )


def _arguments(arguments: Arguments) -> Sequence[tuple[str, str]]:
    findings: list[tuple[str, str]] = []
    kind, account = arguments.get("accountType"), arguments.get("accountId")
    if not kind:
        findings.append(("accountType", _SLOW))
    elif isinstance(kind, str) and kind not in ("Domestic", "International"):
        findings.append(("accountType", f"'{kind}' is not offered; write Domestic | International"))
    if not account:
        findings.append(
            ("accountId", "missing; without it the real provider asks who calls, so a plan needs credentials")
        )
    return findings


PARTS = Parts(
    behaviours=_behaviours,
    groups=Groups,
    installed=installed,
    admins=admins,
    subnets=_subnets,
    zones=_zones,
    scope=_scope,
    network=(frozenset({"terway-eniip"}), frozenset({"flannel"})),
    provider_id=re.compile(r"^[a-z]{2}-[a-z]+(-\d)?\.i-"),
    targets={
        "spot-stockout": offered,
        "stockout": offered,
        "zone-outage": lambda name: bool(_ZONE.match(name)),
        "role-unauthorised": ROLES.__contains__,
        "slow-volumes": _DRIVERS.__contains__,
    },
    remarks=remarks,
    autoscaler=autoscaler,
    unpullable=unpullable,
    arguments=_arguments,
)

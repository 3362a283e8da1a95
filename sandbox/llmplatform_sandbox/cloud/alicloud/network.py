"""Network rules beyond the table: overlapping ranges, NAT without an address, addresses of load balancers."""

import ipaddress
import secrets
from collections.abc import Mapping
from typing import Any

from typing_extensions import override

from llmplatform_sandbox.cloud.account import Account
from llmplatform_sandbox.cloud.alicloud.names import VPC, VSWITCH
from llmplatform_sandbox.cloud.behaviour import Plain
from llmplatform_sandbox.cloud.requests import CloudError
from llmplatform_sandbox.cloud.store import Record

_NAT, _EIP = "alicloud:vpc/natGateway:NatGateway", "alicloud:ecs/eipAddress:EipAddress"
_ASSOCIATION, _SNAT = "alicloud:ecs/eipAssociation:EipAssociation", "alicloud:vpc/snatEntry:SnatEntry"


class Switch(Plain):
    """A vSwitch is within its VPC and overlaps no other."""

    @override
    def creating(self, account: Account, inputs: Mapping[str, Any]) -> None:
        own = ipaddress.ip_network(inputs["cidrBlock"], strict=False)
        vpc = account.store.get(VPC, inputs["vpcId"])
        around = vpc.outputs.get("cidrBlock") if vpc else None
        if around and not _within(own, around):
            raise CloudError(f"InvalidCidrBlock.Malformed: {own} is not within {around} of {inputs['vpcId']}")
        for other in account.store.all(VSWITCH):
            theirs = ipaddress.ip_network(other.outputs["cidrBlock"], strict=False)
            if other.outputs["vpcId"] == inputs["vpcId"] and own.overlaps(theirs):
                raise CloudError(f"InvalidCidrBlock.Overlapped: {own} overlaps with {theirs} of {other.id}")
        if account.faults.active("zone-outage", inputs["zoneId"]):
            raise CloudError(f"OperationFailed.ZoneOutage: {inputs['zoneId']} is not available")


def _within(own: Any, around: str) -> bool:
    return own.subnet_of(ipaddress.ip_network(around, strict=False))


class SnatEntry(Plain):
    """The gateway must have the entry's address first."""

    @override
    def creating(self, account: Account, inputs: Mapping[str, Any]) -> None:
        address = account.store.by_output(_EIP, "ipAddress", inputs["snatIp"])
        gateway = account.store.by_output(_NAT, "snatTableIds", inputs["snatTableId"])
        bound = [one.outputs for one in account.store.all(_ASSOCIATION)]
        pairs = {(one["allocationId"], one["instanceId"]) for one in bound}
        if address and gateway and (address.id, gateway.id) not in pairs:
            raise CloudError(
                f"EIP_NOT_IN_GATEWAY: {inputs['snatIp']} is not bound to {gateway.id}; depend on the association first"
            )


class EipAssociation(Plain):
    """An address that SNAT uses cannot be removed from its gateway."""

    @override
    def deleting(self, account: Account, record: Record) -> None:
        address = account.store.get(_EIP, record.outputs["allocationId"])
        for entry in account.store.all(_SNAT):
            if address and entry.outputs["snatIp"] == address.outputs["ipAddress"]:
                raise CloudError(f"IncorrectStatus.ResourceStatus: {address.id} is used by SNAT entry {entry.id}")


class Balancer(Plain):
    """A load balancer has an address of its vSwitch, or a public one."""

    @override
    def created(self, account: Account, record: Record) -> Mapping[str, Any]:
        if record.outputs.get("scheme") == "internet":
            return {"address": f"203.0.113.{secrets.randbelow(254) + 1}"}
        vswitch = account.store.get(VSWITCH, next(iter(record.outputs.get("subnetIds") or []), ""))
        if vswitch is None:
            return {"address": ""}
        # From the upper end, away from machines.
        hosts = list(ipaddress.ip_network(vswitch.outputs["cidrBlock"], strict=False).hosts())
        return {"address": str(hosts[-3 - secrets.randbelow(max(len(hosts) // 4, 1))])}

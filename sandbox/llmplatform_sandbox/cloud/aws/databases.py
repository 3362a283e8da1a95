"""RDS beyond the table: what it refuses of a subnet group and of an instance.

Sources: botocore's rds model, DBSubnetGroupDoesNotCoverEnoughAZs; CreateDBInstanceMessage and ModifyDBInstanceMessage,
PreferredBackupWindow ("must not conflict with the preferred maintenance window"), AllocatedStorage, EngineVersion,
AllowMajorVersionUpgrade; RDS user guide, "Managing capacity automatically with Amazon RDS storage autoscaling" (the
limit is above the storage) and "Upgrading the PostgreSQL DB engine" (no way back).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from typing_extensions import override

from llmplatform_sandbox.cloud.account import Account
from llmplatform_sandbox.cloud.behaviour import Behaviour, Plain
from llmplatform_sandbox.cloud.requests import CloudError
from llmplatform_sandbox.cloud.store import Record

_SUBNET = "aws:ec2/subnet:Subnet"


def behaviours() -> Mapping[str, Behaviour]:
    """Behaviours by type."""
    return {"aws:rds/subnetGroup:SubnetGroup": _SubnetGroup(), "aws:rds/instance:Instance": _Instance()}


class _SubnetGroup(Plain):
    @override
    def creating(self, account: Account, inputs: Mapping[str, Any]) -> None:
        if len({one.outputs.get("availabilityZone") for one in _subnets(account, inputs)}) < 2:
            raise CloudError(
                "DBSubnetGroupDoesNotCoverEnoughAZs: The DB subnet group doesn't meet Availability Zone (AZ) coverage "
                "requirement. Add subnets to cover at least 2 AZs"
            )

    @override
    def created(self, account: Account, record: Record) -> Mapping[str, Any]:
        return {"vpcId": _subnets(account, record.outputs)[0].outputs["vpcId"]}

    @override
    def updating(self, account: Account, old: Record, inputs: Mapping[str, Any]) -> None:
        self.creating(account, inputs)


class _Instance(Plain):
    @override
    def check(self, inputs: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        limit, size = inputs.get("maxAllocatedStorage"), inputs.get("allocatedStorage")
        backup, maintenance = inputs.get("backupWindow"), inputs.get("maintenanceWindow")
        faults: list[tuple[str, str]] = []
        if limit and size and limit <= size:
            faults.append(("maxAllocatedStorage", f"Invalid max storage size: {limit:g} is not above {size:g}"))
        if backup and maintenance and _times(maintenance) & _times(backup):
            faults.append(("backupWindow", "The backup window and maintenance window must not overlap"))
        return faults

    @override
    def deleting(self, account: Account, record: Record) -> None:
        if not record.outputs.get("skipFinalSnapshot") and not record.outputs.get("finalSnapshotIdentifier"):
            raise CloudError("final_snapshot_identifier is required when skip_final_snapshot is false")

    @override
    def updating(self, account: Account, old: Record, inputs: Mapping[str, Any]) -> None:
        before, size = old.outputs.get("allocatedStorage"), inputs.get("allocatedStorage")
        if before and size and size < before:
            raise CloudError("InvalidParameterCombination: Requested size smaller than the present one: storage grows")
        was, wanted = str(old.outputs.get("engineVersion")), str(inputs.get("engineVersion"))
        if _major(wanted) < _major(was):
            raise CloudError(f"InvalidParameterCombination: Cannot upgrade postgres from {was} to {wanted}")
        if _major(wanted) > _major(was) and not inputs.get("allowMajorVersionUpgrade"):
            raise CloudError(
                "InvalidParameterCombination: The AllowMajorVersionUpgrade flag must be present when upgrading to a "
                "new major version"
            )


def _subnets(account: Account, values: Mapping[str, Any]) -> list[Record]:
    found = (account.store.get(_SUBNET, one) for one in values.get("subnetIds") or [])
    return [one for one in found if one]


def _times(window: str) -> set[int]:
    """Minutes of the day that a window has, whatever its day."""
    begin, end = (int(hour) * 60 + int(minute) for *_, hour, minute in (one.split(":") for one in window.split("-")))
    length = (end - begin) % (24 * 60)
    return {(begin + minute) % (24 * 60) for minute in range(length)}


def _major(version: str) -> int:
    return int(version.partition(".")[0])

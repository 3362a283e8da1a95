"""RAM, KMS and the log service beyond the table: policy versions, protected keys, names that stay blocked."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from typing_extensions import override

from llmplatform_sandbox.cloud.account import Account
from llmplatform_sandbox.cloud.alicloud.names import KEY
from llmplatform_sandbox.cloud.alicloud.service_roles import require
from llmplatform_sandbox.cloud.behaviour import Plain
from llmplatform_sandbox.cloud.requests import CloudError
from llmplatform_sandbox.cloud.store import Record

_PENDING = "default key that waits for its end"


class Documents(Plain):
    """RAM accepts one version of its policy language, `1`, and refuses AWS's date. RAM user guide, policy structure."""

    def __init__(self, prop: str) -> None:
        """`prop`: the property that holds the document."""
        self._property = prop

    @override
    def check(self, inputs: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        text = inputs.get(self._property)
        document = json.loads(text) if isinstance(text, str) else {}
        version = document.get("Version") if isinstance(document, dict) else None
        if text is None or version == "1":
            return ()
        return [(self._property, f'Version is {json.dumps(version)}; write "1", the only one that RAM knows')]


class Key(Plain):
    """A protected key stays; another has a waiting period, during which it can be restored.

    Outside a KMS instance an account has one key in a region. KMS user guide, "Manage keys": only one default key of
    the type CMK can be created in each region. Assumed: a key in its waiting period still counts.
    """

    @override
    def creating(self, account: Account, inputs: Mapping[str, Any]) -> None:
        if inputs.get("dkmsInstanceId"):
            return
        there = [one.id for one in account.store.all(KEY) if not one.outputs.get("dkmsInstanceId")]
        waiting = account.store.setting(_PENDING)
        if there or waiting:
            held = there[0] if there else f"{waiting}, which waits for its end,"
            raise CloudError(
                f"Rejected.LimitExceeded: {held} is the one default key of this region; name it, or take a KMS instance"
            )

    @override
    def deleting(self, account: Account, record: Record) -> None:
        if record.outputs.get("deletionProtection") == "Enabled":
            raise CloudError(
                f"Rejected.DeletionProtectionEnabled: {record.id}: set deletionProtection to Disabled first"
            )
        if not record.outputs.get("dkmsInstanceId"):
            account.store.set(_PENDING, record.id)


class FlowLog(Plain):
    """VPC flow logs are activated once for an account. VPC user guide, "Flow logs"."""

    @override
    def creating(self, account: Account, inputs: Mapping[str, Any]) -> None:
        require(account, "AliyunVPCLogArchiveRole", "a flow log")


class RegistryLink(Plain):
    """A record in PrivateZone needs a separate authorisation. Container Registry API reference, error codes."""

    @override
    def creating(self, account: Account, inputs: Mapping[str, Any]) -> None:
        if inputs.get("enableCreateDnsRecordInPvzt"):
            raise CloudError(
                "NO_PRIVATE_ZONE_AUTHORIZED: Container Registry may not write to PrivateZone; authorise it in its "
                "console, or write enableCreateDnsRecordInPvzt false: the name resolves through the link all the same"
            )


class Project(Plain):
    """The name of a deleted log project stays blocked for days (the number is unverified)."""

    @override
    def creating(self, account: Account, inputs: Mapping[str, Any]) -> None:
        name = inputs.get("projectName") or inputs.get("name")
        if account.store.setting(_blocked(name)):
            raise CloudError(
                f"ProjectForbidden: Project {name} was deleted a while ago and its name is blocked; take another"
            )

    @override
    def deleting(self, account: Account, record: Record) -> None:
        account.store.set(_blocked(record.id), "deleted")


def _blocked(name: Any) -> str:
    return f"deleted project {name}"

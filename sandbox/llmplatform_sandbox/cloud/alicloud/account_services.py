"""RAM, KMS and the log service beyond the table: policy versions, protected keys, names that stay blocked."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from typing_extensions import override

from llmplatform_sandbox.cloud.account import Account
from llmplatform_sandbox.cloud.behaviour import Plain
from llmplatform_sandbox.cloud.requests import CloudError
from llmplatform_sandbox.cloud.store import Record


class Documents(Plain):
    """RAM knows one version of its policy language, `1`; AWS's date is refused. RAM user guide, policy structure."""

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
    """A protected key stays; another waits for its end, during which it can be restored."""

    @override
    def deleting(self, account: Account, record: Record) -> None:
        if record.outputs.get("deletionProtection") == "Enabled":
            raise CloudError(
                f"Rejected.DeletionProtectionEnabled: {record.id}: set deletionProtection to Disabled first"
            )


class Project(Plain):
    """The name of a deleted log project stays blocked for days (for how many is unverified)."""

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

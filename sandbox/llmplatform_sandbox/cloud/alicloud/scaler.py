"""The autoscaler that ACK runs for a cluster after its configuration.

The configuration is no object: a further one replaces the first, and its deletion has no effect, so the autoscaler uses
the last one until the cluster is gone (resource_alicloud_cs_autoscaling_config.go, Delete).
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from typing_extensions import override

from llmplatform_sandbox.cloud.account import Account
from llmplatform_sandbox.cloud.alicloud.names import AUTOSCALING, GROUP
from llmplatform_sandbox.cloud.alicloud.service_roles import require
from llmplatform_sandbox.cloud.behaviour import Plain
from llmplatform_sandbox.cloud.requests import CloudError
from llmplatform_sandbox.cloud.store import Record, Store
from llmplatform_sandbox.interfaces import ManagedAutoscaler

_SETTING = "autoscaling configuration"


def autoscaler(account: Account) -> ManagedAutoscaler | None:
    """The last configuration; None before the first."""
    given = _configured(account.store)
    if not given:
        return None
    return ManagedAutoscaler(
        expanders=[given.get("expander") or "least-waste"],
        priorities={int(number): _groups(names) for number, names in (given.get("priorities") or {}).items()},
        scale_down=given.get("scaleDownEnabled", True),
        from_zero=given.get("scaleUpFromZero", True),
    )


def scaler_of(store: Store) -> str:
    """`cluster-autoscaler` or `goatscaler`; empty without one."""
    given = _configured(store)
    return given.get("scalerType") or "cluster-autoscaler" if given else ""


def forget(store: Store) -> None:
    """Forget the autoscaler of a deleted cluster."""
    store.set(_SETTING, "")


def _configured(store: Store) -> Mapping[str, Any]:
    text = store.setting(_SETTING)
    return json.loads(text) if text else {}


def _groups(names: str) -> list[str]:
    return [name.strip() for name in str(names).split(",") if name.strip()]


class AutoscalingConfig(Plain):
    """`cs.AutoscalingConfig`."""

    @override
    def check(self, inputs: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        findings: list[tuple[str, str]] = []
        priorities, expander = inputs.get("priorities") or {}, inputs.get("expander") or "least-waste"
        if inputs.get("scalerType") == "goatscaler" and (expander != "least-waste" or priorities):
            findings.append(("expander", "goatscaler knows least-waste only; write scalerType cluster-autoscaler"))
        if priorities and expander != "priority":
            findings.append(("priorities", "has no effect; write expander priority"))
        bad = [key for key in priorities if not str(key).isdigit()]
        findings += [(f"priorities.{key}", f"'{key}' is not a number; the highest is tried first") for key in bad]
        return findings

    @override
    def creating(self, account: Account, inputs: Mapping[str, Any]) -> None:
        require(account, "AliyunCSManagedAutoScalerRole", "the autoscaler")
        _refuse_strangers(account.store, inputs)
        before = account.store.get(AUTOSCALING, inputs["clusterId"])
        if before:
            account.store.remove(before)

    @override
    def created(self, account: Account, record: Record) -> Mapping[str, Any]:
        account.store.set(_SETTING, json.dumps(record.outputs))
        return {}

    @override
    def updated(self, account: Account, old: Record, new: Record) -> None:
        _refuse_strangers(account.store, new.inputs)
        account.store.set(_SETTING, json.dumps(new.outputs))


def _refuse_strangers(store: Store, inputs: Mapping[str, Any]) -> None:
    """Perhaps stricter than ACK (unverified): its treatment of a missing group is not documented."""
    for number, names in (inputs.get("priorities") or {}).items():
        for name in _groups(names):
            if store.get(GROUP, name) is None:
                raise CloudError(f"InvalidScalingGroupId.NotFound: priorities.{number}: {name} does not exist")

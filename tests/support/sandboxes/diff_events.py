"""Events of a preview, as the engine sends them, for tests of what is made of them."""

from collections.abc import Mapping
from typing import Any

from pulumi.automation.events import EngineEvent

STACK_URN = "urn:pulumi:dev::p::pulumi:pulumi:Stack::p-dev"
POOL_URN = "urn:pulumi:dev::p::llmplatform:aws:NodePool::gpu"


def urn(type_: str, name: str, parent: str = "llmplatform:aws:NodePool") -> str:
    return f"urn:pulumi:dev::p::{parent}${type_}::{name}" if parent else f"urn:pulumi:dev::p::{type_}::{name}"


def step(
    op: str,
    of: str,
    *,
    old: Mapping[str, Any] | None = None,
    new: Mapping[str, Any] | None = None,
    diff: Mapping[str, str] | None = None,
    parent: str = POOL_URN,
    **state: Any,
) -> EngineEvent:
    """One step before it is taken. `diff`: path → kind."""

    def side(inputs: Mapping[str, Any] | None) -> dict[str, Any] | None:
        whole = {"type": "", "urn": of, "parent": parent, "inputs": inputs, "custom": True, **state}
        return None if inputs is None else whole

    metadata = {
        "op": op,
        "urn": of,
        "type": of.split("::")[2].rsplit("$", 1)[-1],
        "old": side(old),
        "new": side(new),
        "detailedDiff": {path: {"diffKind": kind, "inputDiff": True} for path, kind in (diff or {}).items()} or None,
    }
    return EngineEvent.from_json({"sequence": 1, "timestamp": 1, "resourcePreEvent": {"metadata": metadata}})


def stack_outputs(old: Mapping[str, Any], new: Mapping[str, Any]) -> EngineEvent:
    sides = {
        name: {"type": "pulumi:pulumi:Stack", "urn": STACK_URN, "outputs": outputs}
        for name, outputs in (("old", old), ("new", new))
    }
    metadata = {"op": "same", "urn": STACK_URN, "type": "pulumi:pulumi:Stack", **sides}
    return EngineEvent.from_json({"sequence": 2, "timestamp": 1, "resOutputsEvent": {"metadata": metadata}})

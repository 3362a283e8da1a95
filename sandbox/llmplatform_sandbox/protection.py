"""Lifts the protection of a stack, as a platform engineer would, before its resources are deleted.

The setting is turned off in the sandbox's copy of the stack file and applied; only then do the clouds release protected
objects. On Alibaba Cloud autoscaled pools also go down to no node: Auto Scaling replaces nodes while a pool is deleted.
A project without that setting is only unprotected in its state.
"""

from pathlib import Path
from typing import Any, cast

import yaml

from llmplatform_sandbox.checkpoint import Checkpoint
from llmplatform_sandbox.paths import write_private

SETTING = "environment.protection"
_SECTION, _KEY, _OFF = "llmplatform:environment", "protection", "none"


def is_protected(checkpoint: Checkpoint) -> bool:
    """Whether the engine refuses to delete any of the stack's resources."""
    return any(resource.get("protect") for resource in checkpoint.resources())


def lift(stack_file: Path) -> bool:
    """Turn protection off in a copied stack file. False if it has no such setting."""
    content: dict[str, Any] = yaml.load(stack_file.read_text("utf-8-sig"), Loader=yaml.CSafeLoader) or {}
    section = cast(dict[str, Any], (content.get("config") or {}).get(_SECTION) or {})
    if _KEY not in section:
        return False
    section[_KEY] = _OFF
    _empty_pools(content["config"])
    write_private(stack_file, yaml.safe_dump(content, sort_keys=False))
    return True


def _empty_pools(config: dict[str, Any]) -> None:
    """Let autoscaled pools of ACK go down to no node, if another pool keeps the nodes that the cluster needs."""
    pools: dict[str, Any] = config.get("llmplatform:pools") or {}
    if (config.get("llmplatform:cloud") or {}).get("provider") != "alicloud":
        return
    if not any(pool.get("scaling") == "fixed" for pool in pools.values()):
        return
    for pool in pools.values():
        if pool.get("scaling") != "fixed" and pool.get("min"):
            pool["min"] = 0

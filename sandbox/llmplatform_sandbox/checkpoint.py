"""Reads a stack's state from the engine's file backend: a call of the CLI would start it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from llmplatform_sandbox.errors import damaged
from llmplatform_sandbox.paths import SandboxPaths

_SECRET = "4dabf18193072939515e22adb298388d"  # noqa: S105 a key, no secret
"""Key by which the engine marks a wrapped value in its state (pulumi/pulumi sdk/go/common/resource/sig)."""
Resource = dict[str, Any]


class Checkpoint:
    """The state of one stack; everything is empty if the stack does not exist."""

    def __init__(self, paths: SandboxPaths, project: str, stack: str) -> None:
        self._file: Path = paths.backend / ".pulumi" / "stacks" / project / f"{stack}.json"

    def exists(self) -> bool:
        """Whether the stack was ever created."""
        return self._file.exists()

    def resources(self) -> Sequence[Resource]:
        """The resources in the engine's own notation (`type`, `urn`, `id`, `protect`, `outputs` …)."""
        return self.deployment().get("resources") or []

    def deployment(self) -> dict[str, Any]:
        """The whole state, in the form of an export; secrets are encrypted."""
        try:
            content: dict[str, Any] = json.loads(self._file.read_text())
            return cast(dict[str, Any], content["checkpoint"].get("latest") or {})
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise damaged(self._file) from None

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs after the last update; a secret one as `[secret]`."""
        for resource in self.resources():
            if resource["type"] == "pulumi:pulumi:Stack":
                outputs = cast(dict[str, Any], resource.get("outputs") or {})
                return {name: _masked(value) for name, value in outputs.items()}
        return {}


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        mapping = cast(dict[str, Any], value)
        return "[secret]" if _SECRET in mapping else {key: _masked(item) for key, item in mapping.items()}
    return [_masked(item) for item in cast(list[Any], value)] if isinstance(value, list) else value

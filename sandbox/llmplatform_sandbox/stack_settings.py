"""Single settings of this platform's stack file; other projects have none of them."""

from pathlib import Path
from typing import Any

import yaml

from llmplatform_sandbox.called import called
from llmplatform_sandbox.errors import SandboxError


def setting(stack_file: Path, section: str, key: str) -> str | None:
    """A setting that is text; None if it is missing, or others report it."""
    try:
        content: Any = yaml.load(stack_file.read_text(encoding="utf-8-sig"), Loader=yaml.CSafeLoader)
        value: Any = content["config"][f"llmplatform:{section}"][key]
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError):
        return None
    return value if isinstance(value, str) else None


def require_same_cloud(stack: str, applied: Path, wanted: Path, *, made: bool) -> None:
    """Refuse a stack file of another cloud than the applied one's. `made`: whether the stack has objects."""
    before, after = (setting(file, "cloud", "provider") for file in (applied, wanted))
    if before and after and before != after and made:
        raise SandboxError(
            f"cloud.provider: {after}, and the sandbox has {stack} on {before}; "
            f"run `{called()} sandbox down {stack}` first",
            exit_code=2,
        )

"""Single settings of a stack file of this platform; any other project has none of them."""

from pathlib import Path
from typing import Any

import yaml


def setting(stack_file: Path, section: str, key: str) -> str | None:
    """A setting that is text; None where the file has no such one, or others complain of it."""
    try:
        content: Any = yaml.safe_load(stack_file.read_text(encoding="utf-8-sig"))
        value: Any = content["config"][f"llmplatform:{section}"][key]
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError):
        return None
    return value if isinstance(value, str) else None

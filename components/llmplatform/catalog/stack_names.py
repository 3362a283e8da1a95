"""Valid names of stacks, and the files of their settings."""

import re
from collections.abc import Mapping
from pathlib import Path

_NAME = re.compile(r"(?!\.+$)[A-Za-z0-9_.-]{1,100}")
"""Source: https://github.com/pulumi/pulumi, sdk/go/common/tokens/names.go. Dots alone would be another folder."""
_FILE = re.compile(r"Pulumi\.(?P<stack>.+)\.ya?ml")


def is_stack_name(text: str) -> bool:
    """Whether Pulumi accepts a stack of that name."""
    return bool(_NAME.fullmatch(text))


def stack_of_file(name: str) -> str | None:
    """The stack whose settings file has that name; None for another file."""
    found = _FILE.fullmatch(name)
    return found["stack"] if found else None


def stack_file(stack: str, folder: Path, project: Mapping[str, object]) -> Path:
    """Pulumi's file of a stack's settings. `folder` holds Pulumi.yaml, and `project` is its content."""
    return folder / str(project.get("stackConfigDir", ".")) / f"Pulumi.{stack}.yaml"


def not_a_name(text: str) -> str:
    """The error for a text that is not a stack's name, on one line."""
    shown = text if text.isprintable() else ascii(text)[1:-1]
    return f"'{shown}': not the name of a stack; write letters, digits, '-', '_' and '.', as in Pulumi.STACK.yaml"

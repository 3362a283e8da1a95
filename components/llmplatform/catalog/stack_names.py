"""Which names Pulumi takes for a stack, and the file that holds a stack's settings."""

import re
from collections.abc import Mapping
from pathlib import Path

_NAME = re.compile(r"(?!\.+$)[A-Za-z0-9_.-]{1,100}")
"""Source: https://github.com/pulumi/pulumi, sdk/go/common/tokens/names.go. Dots alone would be another folder."""
_FILE = re.compile(r"Pulumi\.(?P<stack>.+)\.ya?ml")


def is_stack_name(text: str) -> bool:
    """Whether a stack may be called so."""
    return bool(_NAME.fullmatch(text))


def stack_of_file(name: str) -> str | None:
    """The stack whose settings Pulumi looks for in a file of that name; None for another file."""
    found = _FILE.fullmatch(name)
    return found["stack"] if found else None


def stack_file(stack: str, folder: Path, project: Mapping[str, object]) -> Path:
    """Where Pulumi keeps a stack's settings. `folder` holds Pulumi.yaml, and `project` is what that says."""
    return folder / str(project.get("stackConfigDir", ".")) / f"Pulumi.{stack}.yaml"


def not_a_name(text: str) -> str:
    """What to tell somebody who wrote something else than a stack's name, on one line."""
    shown = text if text.isprintable() else ascii(text)[1:-1]
    return f"'{shown}': not the name of a stack; write letters, digits, '-', '_' and '.', as in Pulumi.STACK.yaml"

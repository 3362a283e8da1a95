"""Writes the sections of another stack's platform into the text of a stack file.

Only these sections are replaced; the rest of the file, including comments, stays. So a change of the platform is a
reviewed change of a file, and a preview needs no access to the platform's state.
"""

import json
import sys
from collections.abc import Mapping
from errno import EBADF
from pathlib import Path
from typing import Any, cast

import yaml

from llmplatform.checks import InvalidStack, Problem, parse_platform_ref
from llmplatform.checks.files import read
from llmplatform.checks.yaml_loader import text_of
from llmplatform.specs import PlatformRef
from llmplatform.specs.stack import NAMESPACE


def rewritten(text: str, sections: Mapping[str, Any]) -> str:
    """A stack file with sections replaced, or added at its end."""
    lines = text.splitlines()
    for name, value in sections.items():
        key = f"{NAMESPACE}{name}"
        if _value(lines, key) == value:
            continue
        block = text_of({key: value}).splitlines()
        start, end = _span(lines, key)
        lines[start:end] = [f"  {line}" for line in block]
    return "\n".join(lines) + "\n"


def reference(source: Path | None) -> PlatformRef:
    """The platform reference in a file or on standard input. Raises InvalidStack."""
    name = str(source or "standard input")
    try:
        raw: Any = json.loads(source.read_text(encoding="utf-8") if source else _standard_input())
    except RecursionError:
        raise InvalidStack([Problem(name, "it is nested too deeply", _WHENCE)]) from None
    except OSError as error:
        raise InvalidStack([Problem(name, f"cannot be read: {error.strerror}", "give the path of a file")]) from None
    except ValueError:
        raise InvalidStack([Problem(name, "it is not JSON", _WHENCE)]) from None
    if not isinstance(raw, dict):
        raise InvalidStack([Problem(name, "it is not the output of a platform", _WHENCE)])
    return parse_platform_ref(cast(dict[str, Any], raw))


def _standard_input() -> str:
    # Python has None here if the shell has closed it.
    if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison]
        raise OSError(EBADF, "it is closed")
    return sys.stdin.read()


_WHENCE = "give what `pulumi stack output platform --json` prints"


def sections_of(ref: PlatformRef, path: Path) -> Mapping[str, Any]:
    """The platform's sections for a stack file, new or existing. The stack's own pools stay beside the platform's."""
    found = ref.sections()
    settings = read(path) if path.exists() and path.read_bytes().strip() != b"config:" else {}
    pools = cast(Mapping[str, Any], settings.get("pools") or {})
    own = {name: pool for name, pool in pools.items() if not pool.get("existing")}
    clashes = [name for name in own if name in ref.pools]
    if clashes:
        raise InvalidStack(
            Problem(f"pools.{name}", "the platform has a pool of this name", "rename it") for name in clashes
        )
    return {**found, "pools": {**found.get("pools", {}), **own}}


def _value(lines: list[str], key: str) -> Any:
    config = (yaml.load("\n".join(lines), Loader=yaml.CSafeLoader) or {}).get("config") or {}
    return config.get(key)


def _span(lines: list[str], key: str) -> tuple[int, int]:
    """First line of a section, and the line after its last; the end of the settings if it is missing."""
    entries = _entries(lines)
    found = next((line for name, line in entries if name == key), None)
    if found is not None:
        return found, _end(lines, found)
    end = _end(lines, entries[-1][1]) if entries else len(lines)
    return end, end


def _entries(lines: list[str]) -> list[tuple[str, int]]:
    """Sections and their first lines."""
    document = yaml.compose("\n".join(lines), Loader=yaml.SafeLoader)
    top = document.value if isinstance(document, yaml.MappingNode) else []
    config = next((value for name, value in top if name.value == "config"), None)
    entries = config.value if isinstance(config, yaml.MappingNode) else []
    return [(name.value, name.start_mark.line) for name, _ in entries]


def _end(lines: list[str], start: int) -> int:
    """The line after a section; comments above the next section belong to that one."""
    indent = _indent(lines[start])
    end = start + 1
    for number, line in enumerate(lines[start + 1 :], start + 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if _indent(line) <= indent:
            break
        end = number + 1
    return end


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())

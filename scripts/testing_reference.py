"""The reference of `llmplatform.testing`, written from its docstrings."""

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

from source_docs import attributes

from llmplatform import testing

HEAD = """# Testing

What `llmplatform.testing` offers to tests. This page is written from the docstrings (`make docs`); the
[guide](../testing.md) shows a test.
"""
_MOCKS = {"new_resource", "call"}
"""Methods that the SDK calls."""


def text() -> str:
    """The whole page."""
    lines = [HEAD]
    for name in sorted(testing.__all__):
        found = getattr(testing, name)
        if inspect.isfunction(found):
            lines += [f"## {name}", "", f"`{_called(found)}`", "", *_doc(found), ""]
        elif inspect.isclass(found):
            lines += [f"## {name}", "", *_doc(found), "", *_members(found), ""]
    return "\n".join(lines)


def _members(cls: type) -> Iterator[str]:
    yield from ("| Attribute or method | Meaning |", "|---|---|")
    methods = [each for name, each in vars(cls).items() if inspect.isfunction(each) and not name.startswith("_")]
    rows = [(f"{each.name}: {each.annotation}", each.doc) for each in attributes(cls)]
    rows += [(_called(each), " ".join(_summary(each))) for each in methods if each.__name__ not in _MOCKS]
    yield from (f"| `{_cell(name)}` | {_cell(meaning)} |" for name, meaning in rows)


def _called(function: Callable[..., Any]) -> str:
    signature = str(inspect.signature(function))
    signature = re.sub(r"\b(?:collections\.abc|typing|pathlib|llmplatform\.testing\.\w+)\.", "", signature)
    return function.__name__ + signature.replace("(self, ", "(").replace("(self)", "()")


def _summary(function: Callable[..., Any]) -> Iterator[str]:
    """A docstring before its sections."""
    for line in (inspect.getdoc(function) or "").splitlines():
        if not line:
            return
        yield line


def _doc(found: Callable[..., Any]) -> Iterator[str]:
    """A docstring, its sections as lists."""
    for line in (inspect.getdoc(found) or "").splitlines():
        inner = line.strip()
        if inner in ("Args:", "Raises:"):
            yield from (f"**{inner}**", "")
        elif item := re.fullmatch(r" {4}(\w+): (.+)", line):
            yield f"- `{item[1]}`: {item[2]}"
        else:
            yield f"  {inner}" if line.startswith("        ") else inner


def _cell(words: str) -> str:
    return words.replace("|", "\\|")

"""The reference of components, written from their docstrings, arguments and outputs."""

import importlib
import inspect
import re
from collections.abc import Iterator
from typing import Any

from source_docs import Attribute, attributes

from llmplatform.base.component import PlatformComponent

PACKAGES = {
    "llmplatform.aws": "AWS",
    "llmplatform.alicloud": "Alibaba Cloud",
    "llmplatform.addons": "Add-ons",
    "llmplatform.services": "Services",
    "llmplatform.jobs": "Jobs",
    "llmplatform.serving": "Serving",
}
HEAD = """# Components

This page lists the components that another Pulumi program can import. Generated from the docstrings by `make docs`.
Create a component as `Component(name, ComponentArgs(…), opts)`; arguments are keyword-only, and the providers come
from `opts`. `Input[T]` is a value, or an output of another resource.
"""


def text() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(line for package, title in PACKAGES.items() for line in _package(package, title))])


def _package(package: str, title: str) -> Iterator[str]:
    module = importlib.import_module(package)
    exported: dict[str, Any] = {name: getattr(module, name) for name in sorted(getattr(module, "__all__", ()))}
    components = {
        name: each for name, each in exported.items() if isinstance(each, type) and issubclass(each, PlatformComponent)
    }
    if components:
        yield from (f"## {title}: `{package}`", "")
    for name, component in components.items():
        yield from _component(component, exported.get(f"{name}Args"))


def _component(component: type, args: type | None) -> Iterator[str]:
    source = inspect.getsource(component)
    token = re.search(r'"(llmplatform:\w+:\w+)"', source)
    file = inspect.getfile(component).rsplit("llmplatform/", 1)[1]
    yield from (f"### {component.__name__}", "")
    yield from (" ".join((component.__doc__ or "").split()), "")
    about = inspect.getdoc(inspect.getmodule(component)) or ""
    yield from (f"> {line}".rstrip() for line in about.splitlines())
    where = f"[{file}](../../components/llmplatform/{file})"
    yield from ("", f"<sub>{where}{f', type `{token[1]}`' if token else ''}</sub>", "")
    if args and (wanted := attributes(args)):
        yield from ("| Argument | Type | Default | Meaning |", "|---|---|---|---|")
        yield from (f"| `{each.name}` | `{_type(each)}` | {_default(each)} | {_cell(each.doc)} |" for each in wanted)
        yield ""
    if promised := attributes(component):
        yield from ("| Output | Type | Meaning |", "|---|---|---|")
        yield from (f"| `{each.name}` | `{_type(each)}` | {_cell(each.doc)} |" for each in promised)
        yield ""


def _type(attribute: Attribute) -> str:
    return _cell(attribute.annotation.replace("pulumi.", ""))


def _default(attribute: Attribute) -> str:
    if attribute.default is None:
        return "**required**"
    made = re.fullmatch(r"field\(default_factory=(.+)\)", attribute.default)
    return "none" if attribute.default == "None" else f"`{_cell(f'{made[1]}()' if made else attribute.default)}`"


def _cell(words: str) -> str:
    return words.replace("|", "\\|")

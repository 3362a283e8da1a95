"""Reads the YAML of stack files, and says in a line what is wrong with it as YAML."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import yaml

from llmplatform.catalog.stack_names import stack_of_file
from llmplatform.specs.problems import InvalidStack, Problem, listed, nearest, suggestion
from llmplatform.specs.rules.cleartext import cleartext_elsewhere
from llmplatform.specs.stack import STACKS

NAMESPACE = "llmplatform:"
"""Prefix of our keys; of those of providers and of Pulumi itself only secrets are our business."""

BESIDE_CONFIG = ("config", "encryptionsalt", "encryptedkey", "secretsprovider", "environment")
"""What Pulumi keeps in a stack file."""


class Misread(str):
    """The text of a value that YAML takes for something else than one would think, and another reader for a third."""

    as_: str

    def __new__(cls, text: str, as_: str) -> "Misread":
        """The text, and what YAML takes it for."""
        made = super().__new__(cls, text)
        made.as_ = as_
        return made


class Written(float):
    """A number with a point, and how it is written: 1.30 is a version to who writes it, and 1.3 to YAML."""

    text: str

    def __new__(cls, value: float, text: str) -> "Written":
        """The number, and its text in the file."""
        made = super().__new__(cls, value)
        made.text = text
        return made


class _Loader(yaml.CSafeLoader):
    """Refuses a key that is written twice: YAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key '{key.value}' is written twice; remove one", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def _number(loader: _Loader, node: yaml.ScalarNode) -> object:
    # YAML 1.1 has octal numbers, numbers to the base of 60, and underscores within; an account id may look like one.
    odd = re.fullmatch(r"[-+]?0[0-9_]+|.*[:_].*", node.value)
    try:
        return Misread(node.value, "a number of another kind") if odd else loader.construct_yaml_int(node)
    except ValueError:
        raise yaml.constructor.ConstructorError(
            None, None, f"the number '{node.value}' is too long; put it in quotes", node.start_mark
        ) from None


def _misread(as_: str) -> Callable[[_Loader, yaml.ScalarNode], Misread]:
    def construct(loader: _Loader, node: yaml.ScalarNode) -> Misread:
        return Misread(node.value, as_)

    return construct


def _decimal(loader: _Loader, node: yaml.ScalarNode) -> Written:
    return Written(loader.construct_yaml_float(node), node.value)


_Loader.add_constructor("tag:yaml.org,2002:int", _number)
_Loader.add_constructor("tag:yaml.org,2002:float", _decimal)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _misread("a date"))
_Loader.add_constructor("tag:yaml.org,2002:binary", _misread("binary data"))


def misread(value: object, path: str = "") -> Iterator[Problem]:
    """Every value that YAML takes for something else than text."""
    if isinstance(value, Misread):
        yield Problem(path, f"YAML reads {value} as {value.as_}", f'put it in quotes: "{value}"')
    elif isinstance(value, Mapping):
        for key, each in cast(Mapping[object, object], value).items():
            yield from misread(each, f"{path}.{key}".removeprefix("."))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index, each in enumerate(cast(Sequence[object], value)):
            yield from misread(each, f"{path}[{index}]")


def sections(path: Path) -> tuple[dict[str, object], list[Problem]]:
    """The plain settings of a stack file by section, unchecked, and what is wrong with their places.

    A section whose place is wrong is among the settings all the same. Raises InvalidStack where there are none.
    """
    document = _document(path)
    config = _config(path, document)
    faults = [
        Problem(f"{key}", f"unknown key '{key}'", suggestion(str(key), BESIDE_CONFIG, "write it below 'config:'"))
        for key in document
        if key not in BESIDE_CONFIG
    ]
    known = {section for stack in STACKS.values() for section in stack.model_fields}
    found: dict[str, object] = {}
    for key, value in config.items():
        namespace, separator, section = str(key).rpartition(":")
        if f"{namespace}:" != NAMESPACE:
            if separator and not nearest(namespace, [NAMESPACE.rstrip(":")]):
                faults += cleartext_elsewhere(str(key), value)
                continue
            fault = f"unknown namespace '{namespace}'" if separator else "the key has no namespace"
            meant = section if section in known else nearest(section, known) or section
            faults.append(Problem(f"config.{key}", fault, f"write '{NAMESPACE}{meant}'"))
            if meant not in known or f"{NAMESPACE}{meant}" in config:
                continue
            section = meant
        found[section] = value
    if not found:
        remedy = f"add '{NAMESPACE}environment:' and the other sections"
        raise InvalidStack([*faults, _fault(path, f"there is no '{NAMESPACE}' key below 'config:'", remedy)])
    return found, faults


def _document(path: Path) -> Mapping[object, object]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidStack([unreadable(path, error)]) from None
    except UnicodeDecodeError:
        raise InvalidStack([_fault(path, "it is not text", "save it as UTF-8")]) from None
    try:
        document: object = yaml.load(text, Loader=_Loader)  # noqa: S506 (a safe loader)
    except yaml.MarkedYAMLError as error:
        raise InvalidStack([_marked(path, error, text)]) from None
    except (yaml.YAMLError, ValueError):
        raise InvalidStack([_fault(path, "it is not YAML", "remove the characters that are not text")]) from None
    except RecursionError:
        raise InvalidStack([_fault(path, "its groups are nested too deeply", "write fewer levels")]) from None
    if document is None:
        raise InvalidStack([_fault(path, "the file is empty", "start from Pulumi.dev.yaml")])
    if not isinstance(document, Mapping):
        raise InvalidStack([_fault(path, "the file is not a group of keys", "write the settings below 'config:'")])
    return cast(Mapping[object, object], document)


_REMEDIES = {
    "another document": "a stack file is one document: remove the line of dashes and what follows it",
    "undefined alias": "write the value itself, or define it with '&' first",
    "constructor for the tag": "remove '!' and the word; 'pulumi config set --secret' encrypts a value",
}
"""Words of the parser, and what they mean to somebody who writes a stack file."""


def _marked(path: Path, error: yaml.MarkedYAMLError, text: str) -> Problem:
    mark, said = error.problem_mark, error.problem or "it is not YAML"
    line = text.splitlines()[mark.line] if mark and mark.line < len(text.splitlines()) else ""
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return _fault(path, f"{where}the line begins with a tab", "indent with spaces")
    fault, separator, remedy = said.removeprefix("but ").partition("; ")
    known = next((remedy for words, remedy in _REMEDIES.items() if words in fault), "correct the YAML there")
    return _fault(path, f"{where}{fault}", remedy if separator else known)


def _config(path: Path, document: Mapping[object, object]) -> Mapping[object, object]:
    config = document.get("config")
    if config is None:
        near = nearest("config", [str(key) for key in document])
        remedy = f"rename '{near}:' to 'config:'" if near and near != "config" else "write the settings below 'config:'"
        raise InvalidStack([_fault(path, "there is no 'config:' key", remedy)])
    if not isinstance(config, Mapping):
        remedy = f"write '{NAMESPACE}environment:' and so on below it"
        raise InvalidStack([_fault(path, "'config:' is not a group of keys", remedy)])
    return cast(Mapping[object, object], config)


def _fault(path: Path, fault: str, remedy: str) -> Problem:
    return Problem(path.name, fault, remedy)


def unreadable(path: Path, error: OSError) -> Problem:
    """What to say of a stack file that cannot be read, or written."""
    if path.is_dir():
        return Problem(str(path), "it is a folder", "name a stack, or the file of one")
    if path.is_symlink() and not path.exists():
        return Problem(str(path), "the link leads nowhere", "point it to a file, or remove it")
    if not path.parent.is_dir():
        return Problem(
            str(path), f"there is no folder '{path.parent}'", "name the folder of Pulumi.yaml with --project"
        )
    return Problem(str(path), f"cannot be read: {error.strerror}", _other_files(path))


def _other_files(path: Path) -> str:
    files = {stack_of_file(other.name): other.name for other in path.parent.glob("Pulumi.*.yaml") if other.is_file()}
    others = {stack: name for stack, name in sorted(files.items()) if stack and name != path.name}
    near = nearest(stack_of_file(path.name) or path.name, others)
    if near:
        return f"did you mean '{others[near]}'?"
    return (
        f"write it, or use {listed([*others.values()])}" if others else "name the folder of Pulumi.yaml with --project"
    )

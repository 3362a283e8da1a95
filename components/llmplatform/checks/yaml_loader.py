"""The YAML of stack files: its accepted form and size, and values that readers understand differently.

Pulumi reads the same file with another parser. Values that the two would read differently are marked here; the reader,
which knows their path, refuses them.
"""

import re
from collections.abc import Callable, Hashable
from typing import Any

import yaml

LARGEST_KIB = 512
"""Size limit of a stack file: 1,000 models need 160."""
MOST_VALUES = 60_000
"""Keys and values, each alias counted as its expansion: 1,000 models have 25,000."""
DEEPEST = 32
"""Levels of a document; the settings have seven."""


class Misread(str):
    """The text of a value that YAML reads as another type than one would expect."""

    as_: str

    def __new__(cls, text: str, as_: str) -> "Misread":
        """The text, and the type that YAML reads."""
        made = super().__new__(cls, text)
        made.as_ = as_
        return made


class Written(float):
    """A number with a point, and its text: 1.30 is a version to a user, and 1.3 to YAML."""

    text: str

    def __new__(cls, value: float, text: str) -> "Written":
        """The number, and its text in the file."""
        made = super().__new__(cls, value)
        made.text = text
        return made


def document(text: str) -> object:
    """The plain value of a YAML text. Raises yaml.YAMLError; too large a text is refused before it is built."""
    _require_readable(text)
    loader = _Loader(text)
    try:
        node: yaml.Node | None = loader.get_single_node()
        if node is None:
            return None
        _require_moderation(node)
        return loader.construct_document(node)
    finally:
        loader.dispose()


def text_of(value: object) -> str:
    """The YAML text of a plain value, or of one that was read here."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)


def _require_readable(text: str) -> None:
    """Limits levels and values of the text: the parser builds nodes recursively, until the process ends."""
    level = values = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        level += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        values += isinstance(event, yaml.NodeEvent)
        if level > DEEPEST:
            raise _fault(event, f"its groups are nested more than {DEEPEST} deep; write fewer levels")
        if values > MOST_VALUES:
            raise _fault(event, f"it has more than {MOST_VALUES} keys and values; write fewer")


def _require_moderation(root: yaml.Node) -> None:
    """Limits the expansion of aliases: they are free until a reader walks through them, which may take hours."""
    sizes: dict[int, int] = {}
    depths: dict[int, int] = {}
    open_: set[int] = set()
    # A stack of our own: deep nesting must not overflow the interpreter's.
    waiting: list[tuple[yaml.Node, bool]] = [(root, False)]
    while waiting:
        node, seen = waiting.pop()
        below = _below(node)
        if seen:
            open_.discard(id(node))
            sizes[id(node)] = 1 + sum(sizes[id(each)] for each in below)
            depths[id(node)] = 1 + max((depths[id(each)] for each in below), default=0)
            if depths[id(node)] > DEEPEST + 1:
                raise _fault(node, f"its groups are nested more than {DEEPEST} deep, aliases written out; write fewer")
            if sizes[id(node)] > MOST_VALUES:
                raise _fault(root, f"it has more than {MOST_VALUES} keys and values, aliases written out; write fewer")
            continue
        if id(node) in open_:
            raise _fault(node, "a value contains itself; write it out instead of using an alias")
        if id(node) not in sizes:
            open_.add(id(node))
            waiting.append((node, True))
            waiting.extend((each, False) for each in below)


def _below(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [each for pair in node.value for each in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _fault(node: Any, said: str) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(None, None, said, node.start_mark)


class _Loader(yaml.CSafeLoader):
    """Refuses a key that is written twice: YAML would silently use the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _fault(key, "a key is not text; put it in quotes")
            if key.value in seen:
                raise _fault(key, f"the key '{key.value}' is written twice; remove one")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _number(loader: _Loader, node: yaml.ScalarNode) -> object:
    # YAML 1.1 has octal numbers, numbers to the base of 60, and underscores; an account id may look like one.
    odd = re.fullmatch(r"[-+]?0[0-9_]+|.*[:_].*", node.value)
    try:
        return Misread(node.value, "a number of another kind") if odd else loader.construct_yaml_int(node)
    except ValueError:
        raise _fault(node, f"the number '{node.value}' is too long; no setting takes such a number") from None


def _boolean(loader: _Loader, node: yaml.ScalarNode) -> object:
    # Pulumi's reader takes yes, no, on and off as text.
    if node.value.lower() in ("true", "false"):
        return loader.construct_yaml_bool(node)
    return Misread(node.value, "true or false")


def _misread(as_: str) -> Callable[[_Loader, yaml.ScalarNode], Misread]:
    def construct(loader: _Loader, node: yaml.ScalarNode) -> Misread:
        return Misread(node.value, as_)

    return construct


def _decimal(loader: _Loader, node: yaml.ScalarNode) -> object:
    if ":" in node.value or "_" in node.value:
        return Misread(node.value, "a number of another kind")
    return Written(loader.construct_yaml_float(node), node.value)


_Loader.add_constructor("tag:yaml.org,2002:int", _number)
_Loader.add_constructor("tag:yaml.org,2002:bool", _boolean)
_Loader.add_constructor("tag:yaml.org,2002:float", _decimal)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _misread("a date"))
_Loader.add_constructor("tag:yaml.org,2002:binary", _misread("binary data"))
for _unused in ("set", "omap", "pairs"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_unused}", yaml.CSafeLoader.construct_undefined)


class _Dumper(yaml.SafeDumper):
    """Indents lists, as is usual."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


# Values read from a file keep their spelling.
_Dumper.add_multi_representer(float, _Dumper.represent_float)
_Dumper.add_multi_representer(str, _Dumper.represent_str)

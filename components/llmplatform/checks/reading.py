"""Reads the YAML of stack files, and reports faults of YAML in one line."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import yaml

from llmplatform.catalog.stack_names import stack_of_file
from llmplatform.checks import sentences
from llmplatform.checks.ciphertexts import malformed
from llmplatform.checks.cleartext import cleartext_elsewhere, texts, tokens, tokens_in_comments
from llmplatform.checks.problems import QUOTED_FLAG, InvalidStack, Problem, listed, nearest, shown, suggestion
from llmplatform.checks.yaml_loader import LARGEST_KIB, Misread, Written, document
from llmplatform.specs.stack import NAMESPACE, STACKS

BESIDE_CONFIG = ("config", "encryptionsalt", "encryptedkey", "secretsprovider", "environment")
"""Keys of Pulumi in a stack file."""


Place = tuple[int | str, ...]
"""Steps to a value."""


def misread(value: object, place: Place = ()) -> Iterator[tuple[Place, Problem]]:
    """Every key and value that YAML does not read as text, with its place."""
    path = sentences.written(place)
    if isinstance(value, Misread):
        yield place, Problem(path, f"YAML reads {value} as {value.as_}", f'put it in quotes: "{value}"')
    elif isinstance(value, Mapping):
        for key, each in cast(Mapping[object, object], value).items():
            below = (*place, str(key))
            if not isinstance(key, str) or isinstance(key, Misread):
                yield below, _no_text(sentences.written(below), key)
            yield from misread(each, below)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index, each in enumerate(cast(Sequence[object], value)):
            yield from misread(each, (*place, index))


def _no_text(path: str, key: object) -> Problem:
    """A key that is not text: `1: x`, `yes: x`, `~: x`. Other readers take it for text, or for nothing."""
    text = key.text if isinstance(key, Written) else shown(key) if isinstance(key, bool) else key
    kind = key.as_ if isinstance(key, Misread) else "nothing" if key is None else "a number"
    kind = "true or false" if isinstance(key, bool) else kind
    return Problem(path, f"YAML reads this key as {kind}", f'put it in quotes: "{"~" if key is None else text}"')


def sections(path: Path) -> tuple[dict[str, object], list[Problem], dict[str, object]]:
    """The plain settings of a stack file by section, unchecked, and faults of their places and secrets.

    Also returns the other keys below `config:`. A section in the wrong place is among the settings all the same.
    Raises InvalidStack if there are none.
    """
    document, text = _document(path)
    config = _config(path, document)
    known = {section for stack in STACKS.values() for section in stack.model_fields}
    faults = [_beside_config(str(key), known) for key in document if key not in BESIDE_CONFIG]
    faults += tokens("", {key: value for key, value in document.items() if key != "config"})
    faults += tokens_in_comments(path.name, text, [said for _, said in texts("", document)])
    found: dict[str, object] = {}
    others: dict[str, object] = {}
    for key, value in config.items():
        namespace, separator, section = str(key).rpartition(":")
        if f"{namespace}:" != NAMESPACE:
            if separator and not nearest(namespace, [NAMESPACE.rstrip(":")]):
                faults += [*cleartext_elsewhere(str(key), value), *malformed("config", {key: value})]
                others[str(key)] = value
                continue
            if f"{key}:" == NAMESPACE:
                within = [*cast(Mapping[object, object], value)] if isinstance(value, Mapping) else []
                example = next((each for each in within if each in known), "environment")
                remedy = f"write its keys as '{NAMESPACE}{example}' and so on, beside each other below 'config:'"
                faults.append(Problem(f"config.{key}", "the key is a namespace alone", remedy))
                continue
            fault = f"unknown namespace '{namespace}'" if separator else "the key has no namespace"
            section = section.removeprefix(f"{NAMESPACE.rstrip(':')}.")
            meant = section if section in known else nearest(section, known) or section
            faults.append(Problem(f"config.{key}", fault, f"write '{NAMESPACE}{meant}'"))
            if meant not in known or f"{NAMESPACE}{meant}" in config:
                continue
            section = meant
        elif section not in known and re.split(r"[.\[]", section)[0] in known:
            whole = f"{NAMESPACE}{re.split(r'[.[]', section)[0]}"
            remedy = f"remove it, and write the value below '{whole}:', as 'pulumi config set --path' does"
            faults.append(Problem(f"config.{key}", "a path is the name of this key", remedy))
            continue
        found[section] = value
    if not found:
        remedy = f"add '{NAMESPACE}environment:' and the other sections"
        raise InvalidStack([*faults, _fault(path, f"there is no '{NAMESPACE}' key below 'config:'", remedy)])
    return found, [*faults, *malformed("secrets", found.get("secrets"))], others


def _beside_config(key: str, known: Iterable[str]) -> Problem:
    namespace, separator, section = key.rpartition(":")
    ours = (separator and nearest(f"{namespace}:", [NAMESPACE])) or section in known
    remedy = "write it below 'config:'" if ours else suggestion(key, BESIDE_CONFIG, "write it below 'config:'")
    return Problem(key, f"unknown key '{key}'", remedy)


def _document(path: Path) -> tuple[Mapping[object, object], str]:
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise InvalidStack([_fault(path, "it is no file", "name a stack, or the file of one")])
        with path.open("rb") as file:
            content = file.read(LARGEST_KIB * 1024 + 1)
        if len(content) > LARGEST_KIB * 1024:
            said = f"the file is too large: {path.stat().st_size // 1024:,} KiB"
            raise InvalidStack([_fault(path, said, f"a stack file has at most {LARGEST_KIB} KiB")])
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise InvalidStack([unreadable(path, error)]) from None
    except UnicodeDecodeError:
        raise InvalidStack([_fault(path, "it is not text", "save it as UTF-8")]) from None
    try:
        found = document(text)
    except yaml.MarkedYAMLError as error:
        raise InvalidStack([_marked(path, error, text)]) from None
    except (yaml.YAMLError, ValueError):
        raise InvalidStack([_fault(path, "it is not YAML", "remove the characters that are not text")]) from None
    except (RecursionError, MemoryError):
        raise InvalidStack([_fault(path, "its groups are nested too deeply", "write fewer levels")]) from None
    if found is None:
        raise InvalidStack([_fault(path, "the file is empty", "start from Pulumi.dev.yaml")])
    if not isinstance(found, Mapping):
        raise InvalidStack([_fault(path, "the file is not a group of keys", "write the settings below 'config:'")])
    return cast(Mapping[object, object], found), text


_REMEDIES = {
    "another document": "a stack file is one document: remove the line of dashes and what follows it",
    "undefined alias": "write the value itself, or define it with '&' first",
    "constructor for the tag": "remove '!' and the word; 'pulumi config set --secret' encrypts a value",
}
"""Messages of the YAML parser, with the remedy for each."""


_FLAG_WITH_JSON = re.compile(r"(?<!['\"])--[\w.-]+=\{")


def _marked(path: Path, error: yaml.MarkedYAMLError, text: str) -> Problem:
    mark, said = error.problem_mark, error.problem or "it is not YAML"
    line = text.splitlines()[mark.line] if mark and mark.line < len(text.splitlines()) else ""
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return _fault(path, f"{where}the line begins with a tab", "indent with spaces")
    fault, separator, remedy = said.removeprefix("but ").partition("; ")
    known = next((remedy for words, remedy in _REMEDIES.items() if words in fault), "correct the YAML there")
    if _FLAG_WITH_JSON.search(line):
        known = f"put the flag in quotes: {QUOTED_FLAG}"
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
    """The problem of a stack file that cannot be read or written."""
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

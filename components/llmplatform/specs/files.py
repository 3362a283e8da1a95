"""Reads stack files: `Pulumi.<stack>.yaml`, whose `config:` holds the settings under `llmplatform:` keys."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import ValidationError

from llmplatform.specs import arms, rules, sentences
from llmplatform.specs.problems import InvalidStack, Problem, nearest, suggestion
from llmplatform.specs.stack import Stack

NAMESPACE = "llmplatform:"
"""Prefix of our keys; those of providers and of Pulumi itself are left alone."""

_STACK_FILE = re.compile(r"Pulumi\.(.+)\.ya?ml")


class _Loader(yaml.CSafeLoader):
    """Refuses a key that is written twice: YAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[object] = set()
        for key, _ in node.value:
            if key.value in seen and isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key.value}' is written twice; remove one", key.start_mark
                )
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else id(key))
        return super().construct_mapping(node, deep)


def parse(raw: Mapping[str, object], stack_name: str | None = None) -> Stack:
    """The settings of a stack from their plain values, by section. Raises InvalidStack with all problems at once.

    `stack_name`: what Pulumi calls the stack, where it is known.
    """
    # As JSON, whose strict mode takes lists for tuples and, unlike the lax one, no text for numbers.
    text = _json(raw)
    raw = cast(dict[str, object], json.loads(text))
    found = list(rules.cleartext(raw))
    kind = arms.stack_class(raw)
    try:
        stack = kind.model_validate_json(text, strict=True)
    except ValidationError as error:
        told = [*arms.provider_is_known(raw), *sentences.problems(error, kind, raw)]
        found = [problem for problem in told if problem.path != "cloud.provider" or problem == told[0]] + found
        faulty = [tuple(sentences.steps(each["loc"], raw)) for each in error.errors(include_url=False)]
        found += rules.problems_of_readable(kind, raw, faulty)
        if all(problem.path != "environment.name" for problem in told):
            found += _another_stack(raw, stack_name)
    else:
        found += [*rules.problems(stack), *_another_stack(raw, stack_name)]
        if not found:
            return stack
    raise InvalidStack(_in_order(raw, dict.fromkeys(rules.redacted(problem) for problem in found)))


def _json(raw: Mapping[str, object]) -> str:
    try:
        return json.dumps(raw, default=str)
    except TypeError:
        raise InvalidStack([Problem("config", "a key is not text", "put it in quotes")]) from None
    except (ValueError, RecursionError):
        raise InvalidStack(
            [Problem("config", "a value contains itself", "write it out instead of using an alias")]
        ) from None


def _stack_name(path: Path) -> str | None:
    """The stack whose settings Pulumi looks for in a file of that name."""
    named = _STACK_FILE.fullmatch(path.name)
    return named[1] if named else None


def _another_stack(raw: Mapping[str, object], stack_name: str | None) -> Iterator[Problem]:
    """The environment is called as its stack: names of cloud objects begin with the one, state lies under the other."""
    environment = raw.get("environment")
    name = cast(Mapping[str, object], environment).get("name") if isinstance(environment, Mapping) else None
    if stack_name and isinstance(name, str) and name != stack_name:
        yield Problem(
            "environment.name",
            f"'{name}' is not the name of the stack, '{stack_name}'",
            f"write '{stack_name}', or rename the file to Pulumi.{name}.yaml",
        )


def _in_order(raw: Mapping[str, object], problems: Iterable[Problem]) -> list[Problem]:
    """In the order of the file's sections; what is missing comes first."""
    order = {section: index for index, section in enumerate(raw)}
    return sorted(problems, key=lambda problem: order.get(problem.path.partition(".")[0], -1))


def load_stack(path: Path) -> Stack:
    """The settings of a stack file. Raises InvalidStack with all problems at once."""
    return parse(read(path), _stack_name(path))


def check_stack_file(path: Path) -> list[str]:
    """What is wrong with a stack file, one line each; empty if nothing is."""
    try:
        load_stack(path)
    except InvalidStack as error:
        return [str(problem) for problem in error.problems]
    return []


def read(path: Path) -> dict[str, object]:
    """The plain settings of a stack file by section, unchecked.

    Raises InvalidStack where there are none to be found.
    """
    config = _config(path, _document(path))
    found: dict[str, object] = {}
    faults: list[Problem] = []
    for key, value in config.items():
        if str(key).startswith(NAMESPACE):
            found[str(key).removeprefix(NAMESPACE)] = value
        elif ":" not in str(key):
            faults.append(Problem(f"config.{key}", "the key has no namespace", f"write '{NAMESPACE}{key}'"))
    if faults:
        raise InvalidStack(faults)
    if not found:
        remedy = f"add '{NAMESPACE}environment:' and the other sections"
        raise InvalidStack([_fault(path, f"there is no '{NAMESPACE}' key below 'config:'", remedy)])
    return found


def _document(path: Path) -> object:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidStack([_fault(path, f"cannot be read: {error.strerror}", _other_files(path))]) from None
    except UnicodeDecodeError:
        raise InvalidStack([_fault(path, "it is not text", "save it as UTF-8")]) from None
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 (a safe loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        fault, separator, remedy = (error.problem or "it is not YAML").partition("; ")
        remedy = remedy if separator else "correct the YAML there"
        raise InvalidStack([_fault(path, f"{where}{fault}", remedy)]) from None
    except yaml.YAMLError:
        raise InvalidStack([_fault(path, "it is not YAML", "remove the characters that are not text")]) from None


def _config(path: Path, document: object) -> Mapping[object, object]:
    if document is None:
        raise InvalidStack([_fault(path, "the file is empty", "start from Pulumi.dev.yaml")])
    if not isinstance(document, Mapping):
        raise InvalidStack([_fault(path, "the file is not a group of keys", "write the settings below 'config:'")])
    config = cast(Mapping[object, object], document).get("config")
    if config is None:
        near = nearest("config", [str(key) for key in cast(Mapping[object, object], document)])
        remedy = f"rename '{near}:' to 'config:'" if near else "write the settings below 'config:'"
        raise InvalidStack([_fault(path, "there is no 'config:' key", remedy)])
    if not isinstance(config, Mapping):
        remedy = f"write '{NAMESPACE}environment:' and so on below it"
        raise InvalidStack([_fault(path, "'config:' is not a group of keys", remedy)])
    return cast(Mapping[object, object], config)


def _fault(path: Path, fault: str, remedy: str) -> Problem:
    return Problem(path.name, fault, remedy)


def _other_files(path: Path) -> str:
    others = sorted(other.name for other in path.parent.glob("Pulumi.*.yaml")) if path.parent.is_dir() else []
    return suggestion(path.name, others, "give the path of a stack file")

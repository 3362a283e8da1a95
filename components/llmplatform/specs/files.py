"""Reads stack files: `Pulumi.<stack>.yaml`, whose `config:` holds the settings under `llmplatform:` keys."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import cast

from pydantic import ValidationError

from llmplatform.catalog.stack_names import stack_of_file
from llmplatform.specs import arms, rules, sentences
from llmplatform.specs.problems import InvalidStack, Problem
from llmplatform.specs.reading import misread, sections
from llmplatform.specs.stack import Stack


def parse(raw: Mapping[str, object], stack_name: str | None = None) -> Stack:
    """The settings of a stack from their plain values, by section. Raises InvalidStack with all problems at once.

    `stack_name`: what Pulumi calls the stack, where it is known.
    """
    # As JSON, whose strict mode takes lists for tuples and, unlike the lax one, no text for numbers.
    given, text, odd = raw, _json(raw), list(misread(raw))
    raw = cast(dict[str, object], json.loads(text))
    found = [*rules.cleartext(raw), *odd]
    kind = arms.stack_class(raw)
    try:
        stack = kind.model_validate_json(text, strict=True)
    except ValidationError as error:
        told = [*arms.provider_is_known(raw), *sentences.problems(error, kind, raw, given)]
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


def _another_stack(raw: Mapping[str, object], stack_name: str | None) -> Iterator[Problem]:
    """The environment is called as its stack, alone or after a prefix: a copy of a file whose name was left shows."""
    environment = raw.get("environment")
    name = cast(Mapping[str, object], environment).get("name") if isinstance(environment, Mapping) else None
    if stack_name and isinstance(name, str) and name != stack_name and not name.endswith(f"-{stack_name}"):
        yield Problem(
            "environment.name",
            f"'{name}' does not end in the name of the stack, '{stack_name}'",
            f"write '{stack_name}' or 'PREFIX-{stack_name}', or rename the file to Pulumi.{name}.yaml",
        )


def _in_order(raw: Mapping[str, object], problems: Iterable[Problem]) -> list[Problem]:
    """In the order of the file's sections; what is missing comes first."""
    order = {section: index for index, section in enumerate(raw)}
    return sorted(problems, key=lambda problem: order.get(problem.path.partition(".")[0], -1))


def _sections(path: Path) -> tuple[dict[str, object], list[Problem]]:
    try:
        found, faults = sections(path)
    except InvalidStack as invalid:
        raise InvalidStack(map(rules.redacted, invalid.problems)) from None
    return found, [rules.redacted(problem) for problem in faults]


def load_stack(path: Path) -> Stack:
    """The settings of a stack file. Raises InvalidStack with all problems at once."""
    found, faults = _sections(path)
    try:
        stack = parse(found, stack_of_file(path.name))
    except InvalidStack as invalid:
        raise InvalidStack([*faults, *invalid.problems]) from None
    if faults:
        raise InvalidStack(faults)
    return stack


def stack_problems(path: Path) -> list[Problem]:
    """What is wrong with a stack file; empty if nothing is."""
    try:
        load_stack(path)
    except InvalidStack as invalid:
        return list(invalid.problems)
    return []


def check_stack_file(path: Path) -> list[str]:
    """What is wrong with a stack file, one line each; empty if nothing is."""
    return [str(problem) for problem in stack_problems(path)]


def read(path: Path) -> dict[str, object]:
    """The plain settings of a stack file by section, unchecked.

    Raises InvalidStack where there are none to be found.
    """
    found, faults = _sections(path)
    if faults:
        raise InvalidStack(faults)
    return found

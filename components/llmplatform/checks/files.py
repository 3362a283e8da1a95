"""Reads stack files: `Pulumi.<stack>.yaml`, whose `config:` holds the settings under `llmplatform:` keys."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from pydantic import ValidationError

from llmplatform.catalog.stack_names import stack_of_file
from llmplatform.checks import arms, ciphertexts, rules, sentences, templates
from llmplatform.checks.cleartext import cleartext, redacted
from llmplatform.checks.foreign import without_effect
from llmplatform.checks.problems import InvalidStack, Problem
from llmplatform.checks.reading import misread, sections
from llmplatform.specs.stack import Stack


def parse(raw: Mapping[str, object], stack_name: str | None = None, folder: Path | None = None) -> Stack:
    """The settings of a stack from their plain values, by section. Raises InvalidStack with all problems at once.

    `stack_name`: the name of the stack in Pulumi, if known. `folder`: of the stack file, where files that it names are.
    """
    # As JSON: its strict mode accepts lists as tuples and, unlike the lax mode, no text as numbers.
    given, text = raw, _json(raw)
    misreadings = dict(misread(raw))
    odd = [*misreadings.values()]
    raw = cast(dict[str, object], json.loads(text))
    odd += templates.filled(raw, folder)
    text = json.dumps(raw)
    secrets = list(cleartext(raw))
    kind = arms.stack_class(raw)
    try:
        stack = kind.model_validate_json(text, strict=True)
    except ValidationError as error:
        told = [*arms.provider_is_known(raw), *sentences.problems(error, kind, raw, given)]
        found = [problem for problem in told if problem.path != "cloud.provider" or problem == told[0]]
        faulty = [*misreadings, *(tuple(sentences.steps(each["loc"], raw, kind)) for each in sentences.first(error))]
        found = [*_told_once(found, odd, secrets), *rules.problems_of_partial(kind, raw, faulty)]
        if all(problem.path != "environment.name" for problem in told):
            found += _another_stack(raw, stack_name)
        found = found or [sentences.unexplained(error)]
    else:
        # A value that readers understand differently is as unreliable as a wrong one.
        ruled = rules.problems_of_partial(kind, raw, [*misreadings]) if odd else rules.problems(stack)
        found = [*secrets, *odd, *ruled, *_another_stack(raw, stack_name)]
        if not found:
            return stack
    raise InvalidStack(_in_order(raw, dict.fromkeys(redacted(problem) for problem in found)))


def _told_once(wrong: list[Problem], odd: list[Problem], secrets: list[Problem]) -> list[Problem]:
    """Keeps one problem for a value: that it is a secret, or how YAML reads the text, before any other."""
    no_texts = {problem.path for problem in wrong if problem.fault.endswith(sentences.NO_TEXT)}
    told = {problem.path for problem in secrets} | {problem.path for problem in odd} - no_texts
    return [
        *(each for each in wrong if each.path not in told or (each.path.startswith("secrets.") and _is_unknown(each))),
        *secrets,
        *(problem for problem in odd if problem.path not in no_texts),
    ]


def _is_unknown(problem: Problem) -> bool:
    return problem.fault.startswith("unknown key")


def _json(raw: Mapping[str, object]) -> str:
    try:
        return json.dumps(raw, default=str)
    except TypeError:
        raise InvalidStack([Problem("config", "a key is not text", "put it in quotes")]) from None
    except RecursionError:
        raise InvalidStack([Problem("config", "its groups are nested too deeply", "write fewer levels")]) from None
    except ValueError:
        raise InvalidStack(
            [Problem("config", "a value contains itself", "write it out instead of using an alias")]
        ) from None


def _another_stack(raw: Mapping[str, object], stack_name: str | None) -> Iterator[Problem]:
    """The environment's name ends in the stack's name. This finds a copied file whose name was not changed."""
    environment = raw.get("environment")
    name = cast(Mapping[str, object], environment).get("name") if isinstance(environment, Mapping) else None
    if stack_name and isinstance(name, str) and name != stack_name and not name.endswith(f"-{stack_name}"):
        yield Problem(
            "environment.name",
            f"'{name}' does not end in the name of the stack, '{stack_name}'",
            f"write '{stack_name}' or 'PREFIX-{stack_name}', or rename the file to Pulumi.{name}.yaml",
        )


def _in_order(raw: Mapping[str, object], problems: Iterable[Problem]) -> list[Problem]:
    """In the order of the file's sections; missing keys first."""
    order = {section: index for index, section in enumerate(raw)}
    return sorted(problems, key=lambda problem: order.get(problem.path.partition(".")[0], -1))


@dataclass(frozen=True, kw_only=True)
class Checked:
    """The result of checking a stack file."""

    stack: Stack | None
    """Its settings; None if the file has a problem."""
    problems: tuple[Problem, ...]
    placeholders: tuple[Problem, ...] = ()
    """Placeholders of secrets. The sandbox replaces them with generated values."""
    warnings: tuple[Problem, ...] = ()
    """Warnings: the file is valid, and will probably cause trouble."""


def check(path: Path) -> Checked:
    """Read and check a stack file once."""
    try:
        found, faults, others = _sections(path)
    except InvalidStack as invalid:
        return Checked(stack=None, problems=invalid.problems)
    waiting = tuple(ciphertexts.placeholders("secrets", found.get("secrets")))
    try:
        stack = parse(found, stack_of_file(path.name), path.parent)
    except InvalidStack as invalid:
        return Checked(stack=None, problems=(*faults, *invalid.problems), placeholders=waiting)
    if faults:
        return Checked(stack=None, problems=tuple(faults), placeholders=waiting)
    keys = map(redacted, without_effect(others, stack.cloud.region))
    said = [*rules.warnings(stack), *keys, *rules.advice(stack)]
    return Checked(stack=stack, problems=(), placeholders=waiting, warnings=tuple(said))


def _sections(path: Path) -> tuple[dict[str, object], list[Problem], dict[str, object]]:
    try:
        found, faults, others = sections(path)
    except InvalidStack as invalid:
        raise InvalidStack(map(redacted, invalid.problems)) from None
    return found, [redacted(problem) for problem in faults], others


def load_stack(path: Path) -> Stack:
    """The settings of a stack file. Raises InvalidStack with all problems at once."""
    checked = check(path)
    if checked.stack is None:
        raise InvalidStack(checked.problems)
    return checked.stack


def stack_problems(path: Path) -> list[Problem]:
    """Problems of a stack file; empty if it is valid."""
    return list(check(path).problems)


def check_stack_file(path: Path) -> list[str]:
    """Problems of a stack file, one line each; empty if it is valid."""
    return [str(problem) for problem in stack_problems(path)]


def read(path: Path) -> dict[str, object]:
    """The plain settings of a stack file by section, unchecked.

    Raises InvalidStack if there are none.
    """
    found, faults, _ = _sections(path)
    if faults:
        raise InvalidStack(faults)
    return found

"""Whatever becomes of a stack file, it is refused in lines of the agreed shape, or accepted and then works."""

import re
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from support.program import run_program
from support.stack_mutations import changed_documents, damaged_documents, damaged_texts

from llmplatform.checks import check_stack_file

LINE = re.compile(r"[^\n]*\S: [^\n]*\S; [^\n]*\S")
"""`path: fault; remedy`."""
LONGEST = 700


def refusals(content: bytes, folder: Path, stack: str = "dev") -> list[str]:
    path = folder / f"Pulumi.{stack}.yaml"
    path.write_bytes(content)
    lines = check_stack_file(path)
    for line in lines:
        assert LINE.fullmatch(line), f"not 'path: fault; remedy' in one line: {line!r}"
        assert line.isprintable(), f"it would do something to a terminal: {line!r}"
        assert len(line) <= LONGEST, f"no user reads {len(line)} characters: {line}"
    assert len(set(lines)) == len(lines), f"a mistake is told once: {lines}"
    return lines


SETTINGS = settings(
    deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@settings(SETTINGS, max_examples=120)
@given(damaged=damaged_documents())
def test_a_damaged_document_is_refused_in_lines(damaged: tuple[str, dict[str, Any]], tmp_path: Path) -> None:
    stack, document = damaged
    refusals(yaml.dump(document, Dumper=yaml.CSafeDumper, allow_unicode=True).encode(), tmp_path, stack)


@settings(SETTINGS, max_examples=20)
@given(changed=changed_documents())
def test_a_document_that_is_accepted_plans_and_registers(changed: tuple[str, dict[str, Any]], tmp_path: Path) -> None:
    stack, document = changed
    lines = refusals(yaml.dump(document, Dumper=yaml.CSafeDumper, allow_unicode=True).encode(), tmp_path, stack)
    if not lines:
        run_program(document["config"], stack, preview=True, may_warn=True)


@settings(SETTINGS, max_examples=120)
@given(content=damaged_texts())
def test_a_file_whose_characters_were_damaged_is_refused_in_lines_or_read(content: bytes, tmp_path: Path) -> None:
    refusals(content, tmp_path)

"""Reads and checks stack files and platform references."""

from llmplatform.checks.files import Checked, check, check_stack_file, load_stack, parse, stack_problems
from llmplatform.checks.problems import InvalidStack, Problem
from llmplatform.checks.references import parse_platform_ref
from llmplatform.checks.rules import warnings

__all__ = [
    "Checked",
    "InvalidStack",
    "Problem",
    "check",
    "check_stack_file",
    "load_stack",
    "parse",
    "parse_platform_ref",
    "stack_problems",
    "warnings",
]

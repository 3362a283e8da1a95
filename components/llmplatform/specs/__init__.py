"""What is wanted: the settings of a stack, checked as a whole."""

from llmplatform.specs.files import check_stack_file, load_stack, parse
from llmplatform.specs.platform_ref import PlatformRef, parse_platform_ref
from llmplatform.specs.problems import InvalidStack, Problem
from llmplatform.specs.stack import Stack

__all__ = [
    "InvalidStack",
    "PlatformRef",
    "Problem",
    "Stack",
    "check_stack_file",
    "load_stack",
    "parse",
    "parse_platform_ref",
]

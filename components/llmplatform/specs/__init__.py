"""What is wanted: the settings of a stack, checked as a whole."""

from llmplatform.specs.files import check_stack_file, load_stack, parse, stack_problems
from llmplatform.specs.problems import InvalidStack, Problem
from llmplatform.specs.stack import Stack

__all__ = ["InvalidStack", "Problem", "Stack", "check_stack_file", "load_stack", "parse", "stack_problems"]

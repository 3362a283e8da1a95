"""A linter of PromQL: the real Prometheus reads an expression, and `faults` says what is wrong with what it selects."""

from support.promql.lint import faults
from support.promql.metrics import Metrics
from support.promql.parser import Parser, parser

__all__ = ["Metrics", "Parser", "faults", "parser"]

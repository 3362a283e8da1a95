"""What dashboards ask Prometheus has no fault that the linter of PromQL finds, and names no unknown metric."""

from collections.abc import Iterator

import pytest
from support import panels
from support.panels import NAMES
from support.promql import Metrics, Parser, faults, parser

CHOSEN = dict.fromkeys(("environment", "namespace", "model", "node", "pool"), "one")


@pytest.fixture(scope="module")
def prometheus() -> Iterator[Parser]:
    with parser() as running:
        yield running


@pytest.mark.parametrize("name", NAMES)
def test_the_queries_of_a_dashboard_have_no_fault(name: str, prometheus: Parser) -> None:
    queries = {query.expr for panel in panels.panels(name) for query in panel.queries}
    queries |= {variable.selector for variable in panels.variables(name)}
    assert queries
    wrong = {expr: faults(panels.filled(expr, CHOSEN), Metrics.known(), prometheus) for expr in queries}
    assert not {expr: lines for expr, lines in wrong.items() if lines}

"""What is wrong with an expression that Prometheus reads, and that no test of it need show.

Sources: prometheus, docs/querying/functions.md: `rate` and its like are for counters, `delta` and its like for gauges,
and `histogram_quantile` wants the label `le`. A rate needs two samples, so that a window of four scrapes survives one
that fails.
"""

from collections.abc import Iterator, Sequence

from support.promql.metrics import Metrics
from support.promql.parser import Node, Parser, below, parts

OF_COUNTERS = ("rate", "irate", "increase", "resets")
OF_GAUGES = ("delta", "idelta", "deriv", "predict_linear", "double_exponential_smoothing")
RATES = ("rate", "irate", "increase")
OF_HISTOGRAMS = ("histogram_quantile", "histogram_fraction")
LEAST_WINDOW = 120
"""Seconds: four scrapes of half a minute, which is how often the chart lets Prometheus scrape."""


def faults(expr: str, metrics: Metrics, parser: Parser) -> list[str]:
    """A line for each fault. Raises Unreadable."""
    return list(_of(parser.tree(expr), metrics, ()))


def _of(node: Node, metrics: Metrics, above: Sequence[Node]) -> Iterator[str]:
    if node["type"] in ("vectorSelector", "matrixSelector"):
        yield from _of_selector(node, metrics, above)
    if _called(node) in OF_HISTOGRAMS:
        yield from _of_quantile(node, metrics)
    inside = {each["type"] for part in parts(node) for each in below(part)}
    if _called(node) in RATES and {"subquery", "aggregation"} <= inside:
        yield f"{_called(node)}() of an aggregation hides the restart of one of its series: aggregate rates"
    for part in parts(node):
        yield from _of(part, metrics, (*above, node))


def _of_selector(node: Node, metrics: Metrics, above: Sequence[Node]) -> Iterator[str]:
    chosen = _series(node, metrics)
    if not chosen:
        yield f"{_name(node)}: no such metric is known"
    called = _called(above[-1]) if above else ""
    types = {metrics.types[name] for name in chosen}
    if called in OF_COUNTERS and types & {"gauge", "rates"}:
        yield f"{called}() of {_name(node)}, which is no counter: take delta() or deriv()"
    if called in OF_GAUGES and types & {"counter", "buckets"}:
        yield f"{called}() of {_name(node)}, which is a counter: take increase() or rate()"
    if called in RATES and node["range"] < LEAST_WINDOW * 1000:
        yield f"{called}() of {_name(node)} over {node['range'] // 1000} s: a failed scrape empties it; take 2m"


def _of_quantile(node: Node, metrics: Metrics) -> Iterator[str]:
    called, observed = _called(node), node["args"][-1]
    for each in below(observed):
        if each["type"] == "aggregation" and each["op"] == "sum" and ("le" in each["grouping"]) == each["without"]:
            yield f"{called}() of an aggregation that drops `le`: add it to `by`"
    rated = {id(part) for each in below(observed) if _called(each) in RATES for part in below(each)}
    for each in below(observed):
        if each["type"] not in ("vectorSelector", "matrixSelector"):
            continue
        types = {metrics.types[name] for name in _series(each, metrics)}
        if types & {"counter", "gauge"}:
            yield f"{called}() of {_name(each)}, which has no buckets"
        elif "buckets" in types and id(each) not in rated:
            yield f"{called}() of {_name(each)} without rate(): it would count all since the servers' start"


def _called(node: Node) -> str:
    """Name of the function, if it is a call."""
    return node["func"]["name"] if node["type"] == "call" else ""


def _series(node: Node, metrics: Metrics) -> frozenset[str]:
    """Known metrics that a selector names."""
    if node["name"]:
        return frozenset({node["name"]} & set(metrics.types))
    patterns = [each["value"] for each in node["matchers"] if each["name"] == "__name__" and each["type"] == "=~"]
    return frozenset.intersection(*map(metrics.matching, patterns)) if patterns else frozenset()


def _name(node: Node) -> str:
    return (
        node["name"]
        or "{" + ",".join(f"{each['name']}{each['type']}{each['value']}" for each in node["matchers"]) + "}"
    )

"""The script that reads what Ray Serve exposes from the wheel of Ray."""

import ast
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

SCRIPT: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[3] / "scripts/ray_flags.py"))
own_metrics: Callable[[ast.Module], Iterator[str]] = SCRIPT["own_metrics"]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (
            'metrics.Gauge("serve_num_scheduling_tasks_in_backoff", tag_keys=())',
            "ray_serve_num_scheduling_tasks_in_backoff",
        ),
        ('metrics.Counter(f"serve_num_{protocol_name}_requests")', "ray_serve_num_http_requests_total"),
        ("metrics.Counter('serve_failed_total')", "ray_serve_failed_total"),
        ('metrics.Histogram("serve_latency_ms")', "ray_serve_latency_ms"),
    ],
)
def test_a_metric_has_the_name_that_the_code_gives_it(call: str, name: str) -> None:
    assert list(own_metrics(ast.parse(f"self.made = {call}"))) == [name]


@pytest.mark.parametrize("call", ['metrics.Gauge("other_name")', "metrics.Gauge(name)", 'metrics.set("serve_x")'])
def test_what_is_no_metric_of_ray_serve_is_left_out(call: str) -> None:
    assert not list(own_metrics(ast.parse(call)))

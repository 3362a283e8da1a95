"""Alerts on the error budgets of objectives: how fast they fire, and when they resolve, in the real promtool."""

from dataclasses import replace
from pathlib import Path

import pytest
from support.rules import ENVIRONMENT, NAMESPACE, Case, hold, models, pod, served

OBJECTIVES = {
    "availability": 99,
    "time_to_first_token": {"seconds": 2, "percent": 95},
    "time_between_tokens": {"seconds": 0.1, "percent": 95},
    "request_latency": {"seconds": 30, "percent": 95},
}
GROUPS = models({"chat": {"source": "Qwen/Qwen3-8B", "pool": "gpu", "context_length": 8192, "objectives": OBJECTIVES}})
FIRST, BETWEEN, WHOLE = (
    "vllm:time_to_first_token_seconds",
    "vllm:inter_token_latency_seconds",
    "vllm:e2e_request_latency_seconds",
)
DAY = 24 * 60


def fast(objective: str) -> dict[str, str]:
    return {
        **_labels(objective),
        "says": f"chat misses its objective for {objective}: the month's budget is gone within days.",
    }


def slow(objective: str) -> dict[str, str]:
    return {
        **_labels(objective),
        "says": f"chat misses its objective for {objective}: the month's budget will not last.",
    }


def _labels(objective: str) -> dict[str, str]:
    return {"namespace": NAMESPACE, "model": "chat", "environment": ENVIRONMENT, "objective": objective}


def asked(name: str, bounds: tuple[str, str, str], *phases: tuple[int, int, int]) -> dict[str, str]:
    """A histogram with two bounds: each phase has minutes, requests a minute, and how many of these are slow."""
    found: dict[str, list[str]] = {bound: [] for bound in bounds}
    totals = dict.fromkeys(bounds, 0)
    for minutes, requests, slow_ones in phases:
        for bound, number in zip(bounds, (requests - slow_ones, requests, requests), strict=True):
            found[bound].append(f"{totals[bound]}+{number}x{minutes - 1}")
            totals[bound] += number * minutes
    series = {bound: " ".join(parts) for bound, parts in found.items()}
    return {
        key: value
        for bound, values in series.items()
        for key, value in served("chat", 1, f'{name}_bucket{{le="{bound}"}}', values).items()
    }


def answered(*phases: tuple[int, int, int]) -> dict[str, str]:
    """Requests that end: each phase has minutes, requests a minute, and how many of these fail."""
    ended, failed, totals = [], [], [0, 0]
    for minutes, requests, failing in phases:
        ended.append(f"{totals[0]}+{requests - failing}x{minutes - 1}")
        failed.append(f"{totals[1]}+{failing}x{minutes - 1}")
        totals = [totals[0] + (requests - failing) * minutes, totals[1] + failing * minutes]
    return {
        **served("chat", 1, 'vllm:request_success_total{finished_reason="stop"}', " ".join(ended)),
        **served("chat", 1, 'http_requests_total{status="5xx"}', " ".join(failed)),
    }


BOUNDS = {
    "time_to_first_token": (FIRST, ("2.0", "5.0", "+Inf")),
    "time_between_tokens": (BETWEEN, ("0.1", "0.2", "+Inf")),
    "request_latency": (WHOLE, ("30.0", "60.0", "+Inf")),
}
THEN, REST = 12 * 60, 10 * 60
"""Minutes before something happens, and after it. The window of three days is never full: it sees all."""
BUSY = answered((3 * DAY, 60, 0))
ERRORS = {
    "namespace": NAMESPACE,
    "model": "chat",
    "environment": ENVIRONMENT,
    "says": "100% of the requests to chat end with an error of the server.",
}


def rare() -> dict[str, str]:
    """A request every three minutes, which fails."""
    values = " ".join(f"{number}x2" for number in range(400))
    return {
        **served("chat", 1, 'vllm:request_success_total{finished_reason="stop"}', "0x1199"),
        **served("chat", 1, 'http_requests_total{status="5xx"}', values),
    }


FIFTH = {**ERRORS, "says": "20% of the requests to chat end with an error of the server."}
CASES = [
    Case(
        "a few slow requests are within the budget",
        {**BUSY, **asked(*BOUNDS["time_to_first_token"], (DAY, 100, 3))},
        {"1h": {}, "12h": {}, "23h": {}},
    ),
    Case(
        "everything fails for twenty minutes",
        answered((THEN, 60, 0), (20, 60, 60), (REST, 60, 0)),
        {
            f"{THEN + 8}m": {},
            f"{THEN + 20}m": {"ModelObjectiveBurnsFast": fast("availability"), "ModelErrors": ERRORS},
            f"{THEN + 40}m": {"ModelObjectiveBurnsSlowly": slow("availability")},
            f"{THEN + 8 * 60}m": {},
        },
    ),
    Case(
        "a fifth fails for an hour",
        answered((THEN, 60, 0), (60, 60, 12), (REST, 60, 0)),
        {
            f"{THEN + 8}m": {},
            f"{THEN + 40}m": {"ModelErrors": FIFTH},
            f"{THEN + 58}m": {
                "ModelErrors": FIFTH,
                "ModelObjectiveBurnsFast": fast("availability"),
                "ModelObjectiveBurnsSlowly": slow("availability"),
            },
            f"{THEN + 80}m": {"ModelObjectiveBurnsSlowly": slow("availability")},
            f"{THEN + 8 * 60}m": {},
        },
    ),
    *(
        Case(
            f"{name} is missed by all for an hour",
            {**BUSY, **asked(*histogram, (THEN, 100, 0), (60, 100, 100), (REST, 100, 0))},
            {
                f"{THEN}m": {},
                f"{THEN + 40}m": {},
                f"{THEN + 58}m": {"ModelObjectiveBurnsFast": fast(name), "ModelObjectiveBurnsSlowly": slow(name)},
                f"{THEN + 80}m": {"ModelObjectiveBurnsSlowly": slow(name)},
                f"{THEN + 8 * 60}m": {},
            },
        )
        for name, histogram in BOUNDS.items()
    ),
    Case(
        "a budget of 5 % is missed by 3 % for a day",
        {**BUSY, **asked(*BOUNDS["time_to_first_token"], (THEN, 100, 0), (30 * 60, 100, 8), (REST, 100, 0))},
        {
            f"{THEN + 18 * 60}m": {},
            f"{THEN + 25 * 60}m": {"ModelObjectiveBurnsSlowly": slow("time_to_first_token")},
            f"{THEN + 35 * 60}m": {},
        },
    ),
    Case(
        "with few requests a failure does not page",
        rare(),
        {"10h": {"ModelErrors": ERRORS, "ModelObjectiveBurnsSlowly": slow("availability")}},
    ),
    Case("without requests there is nothing to miss", answered((DAY, 0, 0)), {"20h": {}}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_budgets_that_burn_fire_as_fast_as_they_burn(case: Case, tmp_path: Path) -> None:
    lasting = f"1x{10 * DAY}"
    there = {**case.series, **pod("chat-1", "chat", ready=lasting, there=lasting)}
    hold(GROUPS, [replace(case, series=there)], tmp_path, every="5m")

"""Warnings about servers of Postgres that are made from backups."""

from datetime import date
from typing import Any

import pytest

from llmplatform.checks import parse
from llmplatform.checks.rules import clusters, restores


@pytest.mark.parametrize(("day", "warned"), [(20, []), (22, []), (23, ["services.mlflow.database.restore_from.until"])])
def test_a_moment_that_is_still_to_come_is_warned_of(
    day: int, warned: list[str], raw: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "today", lambda: date(2026, 11, 21))
    raw["addons"]["cnpg"] = {"enabled": True}
    restored = {"server": "lost", "until": f"2026-11-{day}T12:00:00Z"}
    database = {"kind": "in_cluster", "backups": {}, "restore_from": restored}
    raw["services"] = {"mlflow": {"enabled": True, "database": database}}
    assert [problem.path for problem in restores.restores_end_in_the_past(parse(raw))] == warned

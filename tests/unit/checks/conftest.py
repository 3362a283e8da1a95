"""Fixtures for several files."""

from datetime import date
from typing import Any

import pytest
from support.stack_settings import dev

from llmplatform.checks.rules import clusters


@pytest.fixture
def on_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "today", lambda: date(2026, 11, 21))


@pytest.fixture
def raw() -> dict[str, Any]:
    return dev()

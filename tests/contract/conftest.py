"""Fixtures for several files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from support.made_up_engine import FACTS, loom

from llmplatform.catalog import engines
from llmplatform.serving.engines import ENGINES


@pytest.fixture
def made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The engine in the catalog and in the table, and nowhere else."""
    for path in engines.FOLDER.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "loom.toml").write_text(FACTS)
    (tmp_path / "loom-2.1.txt").write_text("--batch whole\n--fast switch\n--workers whole\n")
    monkeypatch.setattr(engines, "FOLDER", tmp_path)
    monkeypatch.setitem(cast(dict[str, Any], ENGINES), "loom", loom)
    engines.facts.cache_clear()
    yield
    engines.facts.cache_clear()

"""Grafana's dashboards, from `data/dashboards/<name>.json`, which `python -m dashboards` writes in the repository."""

import json
from functools import lru_cache

from llmplatform.catalog.tables import DATA

FOLDER = DATA / "dashboards"


@lru_cache
def dashboard(name: str) -> str:
    """A dashboard as Grafana reads it, without spaces."""
    made = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return json.dumps(made, ensure_ascii=False, separators=(",", ":"))

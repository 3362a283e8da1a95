"""Recording rules and alerts as data, from `data/rules/<topic>.toml`: what each says, and when it exists.

An expression is PromQL with placeholders, `${name}`, which `planning/rules.py` fills; every topic has a runbook page.
"""

import re
import tomllib
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from llmplatform.catalog.engine_metrics import EngineMetrics
from llmplatform.catalog.tables import DATA

FOLDER = DATA / "rules"

Severity = Literal["critical", "warning", "info"]
"""`critical` pages: users are hurt now, or will be within hours. `warning` waits for working hours. `info` is shown."""
Condition = Literal["pools", "gpus", "autoscaler", "certificates"]
"""What a platform needs for a rule to exist."""
Each = Literal["once", "series", "model", "objective", "spot_pool", "machine", "budget", "backup_job", "postgres"]
"""What a rule is written for: once, each series that an engine has for a common name, each model, each objective, each
pool that prefers spot machines, each type of machine with a price, a budget, each CronJob that backs up, or each server
of Postgres in the cluster with backups."""

_TITLE = "^[A-Z][A-Za-z0-9]+$"
RECORD = "(?:model|server|platform):[a-z_0-9]+:[a-z0-9_]+"
"""A record of ours."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    expr: str
    """PromQL with placeholders."""
    each: Each = "once"
    of: str | None = None
    """Field of `EngineMetrics` whose series it reads, if it is written for each series."""
    when: tuple[Condition, ...] = ()
    """What the platform needs for it; all of them."""

    @property
    def named(self) -> frozenset[str]:
        """Records of ours that it reads."""
        return frozenset(re.findall(rf"\b{RECORD}", self.expr))


class Recording(_Table):
    """A recording rule."""

    record: Annotated[str, Field(pattern=f"^{RECORD}$")]


class Alert(_Table):
    """An alerting rule."""

    alert: Annotated[str, Field(pattern=_TITLE)]
    severity: Severity
    lasts: Annotated[str, Field(alias="for")]
    """Time for which it holds before it fires: a duration of Prometheus."""
    summary: str
    """One line for the reader of a message, as a template of Prometheus."""


class Topic(BaseModel):
    """The rules of one file, whose runbook page has the same name."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    source: str
    """Sources of the series and of the figures."""
    recordings: tuple[Recording, ...] = ()
    alerts: tuple[Alert, ...] = ()


@lru_cache(maxsize=1)
def topics() -> dict[str, Topic]:
    """All topics by name."""
    found = {
        path.stem: Topic.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        for path in sorted(FOLDER.glob("*.toml"))
    }
    for topic in found.values():
        unknown = {each.of for each in (*topic.recordings, *topic.alerts) if each.of} - set(EngineMetrics.model_fields)
        if unknown:
            raise ValueError(f"data/rules: no engine has {sorted(unknown)}")
    return found

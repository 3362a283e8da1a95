"""A warning about backups that are rarer than their alerts allow."""

from typing import Any

from llmplatform.checks import parse
from llmplatform.checks.rules import backups

WEEKLY = "17 2 * * 0"


def said(raw: dict[str, Any]) -> list[tuple[str, str]]:
    found = [problem for rule in backups.WARNINGS for problem in rule.judge(parse(raw))]
    return [(each.path, each.fault) for each in found]


def test_a_week_between_backups_needs_more_than_two_days(raw: dict[str, Any]) -> None:
    server: dict[str, Any] = {"kind": "in_cluster", "backups": {"schedule": WEEKLY}}
    raw["addons"]["cnpg"] = {"enabled": True, "barman_cloud": True}
    raw["services"] = {
        "milvus": {"enabled": True, "backups": {"schedule": WEEKLY}},
        "mlflow": {"enabled": True, "database": server, "dumps": {"schedule": WEEKLY, "drill": {"enabled": False}}},
    }
    fault = "after 48 hours an alert fires, and backups are up to 168 apart"
    places = [
        "services.milvus.backups.drill.oldest_hours",
        "services.mlflow.dumps.drill.newest_hours",
        "services.mlflow.database.backups.oldest_hours",
    ]
    assert said(raw) == [(place, fault) for place in places]
    raw["services"]["milvus"]["backups"]["drill"] = {"oldest_hours": 169}
    raw["services"]["mlflow"]["dumps"]["drill"] = {"newest_hours": 169}
    server["backups"]["oldest_hours"] = 169
    assert said(raw) == []


def test_the_defaults_are_often_enough(raw: dict[str, Any]) -> None:
    server = {"kind": "in_cluster", "backups": {}}
    raw["addons"]["cnpg"] = {"enabled": True, "barman_cloud": True}
    raw["services"] = {"milvus": {"enabled": True}, "mlflow": {"enabled": True, "database": server}}
    assert said(raw) == []

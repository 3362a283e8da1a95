"""Warnings about data of a protected environment that little would be left of."""

from typing import Any

import pytest

from llmplatform.catalog.databases import rds_authority
from llmplatform.checks import parse
from llmplatform.checks.rules import databases, lasting

MLFLOW = {"kind": "new", "standby": False, "last_backup": False}


def said(raw: dict[str, Any]) -> list[str]:
    return [problem.path for rule in lasting.WARNINGS for problem in rule.judge(parse(raw))]


def advised(raw: dict[str, Any]) -> list[str]:
    return [problem.path for rule in lasting.ADVICE for problem in rule.judge(parse(raw))]


def test_data_that_is_to_be_kept_has_copies_and_is_encrypted(raw: dict[str, Any]) -> None:
    raw["environment"]["protection"] = "full"
    raw["services"] = {
        "milvus": {"enabled": True, "tls": False, "backups": {"enabled": False}},
        "mlflow": {"enabled": True, "database": MLFLOW, "dumps": {"enabled": False}},
    }
    assert said(raw) == [
        "services.milvus.backups.enabled",
        "services.milvus.tls",
        "services.mlflow.database.standby",
        "services.mlflow.database.last_backup",
        "services.mlflow.dumps.enabled",
    ]
    raw["environment"]["protection"] = "none"
    assert said(raw) == []


def test_the_defaults_are_safe(raw: dict[str, Any]) -> None:
    raw["environment"]["protection"] = "full"
    raw["services"] = {"milvus": {"enabled": True}, "mlflow": {"enabled": True, "database": {"kind": "new"}}}
    assert said(raw) == []


def test_the_one_copy_of_artifacts_on_a_volume_is_told_of(raw: dict[str, Any]) -> None:
    raw["environment"]["protection"] = "full"
    mlflow: dict[str, Any] = {"enabled": True, "database": {"kind": "new"}}
    raw["services"] = {"mlflow": mlflow}
    assert advised(raw) == []
    mlflow["artifacts"] = {"kind": "volume"}
    assert advised(raw) == ["services.mlflow.artifacts"]


def test_a_database_on_machines_that_are_taken_back_is_warned_of(raw: dict[str, Any]) -> None:
    raw["addons"]["cnpg"] = {"enabled": True}
    raw["services"] = {"mlflow": {"enabled": True, "database": {"kind": "in_cluster", "pool": "system"}}}
    assert said(raw) == []
    raw["pools"]["system"]["capacity"] = "spot_first"
    assert said(raw) == ["services.mlflow.database.pool"]


@pytest.mark.parametrize(("region", "advised"), [("us-east-1", []), ("us-gov-west-1", ["services.mlflow.database"])])
def test_a_server_whose_authority_is_not_known_is_told_of(region: str, advised: list[str], raw: dict[str, Any]) -> None:
    raw["services"] = {"mlflow": {"enabled": True, "database": {"kind": "new"}}}
    stack = parse(raw)
    moved = stack.model_copy(update={"cloud": stack.cloud.model_copy(update={"region": region})})
    found = [problem.path for rule in databases.ADVICE for problem in rule.judge(moved)]
    assert found == [f"{path}.certificates" for path in advised]


@pytest.mark.parametrize("proved", [False, True])
def test_an_existing_server_whose_authority_is_not_written_is_told_of(proved: bool, raw: dict[str, Any]) -> None:
    database = {"kind": "existing", "host": "mlflow.example.org"}
    if proved:
        database["certificates"] = rds_authority("us-east-1") or ""
    raw["services"] = {"mlflow": {"enabled": True, "database": database}}
    raw["secrets"] = {"mlflow_database_password": {"secure": "v1:kOliKRaUlB7Jv0XM:3C/gNxASd6IuDYGhEXsyFUHYdyaRng=="}}
    found = [problem.path for rule in databases.ADVICE for problem in rule.judge(parse(raw))]
    assert found == ([] if proved else ["services.mlflow.database.certificates"])

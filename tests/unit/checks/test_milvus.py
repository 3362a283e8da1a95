"""Warnings about Milvus and MLflow; the refusals are in the bad stack files."""

from copy import deepcopy
from typing import Any

import pytest
import yaml
from support.program import ROOT

from llmplatform.checks import parse, rules
from llmplatform.checks.rules import milvus_backups
from llmplatform.services.milvus.programs import witness
from llmplatform.specs.stack import NAMESPACE

EXAMPLE = ROOT / "examples/milvus/Pulumi.vectors.yaml"


def said(*, of: str = "services.milvus", **changes: Any) -> list[str]:
    """Warnings of the example, with settings changed by path."""
    config = deepcopy(yaml.safe_load(EXAMPLE.read_text())["config"])
    settings = {key.removeprefix(NAMESPACE): value for key, value in config.items()}
    settings["secrets"] = {"mlflow_database_password": {"secure": "v1:x:y"}}
    for path, value in changes.items():
        *above, last = path.split("__")
        inner = settings
        for key in above:
            inner = inner[key]
        inner[last] = value
    return [each.path for each in rules.warnings(parse(settings)) if each.path.startswith(of)]


def test_three_zones_of_machines_on_demand_are_warned_of_nothing() -> None:
    assert said() == []


@pytest.mark.parametrize("capacity", ["spot", "spot_first"])
def test_machines_that_are_taken_back_are_warned_of(capacity: str) -> None:
    assert said(pools__vectors__capacity=capacity) == ["services.milvus.pool"]


def test_expiring_artifacts_and_dumps_beside_them_are_warned_of() -> None:
    database = {"kind": "existing", "host": "pg.example.org"}
    where = {"database": database, "enabled": True}
    bucket = {**where, "artifacts": {"kind": "new", "expire_days": 90}}
    volume = {**where, "artifacts": {"kind": "volume"}}
    assert said(services__mlflow=bucket, of="services.mlflow") == ["services.mlflow.artifacts.expire_days"]
    assert said(services__mlflow=volume, of="services.mlflow") == ["services.mlflow.dumps"]
    undumped = {**volume, "dumps": {"enabled": False}}
    assert said(services__mlflow=undumped, of="services.mlflow") == []


def test_two_zones_leave_no_majority_of_etcd() -> None:
    zones = ["us-east-1a", "us-east-1b"]
    changed = {"pools__vectors__zones": zones, "pools__vectors__max": 6, "pools__vectors__min": 4}
    assert said(**changed) == ["services.milvus.etcd"]
    one = {"mode": "standalone", "copies": 1, "vectors": 300_000}
    assert said(**changed, **{f"services__milvus__{key}": value for key, value in one.items()}) == []


def test_names_that_are_refused_are_those_of_the_drill() -> None:
    assert (milvus_backups.WITNESS, milvus_backups.DRILL_SUFFIX) == (witness.DATABASE, witness.SUFFIX)

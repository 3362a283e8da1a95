"""Which backups a stack is alerted about."""

from collections.abc import Iterable

import pytest
from support.program import STACKS, committed, stack_config

from llmplatform.checks import parse
from llmplatform.planning.backups import Backup, Backups, plan_backups
from llmplatform.planning.capabilities import plan_capabilities
from llmplatform.planning.pools import plan_pools
from llmplatform.specs.services import Milvus, Mlflow

SERVER = {"kind": "in_cluster", "backups": {"oldest_hours": 30}}


def mlflow(**settings: object) -> Mlflow:
    return Mlflow.model_validate({"enabled": True, "database": SERVER, **settings})


def bounds(found: Iterable[Backup]) -> list[tuple[str, str, int]]:
    return [(each.namespace, each.name, each.oldest_hours) for each in found]


def test_dumps_and_servers_have_the_bounds_of_their_settings() -> None:
    found = plan_backups([Milvus(enabled=True), mlflow(dumps={"drill": {"newest_hours": 20}})])
    assert bounds(found.jobs) == [("milvus", "milvus-backup", 48), ("mlflow", "mlflow-dump", 20)]
    assert bounds(found.servers) == [("cnpg", "mlflow", 30)]
    named = plan_backups([mlflow(database={**SERVER, "name": "mlflow-2"}, dumps={"enabled": False})])
    assert bounds(named.servers) == [("cnpg", "mlflow-2", 30)]
    assert named.jobs == ()


def test_what_makes_no_backups_is_not_alerted_about() -> None:
    without = mlflow(database={"kind": "in_cluster"}, dumps={"enabled": False})
    off = Milvus.model_validate({"enabled": True, "backups": {"enabled": False}})
    assert plan_backups([Milvus(), Mlflow(), without, off]) == Backups()


@pytest.mark.parametrize("stack", STACKS)
def test_every_cronjob_that_is_alerted_about_is_there(stack: str) -> None:
    sections = {key.removeprefix("llmplatform:"): value for key, value in stack_config(stack).items()}
    read = parse(sections, stack)
    planned = plan_backups(plan_capabilities(read, plan_pools(read)))
    there = {
        (each.inputs["metadata"]["namespace"], each.inputs["metadata"]["name"])
        for each in committed(stack).registered
        if each.type == "kubernetes:batch/v1:CronJob"
    }
    assert planned.jobs, "each stack backs something up"
    assert {(each.namespace, each.name) for each in planned.jobs} <= there

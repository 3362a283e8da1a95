"""Faults of the cloud's calls, on every type: tried again as a real provider would, or failed with nothing lost."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.sandboxes.cloud_account import cloud, type_of
from support.sandboxes.clouds import Case, on_each_cloud
from typer.testing import CliRunner

from llmplatform_sandbox.cloud import SimulatedCloud, faults
from llmplatform_sandbox.cloud.faults import EVERYTHING, KINDS
from llmplatform_sandbox.commands import app
from llmplatform_sandbox.providers.base import ProviderError
from llmplatform_sandbox.providers.cloud import CloudProvider


def urn_of(key: str) -> str:
    return f"urn:pulumi:dev::p::{type_of(key)}::{key}"


@pytest.fixture
def scoped(monkeypatch: pytest.MonkeyPatch) -> Callable[[Case], None]:
    """Providers are configured with the account of a case."""

    def scope(case: Case) -> None:
        monkeypatch.setattr(CloudProvider, "_scope", lambda *_: case.scope)

    return scope


def come_and_go(case: Case, account: SimulatedCloud) -> list[str]:
    """Create, read, change and delete one of everything by the provider. Returns the calls that failed."""
    provider, failed = CloudProvider(lambda: account), list[str]()
    made: dict[str, Any] = {}
    for key, inputs in case.realistic.items():
        try:
            provider.create(type_of(key), urn_of(key), inputs(made), False, 0)
        except ProviderError as error:
            failed.append(f"create {key}: {error}")
            assert sum(item.made_by == urn_of(key) for item in account.objects()) == 1, "it can be found"
        made[key] = next(one for one in account.account.store.all(type_of(key)) if one.made_by == urn_of(key))
    for key, record in made.items():
        found = provider.read(record.type, urn_of(key), record.id, dict(record.inputs), dict(record.outputs))
        assert found is not None, key
    vpc = made[case.network]
    provider.update(
        vpc.type, urn_of(case.network), vpc.id, dict(vpc.inputs), dict(vpc.outputs), {**vpc.inputs, "tags": {"a": "b"}},
        False, 0,
    )  # fmt: skip
    for key in reversed(made):
        provider.delete(type_of(key), urn_of(key), made[key].id, {}, {}, 0)
    assert account.objects() == [], "what is left is an orphan that costs money"
    return failed


@on_each_cloud
@pytest.mark.parametrize("kind", ["throttling", "server-error"])
def test_a_passing_refusal_of_every_call_is_tried_again(
    case: Case, tmp_path: Path, scoped: Callable[[Case], None], kind: str
) -> None:
    scoped(case)
    account = case.open(tmp_path)
    account.fault(kind, EVERYTHING, active=True)
    assert come_and_go(case, account) == []


@on_each_cloud
def test_a_lost_answer_to_a_create_fails_and_is_found_and_any_other_call_is_made_again(
    case: Case, tmp_path: Path, scoped: Callable[[Case], None]
) -> None:
    scoped(case)
    account = case.open(tmp_path)
    account.fault("lost-answer", EVERYTHING, active=True)
    failed = come_and_go(case, account)
    assert [line.partition(":")[0] for line in failed] == [
        f"create {key.partition(':')[0]}" for key in case.realistic
    ], "each create failed once"
    assert all("may have been carried out; run again" in line for line in failed)


@on_each_cloud
def test_slow_calls_end_well(
    case: Case, tmp_path: Path, scoped: Callable[[Case], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    scoped(case)
    waited: list[float] = []
    monkeypatch.setattr(faults.time, "sleep", lambda seconds: waited.append(seconds))
    account = case.open(tmp_path)
    account.fault("slow-call", EVERYTHING, active=True)
    assert come_and_go(case, account) == []
    assert waited.count(2.0) >= 3 * len(case.realistic), "each call was slow"


@on_each_cloud
def test_an_outage_fails_clearly_and_makes_nothing(case: Case, tmp_path: Path, scoped: Callable[[Case], None]) -> None:
    scoped(case)
    account = case.open(tmp_path)
    account.fault("outage", case.network, active=True)
    provider = CloudProvider(lambda: account)
    with pytest.raises(ProviderError, match=f"ServiceUnavailable: create of {case.network}.*run again later"):
        provider.create(case.network, urn_of(case.network), {"cidrBlock": "10.0.0.0/16"}, False, 0)
    assert account.objects() == []
    account.fault("outage", case.network, active=False)
    provider.create(case.network, urn_of(case.network), {"cidrBlock": "10.0.0.0/16"}, False, 0)


@on_each_cloud
def test_what_the_cloud_does_by_itself_is_spared(case: Case, tmp_path: Path) -> None:
    account = case.open(tmp_path)
    case.whole(account, case.pool)
    account.fault("outage", EVERYTHING, active=True)
    group = account.node_groups()[0]
    account.resize(group.id, group.target + 1)
    assert len(account.instances()) == group.target + 1


def test_tries_come_to_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "_REFUSALS", 10**6)

    aws = cloud(tmp_path)
    aws.fault("throttling", "aws:ec2/vpc:Vpc", active=True)
    began = time.monotonic()
    with pytest.raises(ProviderError, match="Throttling"):
        CloudProvider(lambda: aws).create("aws:ec2/vpc:Vpc", urn_of("aws:ec2/vpc:Vpc"), {}, False, 0)
    assert time.monotonic() - began < 30


def test_the_command_lists_every_kind_of_fault() -> None:
    said = CliRunner().invoke(app, ["fault", "--help"], env={"COLUMNS": "200"}).output
    assert [kind for kind in KINDS if kind not in said] == []

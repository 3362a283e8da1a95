"""`llmplatform doctor`, as it is typed."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.stack_settings import ROOT
from typer.testing import CliRunner

from llmplatform.cli.app import app
from llmplatform.doctor import known

STACKS = ["dev", "prod", "dev-ack", "prod-ack"]


def typed(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["doctor", *arguments, "--project", str(ROOT)])


@pytest.mark.parametrize("stack", STACKS)
def test_the_command_looks_at_each_committed_stack_without_an_account(stack: str) -> None:
    result = typed(stack, "--offline", "--json")
    document = json.loads(result.stdout)
    assert result.exit_code == 1  # They are examples.
    levels = {check["name"]: check["level"] for check in document["checks"]}
    assert levels["examples"] == "red"
    assert levels["account"] is None
    assert document["red"] == [*levels.values()].count("red")
    assert {check["skipped"] for check in document["checks"] if check["level"] is None} == {"--offline"}


def test_the_command_ends_well_where_nothing_is_red() -> None:
    result = typed("prod", "--offline", "--only", "drivers")
    assert (result.exit_code, "1 green, 0 yellow, 0 red" in result.stdout) == (0, True)


def test_what_is_well_is_shown_where_it_is_asked_for() -> None:
    result = typed("prod", "--offline", "--skip", "charts", "--verbose")
    assert "needs driver 580; the nodes have 580" in " ".join(result.stdout.split())


def test_a_check_is_left_out_by_its_name() -> None:
    document = json.loads(typed("prod", "--offline", "--json", "--skip", "examples", "--skip", "zones").stdout)
    assert not {"examples", "zones"} & {check["name"] for check in document["checks"]}


def test_a_name_that_no_check_has_ends_the_command() -> None:
    result = typed("prod", "--skip", "qutas")
    assert result.exit_code == 2
    assert "'qutas': there is no such check" in result.stderr


def test_the_command_lists_its_checks_with_what_they_ask() -> None:
    rows = {row["name"]: row["actions"] for row in json.loads(typed("prod", "--list", "--json").stdout)["checks"]}
    assert rows["zones"] == ["ec2:DescribeAvailabilityZones"]
    assert rows["tools"] == []
    assert "vcpu-quotas" in typed("prod", "--list").stdout


def test_a_wrong_stack_file_is_told_as_by_validate(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Pulumi.prod.yaml", tmp_path)
    text = (tmp_path / "Pulumi.prod.yaml").read_text().replace("g6.2xlarge", "g6.2xlargest")
    (tmp_path / "Pulumi.prod.yaml").write_text(text)
    result = CliRunner().invoke(app, ["doctor", "prod", "--project", str(tmp_path)])
    assert result.exit_code == 2
    assert "pools.gpu-small.instance_types" in result.stderr


def test_without_credentials_the_account_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    from llmplatform.doctor.on_aws.account import AwsAccount

    monkeypatch.setattr(AwsAccount, "has_credentials", lambda self: False)
    document = json.loads(typed("prod", "--json").stdout)
    [account] = [check for check in document["checks"] if check["name"] == "account"]
    assert "aws sts get-caller-identity" in account["skipped"]


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "boto3", None)
    document = json.loads(typed("prod", "--json").stdout)
    [account] = [check for check in document["checks"] if check["name"] == "account"]
    assert "extra `recover`" in account["skipped"]


def test_names_of_checks_are_unique_in_a_cloud() -> None:
    for provider in ("aws", "alicloud"):
        names = [check.name for check in known.checks_of(provider)]
        assert len(names) == len({*names})

"""The checks that ask nobody, each shown red once with its remedy; and the command as it is typed.

Facts: Masterminds/semver's documentation (constraints); NVIDIA's table of toolkits and drivers; RFC 2606 (names).
"""

import hashlib
import io
import json
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from stack_settings import ROOT
from typer.testing import CliRunner

from llmplatform.catalog.versions import CHARTS
from llmplatform.cli.app import app
from llmplatform.doctor import known
from llmplatform.doctor.checks import Result
from llmplatform.doctor.here import charts, machine, settings
from llmplatform.doctor.here.constraints import admits
from llmplatform.doctor.running import run_check
from llmplatform.doctor.wanted import Wanted
from llmplatform.planning.models import plan_models
from llmplatform.planning.pools import plan_pools
from llmplatform.specs import parse
from llmplatform.specs.files import read

CHECKS = {check.name: check for check in known.HERE}
STACKS = ["dev", "prod", "dev-ack", "prod-ack"]


def wanted(project: Path, stack: str = "prod") -> Wanted:
    return Wanted(stack, parse(read(ROOT / f"Pulumi.{stack}.yaml")), project)


def archive(folder: Path, name: str, **fields: Any) -> Path:
    """A chart's archive with its `Chart.yaml`."""
    chart = CHARTS[name]
    said = yaml.safe_dump({"name": name, "version": chart.version, "appVersion": "v0.90.0", **fields}).encode()
    path = folder / ".charts" / chart.archive
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, "w:gz") as opened:
        member = tarfile.TarInfo(f"{name}/Chart.yaml")
        member.size = len(said)
        opened.addfile(member, io.BytesIO(said))
    return path


def all_archives(folder: Path, of: Wanted) -> list[Path]:
    return [archive(folder, chart.name) for chart in of.charts]


def ran(name: str, of: Wanted) -> Result:
    return run_check(CHECKS[name], of)


def texts(result: Result, level: str = "red") -> str:
    return "\n".join(f"{each.text} → {each.remedy}" for each in result.findings if each.level == level)


def test_values_of_the_examples_are_red_and_secrets_are_not_shown(tmp_path: Path) -> None:
    told = texts(ran("examples", wanted(tmp_path)))
    for shown in ("cloud.account_id: 444455556666", "Z0123456789ABCDEFGHIJ", "llm.example.org", "(encrypted)"):
        assert shown in told
    assert "v1:replace" not in told


@pytest.mark.parametrize("stack", STACKS)
def test_every_committed_stack_has_values_to_replace(tmp_path: Path, stack: str) -> None:
    assert ran("examples", wanted(tmp_path, stack)).level == "red"


@pytest.mark.parametrize("value", ["a@example.org", "llm.example.com", "https://x.test", "https://hooks.example.com/1"])
def test_names_that_are_nobodys_are_placeholders(value: str) -> None:
    assert list(settings.placeholders({"a": [{"b": value}]})) == [("a.b", value)]


@pytest.mark.parametrize("value", ["llm.acme.org", "myexample.org", "docker.io/x", "examples.org", ""])
def test_names_that_may_be_somebodys_are_none(value: str) -> None:
    assert list(settings.placeholders({"a": value})) == []


def test_a_version_whose_support_ends_is_yellow(tmp_path: Path) -> None:
    raw = read(ROOT / "Pulumi.prod.yaml")
    raw["cluster"]["kubernetes_version"] = "1.34"
    found = run_check(CHECKS["support"], Wanted("prod", parse(raw), tmp_path))
    assert found.level in ("yellow", "green")  # It depends on the day; the rule itself has tests of its own.


def test_an_engine_that_is_newer_than_the_driver_is_red(tmp_path: Path) -> None:
    stack = wanted(tmp_path).stack
    models = plan_models(stack, plan_pools(stack))
    # CUDA 13 needs branch 580.
    [first, *_] = settings.driver_findings(models, node_driver=570)
    assert first.level == "red"
    assert "needs driver 580, and the nodes of pool gpu-small have 570" in first.text
    assert {each.level for each in settings.driver_findings(models, node_driver=580)} == {"green"}


def test_a_driver_that_ack_may_not_have_is_yellow(tmp_path: Path) -> None:
    stack = wanted(tmp_path, "dev-ack").stack
    pools = tuple(replace(pool, driver=pool.driver and "590.48.01") for pool in plan_pools(stack))
    [finding] = settings.driver_findings(plan_models(stack, pools))
    assert (finding.level, "silently installs 535.161.07" in finding.text) == ("yellow", True)


def test_tools_that_are_missing_or_too_old_are_red() -> None:
    here = {"pulumi": "/bin/pulumi", "aws": "/bin/aws", "kubectl": "/bin/kubectl"}
    told = list(machine.tool_findings("aws", here.get, lambda program: "v3.260.0"))
    assert [finding.level for finding in told] == ["red", "green", "green"]
    assert "3.274" in told[0].remedy
    nothing = list(machine.tool_findings("alicloud", {}.get, lambda program: ""))
    assert [finding.level for finding in nothing] == ["red", "red", "yellow"]
    assert "ack-ram-tool is not on PATH" in nothing[1].text
    well = machine.tool_findings("aws", here.get, lambda program: "v3.276.0")
    assert {finding.level for finding in well} == {"green"}


def test_a_tool_that_says_nothing_has_no_version(tmp_path: Path) -> None:
    silent = tmp_path / "pulumi"
    silent.write_text("#!/bin/sh\nexit 3\n")
    silent.chmod(0o755)
    assert machine.version_of(str(silent)) == ""
    assert machine.version_of(str(tmp_path / "none")) == ""


def test_missing_archives_are_red_until_they_are_fetched(tmp_path: Path) -> None:
    of = wanted(tmp_path)
    result = ran("charts", of)
    assert "5 of 5 charts are missing" in texts(result)
    assert "llmplatform charts pull --stack prod" in texts(result)
    all_archives(tmp_path, of)
    assert ran("charts", of).level == "green"


def test_an_archive_that_is_not_the_accepted_one_is_red(tmp_path: Path) -> None:
    of = wanted(tmp_path)
    assert "there is no charts.lock" in texts(ran("charts-lock", of), "yellow")
    paths = all_archives(tmp_path, of)
    lock = {path.name.removesuffix(".tgz"): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    (tmp_path / "charts.lock").write_text(json.dumps(lock))
    assert ran("charts-lock", of).level == "green"
    paths[0].write_bytes(b"another")
    assert "is not the archive that charts.lock has" in texts(ran("charts-lock", of))
    (tmp_path / "charts.lock").write_text("{}")
    assert "charts.lock has no" in texts(ran("charts-lock", of), "yellow")
    (tmp_path / "charts.lock").write_text("{")
    assert "charts.lock: " in texts(ran("charts-lock", of))


def test_a_chart_for_another_kubernetes_is_red(tmp_path: Path) -> None:
    of = wanted(tmp_path)
    all_archives(tmp_path, of)
    assert ran("charts-fit", of).level == "green"
    archive(tmp_path, "cert-manager", kubeVersion=">= 1.36.0-0")
    assert "cert-manager v1.21.1 is for Kubernetes >= 1.36.0-0, and the cluster has 1.35" in texts(
        ran("charts-fit", of)
    )


def test_kinds_of_another_version_than_the_operators_are_red(tmp_path: Path) -> None:
    of = wanted(tmp_path)
    all_archives(tmp_path, of)
    archive(tmp_path, "prometheus-operator-crds", appVersion="v0.80.0")
    assert "runs operator v0.90.0, and prometheus-operator-crds has the kinds of v0.80.0" in texts(
        ran("charts-fit", of)
    )


@pytest.mark.parametrize("damage", [b"", b"no archive", None])
def test_an_archive_that_is_no_chart_is_red(tmp_path: Path, damage: bytes | None) -> None:
    of = wanted(tmp_path)
    path = all_archives(tmp_path, of)[0]
    path.write_bytes(path.read_bytes()[:-30] if damage is None else damage)
    assert "is no chart" in texts(ran("charts-fit", of)) or damage is None
    assert "Traceback" not in texts(ran("charts-fit", of))


def test_an_archive_of_another_chart_is_red() -> None:
    chart = CHARTS["cert-manager"]
    assert charts.chart_finding(chart, {"name": "evil", "version": chart.version}, "1.35").level == "red"
    assert charts.chart_finding(chart, {"name": chart.name, "version": "v1.0.0"}, "1.35").level == "red"
    # Helm's own charts write the version with and without a v.
    assert charts.chart_finding(chart, {"name": chart.name, "version": "1.21.1"}, "1.35").level == "green"


@pytest.mark.parametrize(
    ("constraint", "minor", "admitted"),
    [
        ("", "1.35", True),
        (">=1.25.0-0", "1.35", True),
        (">= 1.36.0-0", "1.35", False),
        (">=1.19-0", "1.35", True),
        ("^1.21.0", "1.35", True),
        ("^2.0.0", "1.35", False),
        (">=1.30.0 <1.35.0", "1.35", False),
        (">=1.30.0, <1.36.0", "1.35", True),
        ("< 1.35.7", "1.35", True),
        ("~1.35", "1.35", True),
        ("~1.34.2", "1.35", False),
        ("1.x", "1.35", True),
        (">1.35", "1.35", True),
        ("<=1.35", "1.35", True),
        ("<=1.34", "1.35", False),
        ("<1.20 || >=1.33", "1.35", True),
        ("!=1.35.2", "1.35", True),
        ("whatever", "1.35", True),
    ],
)
def test_a_constraint_admits_the_minors_that_helm_admits(constraint: str, minor: str, admitted: bool) -> None:
    assert admits(constraint, minor) == admitted


def typed(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["doctor", *arguments, "--project", str(ROOT)])


@pytest.mark.parametrize("stack", STACKS)
def test_the_command_looks_at_each_committed_stack_and_asks_nobody(stack: str) -> None:
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

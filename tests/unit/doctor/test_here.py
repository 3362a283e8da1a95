"""The checks without an account, each shown red once with its remedy.

Facts: NVIDIA's table of toolkits and drivers; RFC 2606 (names).
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.doctor.doctor_proofs import named
from support.stack_settings import ROOT

from llmplatform.catalog.versions import CHARTS
from llmplatform.checks import parse
from llmplatform.checks.files import read
from llmplatform.checks.rules import clusters
from llmplatform.doctor import known
from llmplatform.doctor.checks import Check, Result
from llmplatform.doctor.here import charts, machine, settings
from llmplatform.doctor.running import run_check, run_whatever_comes
from llmplatform.doctor.wanted import Wanted
from llmplatform.planning.models import ModelPlan, plan_models
from llmplatform.planning.pools import plan_pools

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


def another_archive(of: Wanted, patch: pytest.MonkeyPatch) -> None:
    [first, *_] = all_archives(of.project, of)
    (of.project / "charts.lock").write_text(json.dumps({first.name.removesuffix(".tgz"): "0" * 64}))


def a_chart_for_the_next_minor(of: Wanted, patch: pytest.MonkeyPatch) -> None:
    archive(of.project, "cert-manager", kubeVersion=">= 1.36.0-0")


MADE_RED: Mapping[str, tuple[Callable[[Wanted, pytest.MonkeyPatch], object], str, str]] = {
    "examples": (lambda of, patch: None, "cloud.account_id: 444455556666", "write your own"),
    "support": (
        lambda of, patch: patch.setattr(clusters, "today", lambda: date(2027, 3, 28)),
        "standard support of 1.35 ended on 2027-03-27",
        "raise it one minor at a time",
    ),
    "drivers": (
        # NVIDIA's table of toolkits and drivers: CUDA 13 needs branch 580.
        lambda of, patch: patch.setitem(vars(of), "models", with_driver(of, "570.195.03")),
        "needs driver 580, and the nodes of pool gpu-small have 570.195.03",
        "use an older engine (engine.version)",
    ),
    "tools": (
        lambda of, patch: patch.setenv("PATH", str(of.project)),
        "pulumi is not on PATH",
        "install the Pulumi CLI 3.274 or newer",
    ),
    "charts": (lambda of, patch: None, "7 of 7 charts are missing", "llmplatform charts pull --stack prod"),
    "charts-lock": (another_archive, "is not the archive that charts.lock has", "find out why"),
    "charts-fit": (a_chart_for_the_next_minor, "is for Kubernetes >= 1.36.0-0", "another cluster.kubernetes_version"),
}
"""Check to what makes it red, and what it says and advises then."""


def with_driver(of: Wanted, driver: str) -> tuple[ModelPlan, ...]:
    return plan_models(of.stack, tuple(replace(pool, driver=driver) for pool in of.pools))


@pytest.mark.parametrize("check", known.HERE, ids=named)
def test_each_check_is_red_once_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: Check) -> None:
    arrange, text, remedy = MADE_RED[check.name]
    of = wanted(tmp_path)
    arrange(of, monkeypatch)
    told = [each for each in run_check(check, of).findings if each.level == "red"]
    assert any(text in each.text and remedy in each.remedy for each in told), told


def test_values_of_the_examples_are_red_and_secrets_are_not_shown(tmp_path: Path) -> None:
    told = texts(ran("examples", wanted(tmp_path)))
    for shown in ("cloud.account_id: 444455556666", "Z0123456789ABCDEFGHIJ", "llm.example.org", "(encrypted)"):
        assert shown in told
    assert "v1:replace" not in told


@pytest.mark.parametrize("stack", STACKS)
def test_every_committed_stack_has_values_to_replace(tmp_path: Path, stack: str) -> None:
    assert ran("examples", wanted(tmp_path, stack)).level == "red"


@pytest.mark.parametrize("value", ["a@example.org", "llm.example.com", "https://x.test", "https://hooks.example.com/1"])
def test_names_that_are_ownerless_are_placeholders(value: str) -> None:
    assert list(settings.placeholders({"a": [{"b": value}]})) == [("a.b", value)]


@pytest.mark.parametrize("value", ["llm.acme.org", "myexample.org", "docker.io/x", "examples.org", ""])
def test_names_that_may_be_somebodys_are_none(value: str) -> None:
    assert list(settings.placeholders({"a": value})) == []


@pytest.mark.parametrize(
    ("stack", "said"),
    [
        # EKS user guide's calendar: standard support of 1.35 ends on 2027-03-27, and with the policy STANDARD the
        # cluster is raised then. ACK's page on supported versions: 1.35 until 2027-02-28.
        ("prod", "standard support of 1.35 ended on 2027-03-27: EKS raises clusters to the next minor by itself"),
        ("prod-ack", "support of 1.35 ended on 2027-02-28: ACK makes no clusters of it, and repairs none"),
    ],
)
def test_a_version_whose_support_has_ended_is_red(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stack: str, said: str
) -> None:
    monkeypatch.setattr(clusters, "today", lambda: date(2027, 3, 28))
    told = texts(ran("support", wanted(tmp_path, stack)))
    assert said in told
    assert "raise it one minor at a time, to '1.36'" in told


def test_what_only_will_be_trouble_is_yellow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "today", lambda: date(2026, 11, 30))
    assert ran("support", wanted(tmp_path)).level == "green"
    raw = read(ROOT / "Pulumi.prod-ack.yaml")
    raw["cluster"]["upgrade"] = True
    told = texts(ran("support", Wanted("prod-ack", parse(raw), tmp_path)), "yellow")
    assert "cluster.upgrade: " in told


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
    assert "7 of 7 charts are missing" in texts(result)
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
    assert "runs operator v0.90.0, and prometheus-operator-crds has the CRDs of v0.80.0" in texts(ran("charts-fit", of))


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


def test_a_damaged_archive_is_no_chart(tmp_path: Path) -> None:
    of = wanted(tmp_path)
    for path in all_archives(tmp_path, of):
        whole = path.read_bytes()
        # Behind gzip's head of ten bytes and a name (RFC 1952), a block of a type that there is none of (RFC 1951).
        start = whole.index(b"\0", 10) + 1
        path.write_bytes(whole[:start] + b"\xff" + whole[start + 1 :])
    assert "is no chart" in texts(ran("charts-fit", of))


def test_a_check_that_fails_on_this_machine_is_yellow_and_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise PermissionError("charts.lock")

    monkeypatch.setattr(charts, "locked", broken)
    of = wanted(tmp_path)
    (tmp_path / "charts.lock").write_text("{}")
    [found] = run_whatever_comes(CHECKS["charts-lock"], of).findings
    assert (found.level, "PermissionError: charts.lock" in found.text) == ("yellow", True)

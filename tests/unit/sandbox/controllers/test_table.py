"""The table of the controllers that are run for real."""

import io
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from rich.console import Console
from support.program import ROOT
from support.sandboxes.fake_api_server import FakeApiServer

from llmplatform.catalog import chart_crds
from llmplatform.catalog.versions import CHARTS
from llmplatform_sandbox import report
from llmplatform_sandbox.controllers.table import CONTROLLERS, UNSERVED, Controller, idle, played, unanswered, unserved
from llmplatform_sandbox.interfaces import Release
from llmplatform_sandbox.kube.releases import installed, new_record, releases, write_revision
from llmplatform_sandbox.snapshot import Snapshot

each_controller = pytest.mark.parametrize("controller", CONTROLLERS, ids=lambda each: each.chart)


@each_controller
def test_a_controller_has_the_version_of_its_chart(controller: Controller) -> None:
    assert controller.tool.version.removeprefix("v") == CHARTS[controller.chart].version.removeprefix("v")
    required = re.findall(
        r"^\s*(?:require )?(\S+) (v\S+)", (controller.tool.module / "go.mod").read_text(), re.MULTILINE
    )
    own = next(iter(controller.tool.binaries.values())).rpartition("/")[0]
    assert (own, controller.tool.version) in required, "what is built is what the table says"


@each_controller
def test_the_api_server_calls_a_controller_on_loopback_where_its_program_listens(controller: Controller) -> None:
    ports = {program.name: 41000 + number for number, program in enumerate(controller.programs) if program.listens}
    found = controller.registrations("home", ports)
    urls = [hook["clientConfig"]["url"] for each in found for hook in each.get("webhooks", ())]
    called = {urlsplit(url).port for url in urls} | {
        each["spec"]["service"]["port"] for each in found if each["kind"] == "APIService"
    }
    assert {urlsplit(url).hostname for url in urls} <= {"localhost"}
    names = {each["spec"]["externalName"] for each in found if each["kind"] == "Service"}
    assert names <= {"localhost"}
    assert called <= set(ports.values())
    assert len(called) == 1, "one of its programs answers"


def test_what_does_not_happen_is_said_of_installed_charts_alone() -> None:
    assert idle({"gpu-operator"}) == []
    assert idle({"cert-manager"}) == ["cert-manager: its controllers do not run: no certificate is issued"]


def test_a_chart_whose_controllers_cannot_run_stays_crds_and_is_named() -> None:
    assert unserved({"cert-manager", "dcgm-exporter"}) == []
    assert unserved({"gpu-operator", "cert-manager", "lws"}) == ["gpu-operator"]
    assert played({"gpu-operator", "lws"}) == ["lws: pods, Services and conditions of its groups, by published rules"]


def test_what_a_controller_that_does_not_run_would_make_is_named_with_the_reason() -> None:
    assert "KubeRay does not run in the sandbox" in unanswered({"apiVersion": "ray.io/v1", "kind": "RayService"})
    assert unanswered({"apiVersion": "leaderworkerset.x-k8s.io/v1", "kind": "LeaderWorkerSet"}) == ""
    assert unanswered({"apiVersion": "v1", "kind": "Pod"}) == ""


def test_each_chart_with_crds_is_run_or_has_a_reason() -> None:
    known = {each.chart for each in (*CONTROLLERS, *UNSERVED)}
    # The operator of one comes with kube-prometheus-stack; the controller of the other is played.
    crds = {chart for chart in CHARTS if chart_crds(chart)} - {"prometheus-operator-crds", "kserve-crd"}
    assert crds <= known
    assert len(known) == len(CONTROLLERS) + len(UNSERVED), "a chart is in one of the tables"


def test_the_guide_has_the_rows_of_both_tables() -> None:
    text = (ROOT / "docs/controllers.md").read_text()
    rows = re.findall(r"^\| `([\w-]+)` \| (.+?) \| (.+) \|$", text, re.MULTILINE)
    run = [each.chart for each in CONTROLLERS]
    assert [row[0] for row in rows[: len(run)]] == run
    for chart, (_, _, rest) in zip(CONTROLLERS, rows, strict=False):
        assert f" {chart.tool.version} |" in rest
    assert rows[len(run) :] == [(each.chart, each.controllers, each.why) for each in UNSERVED]


@pytest.mark.parametrize(
    ("status", "deployed", "there"),
    [
        ("deployed", True, True),
        ("pending-install", False, True),
        ("failed", False, True),
        ("superseded", False, False),
        ("uninstalling", False, False),
    ],
)
def test_controllers_run_from_the_installation_of_a_release_to_its_end(
    status: str, deployed: bool, there: bool
) -> None:
    server = FakeApiServer()
    server.add("v1", "Namespace", "home")
    record: dict[str, Any] = new_record(release("cert-manager"), revision=1, app_version="", status=status)
    write_revision(server.kube, record, owner="t")
    assert bool(releases(server.kube)) == deployed
    assert bool(installed(server.kube)) == there


def release(chart: str) -> Release:
    return Release(name=chart, namespace="home", chart=chart, version="1", values={})


@pytest.mark.parametrize(
    ("snapshot", "versions", "said"),
    [
        (
            Snapshot(idle=("cert-manager: no certificate is issued", "keda: no workload is scaled")),
            {},
            "llmplatform sandbox up dev --project /elsewhere --controllers cert-manager,keda",
        ),
        (
            Snapshot(unserved=("argo-rollouts", "gpu-operator")),
            {"cert-manager": "v1.21.1"},
            "argo-rollouts, gpu-operator: CRDs alone, nothing acts on their objects.",
        ),
        (Snapshot(played=("lws: pods of its groups",)), {}, "  lws: pods of its groups."),
        (Snapshot(), {"cert-manager": "v1.21.1"}, "scheduled for real. Controllers: cert-manager v1.21.1."),
    ],
)
def test_a_run_says_which_controllers_ran_or_what_did_not_happen(
    snapshot: Snapshot, versions: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "called", lambda: "llmplatform")
    printed = io.StringIO()
    console = Console(file=printed, width=500)
    tools = dict.fromkeys(("pulumi", "kubernetes", "etcd", "kwok"), "v1")
    report.print_reality(console, {**tools, **versions}, snapshot, "dev", Path("/elsewhere"))
    assert said in printed.getvalue()
    assert ("Not run" in printed.getvalue()) == bool(snapshot.idle or snapshot.unserved)

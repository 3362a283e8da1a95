"""The table of the controllers that are run for real."""

import re
from typing import Any

import pytest
from support.sandboxes.fake_api_server import FakeApiServer

from llmplatform.catalog.versions import CHARTS
from llmplatform_sandbox.controllers.table import CONTROLLERS, Controller, idle
from llmplatform_sandbox.interfaces import Release
from llmplatform_sandbox.kube.releases import installed, new_record, releases, write_revision

each_controller = pytest.mark.parametrize("controller", CONTROLLERS, ids=lambda each: each.chart)


@each_controller
def test_a_controller_has_the_version_of_its_chart(controller: Controller) -> None:
    assert controller.tool.version == CHARTS[controller.chart].version
    required = re.findall(
        r"^\s*(?:require )?(\S+) (v\S+)", (controller.tool.module / "go.mod").read_text(), re.MULTILINE
    )
    own = next(iter(controller.tool.binaries.values())).rpartition("/")[0]
    assert (own, controller.tool.version) in required, "what is built is what the table says"


@each_controller
def test_a_webhook_is_called_on_loopback_where_its_program_listens(controller: Controller) -> None:
    urls = [
        hook["clientConfig"]["url"] for found in controller.configurations("home", 41234) for hook in found["webhooks"]
    ]
    assert all(url.startswith("https://localhost:41234/") for url in urls)
    assert bool(urls) == any(program.listens for program in controller.programs)


def test_what_does_not_happen_is_said_of_installed_charts_alone() -> None:
    assert idle([release("keda")]) == []
    assert idle([release("cert-manager")]) == ["cert-manager: its controllers do not run: no certificate is issued"]


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

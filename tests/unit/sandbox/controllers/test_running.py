"""Which programs run, and what the API server asks of their webhooks, while a release is there and after."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.sandboxes.fake_api_server import FakeApiServer

from llmplatform_sandbox.controllers import running
from llmplatform_sandbox.controllers.running import Running
from llmplatform_sandbox.controllers.table import CONTROLLERS
from llmplatform_sandbox.interfaces import Release
from llmplatform_sandbox.kube.releases import new_record, set_status, write_revision
from llmplatform_sandbox.paths import SandboxPaths
from llmplatform_sandbox.progress import Report, silent
from llmplatform_sandbox.toolchain import Tool, Toolchain

(CERT_MANAGER,) = (each for each in CONTROLLERS if each.chart == "cert-manager")
NAMES = {program.name for program in CERT_MANAGER.programs}
CHARTS = [each.chart for each in CONTROLLERS]
RELEASE = Release(name="cm", namespace="home", chart="cert-manager", version="1", values={})
KINDS = ("validatingwebhookconfigurations", "mutatingwebhookconfigurations")


class Machine:
    """A sandbox with a fake API server, on a machine where any program starts and none is real."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.alive: dict[str, list[str]] = {}
        self.starts: list[str] = []
        self.answers = True
        self.admits = True
        """Whether the API server asks the webhooks that it has."""
        self.now = 1000.0
        self.ports = 40000
        self.paths = SandboxPaths(folder)
        self.paths.create()
        self.kubeconfig = self.paths.kube / "pki/admin.kubeconfig"
        self.kubeconfig.parent.mkdir(parents=True)
        self.server = FakeApiServer()
        self.server.add("v1", "Namespace", "home")
        monkeypatch.setattr(running, "ensure", self.ensure)
        monkeypatch.setattr(running, "free_ports", self.free_ports)
        self.server.refuse = self.admission
        monkeypatch.setattr(running, "answers", self.listens)
        # Its own clock alone: a thread that another test has left may sleep, too.
        clock = SimpleNamespace(monotonic=lambda: self.now, sleep=lambda seconds: self.pass_time(20 * seconds))
        monkeypatch.setattr(running, "time", clock)
        monkeypatch.setattr(running, "Processes", self.processes)
        self.controllers = Running(self.paths, self.server.kube, self.kubeconfig)

    def ensure(self, tools: Sequence[Tool], report: Report = silent) -> Toolchain:
        return Toolchain({binary: Path("/tools") / binary for tool in tools for binary in tool.binaries}, {})

    def free_ports(self, count: int, preferred: Sequence[int] = ()) -> list[int]:
        self.ports += 1
        return [*preferred, self.ports][:count]

    def listens(self, url: str, authority: str) -> bool:
        return self.answers

    def admission(self, method: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]] | None:
        """As the webhook, when the API server has learnt of it."""
        if body.get("kind") != "CertificateRequest" or not self.admits or self.policies() != ["Fail", "Fail"]:
            return None
        message = 'admission webhook "webhook.cert-manager.io" denied the request: spec.request: Invalid value'
        return 403, {"kind": "Status", "reason": "Forbidden", "message": message}

    def processes(self, run: Path, logs: Path) -> "Machine":
        return self

    # What `Processes` does.

    def start(self, name: str, command: list[str]) -> None:
        self.starts.append(name)
        self.alive[name] = command

    def running(self, name: str) -> bool:
        return name in self.alive

    def names(self) -> list[str]:
        return sorted(self.alive)

    def stop(self, *names: str) -> None:
        for name in names:
            del self.alive[name]

    # What happens on it.

    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    def release(self, release: Release = RELEASE) -> None:
        record: dict[str, Any] = new_record(release, revision=1, app_version="", status="deployed")
        write_revision(self.server.kube, record, owner="t")

    def configurations(self) -> list[Mapping[str, Any]]:
        return [obj for key, obj in self.server.objects.items() if key[1] in KINDS]

    def policies(self) -> list[str]:
        return [hook["failurePolicy"] for obj in self.configurations() for hook in obj["webhooks"]]

    def inject(self) -> None:
        """As the cainjector does."""
        for obj in self.configurations():
            for hook in obj["webhooks"]:
                hook["clientConfig"]["caBundle"] = "Q0E="


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path / "sandbox", monkeypatch)


def enabled(machine: Machine) -> Machine:
    running.enable(machine.paths, CHARTS, silent)
    machine.release()
    return machine


def test_nothing_runs_unless_the_sandbox_was_told_to(machine: Machine) -> None:
    machine.release()
    machine.controllers.step()
    assert machine.controllers.await_ready(RELEASE), "a release waits for nothing"
    assert (machine.starts, machine.configurations()) == ([], [])
    assert running.versions(machine.paths) == {}


def test_each_program_is_started_once_with_the_releases_namespace(machine: Machine) -> None:
    enabled(machine).controllers.step()
    machine.controllers.step()
    assert sorted(machine.starts) == sorted(NAMES)
    assert "--cluster-resource-namespace=home" in machine.alive["cert-manager-controller"]
    assert machine.alive["cert-manager-webhook"][:3] == [
        "/tools/cert-manager",
        "webhook",
        f"--kubeconfig={machine.kubeconfig}",
    ]
    assert running.versions(machine.paths) == {each.chart: each.tool.version for each in CONTROLLERS}


def test_the_webhook_refuses_only_from_when_it_can_be_asked(machine: Machine) -> None:
    enabled(machine).controllers.step()
    machine.controllers.step()
    assert machine.policies() == ["Ignore", "Ignore"], "no authority is injected: every object would be refused"
    machine.inject()
    machine.answers = False
    machine.controllers.step()
    assert set(machine.policies()) == {"Ignore"}, "it does not listen yet"
    machine.answers = True
    for _ in range(3):
        machine.controllers.step()
    assert machine.policies() == ["Fail", "Fail"]


def test_a_webhook_that_is_away_refuses_and_is_asked_again_when_it_is_back(machine: Machine) -> None:
    enabled(machine).controllers.step()
    machine.inject()
    for _ in range(3):
        machine.controllers.step()
    machine.answers = False
    machine.alive.clear()
    machine.pass_time(60)
    machine.controllers.step()
    assert set(machine.alive) == NAMES
    assert machine.policies() == ["Fail", "Fail"], "what it would refuse must not pass meanwhile"


def test_a_program_that_ends_at_once_is_not_started_in_every_round(machine: Machine) -> None:
    enabled(machine)
    for _ in range(5):
        machine.controllers.step()
        machine.alive.clear()
        machine.pass_time(1)
    assert sorted(machine.starts) == sorted(NAMES)
    machine.pass_time(10)
    machine.controllers.step()
    assert sorted(machine.starts) == sorted([*NAMES, *NAMES])


def test_a_release_waits_for_its_controllers_and_not_for_ever(machine: Machine) -> None:
    enabled(machine)
    assert not machine.controllers.await_ready(RELEASE), "no cainjector adds the authority"
    assert machine.now < 1400
    machine.inject()
    assert machine.controllers.await_ready(RELEASE)


def test_a_release_waits_until_the_api_server_asks_its_webhook(machine: Machine) -> None:
    enabled(machine).controllers.step()
    machine.inject()
    machine.admits = False
    assert not machine.controllers.await_ready(RELEASE), "what the webhook would refuse still passes"
    assert not [key for key in machine.server.objects if key[1] == "certificaterequests"], "a dry run makes nothing"
    machine.admits = True
    assert machine.controllers.await_ready(RELEASE)


def test_without_its_release_nothing_runs_or_is_asked(machine: Machine) -> None:
    enabled(machine).controllers.step()
    (revision,) = (obj for key, obj in machine.server.objects.items() if key[1] == "secrets")
    set_status(machine.server.kube, revision, "uninstalling")
    machine.controllers.step()
    assert (machine.alive, machine.configurations()) == ({}, [])


KEDA = Release(name="keda", namespace="home", chart="keda", version="1", values={})
METRICS = "v1beta1.external.metrics.k8s.io"


def with_keda(machine: Machine) -> Machine:
    running.enable(machine.paths, CHARTS, silent)
    machine.release(KEDA)
    return machine


def api(machine: Machine) -> Mapping[str, Any] | None:
    return machine.server.one("apiregistration.k8s.io/v1", "APIService", METRICS)


def test_the_metrics_server_knows_where_the_operator_listens(machine: Machine) -> None:
    with_keda(machine).controllers.step()
    operator, metrics = machine.alive["keda-operator"], machine.alive["keda-metrics"]
    (listens,) = [each for each in operator if each.startswith("--metrics-service-bind-address=127.0.0.1:")]
    assert f"--metrics-service-address=127.0.0.1:{listens.rpartition(':')[2]}" in metrics
    assert "--bind-address=127.0.0.1" in metrics


def test_an_added_api_is_called_on_loopback_and_waited_for(machine: Machine) -> None:
    with_keda(machine)
    assert not machine.controllers.await_ready(KEDA), "the API server has not found it available"
    found = api(machine)
    assert found is not None
    service = found["spec"]["service"]
    assert f"--secure-port={service['port']}" in machine.alive["keda-metrics"]
    named = machine.server.one("v1", "Service", service["name"], service["namespace"])
    assert named is not None
    assert named["spec"] == {"type": "ExternalName", "externalName": "localhost"}
    machine.server.kube.patch(found, {"status": {"conditions": [{"type": "Available", "status": "True"}]}})
    assert machine.controllers.await_ready(KEDA)


def test_an_added_api_goes_before_its_server(machine: Machine) -> None:
    with_keda(machine).controllers.step()
    (revision,) = (obj for key, obj in machine.server.objects.items() if key[1] == "secrets")
    set_status(machine.server.kube, revision, "uninstalling")
    machine.controllers.step()
    assert (machine.alive, api(machine)) == ({}, None), "an API that does not answer keeps every namespace from going"

"""Runs the controllers of the table while a release of their chart is installed, once a sandbox was told to.

They act with the administrator's rights, since no chart's RBAC is rendered. Webhook configurations ignore failures
until the certificate authority is injected and the webhook answers with a certificate of it; a release is installed
only when the webhook has refused an object, as Helm waits for the chart's startupapicheck, or for the pods behind an
APIService.
"""

import base64
import json
import socket
import ssl
import threading
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from llmplatform_sandbox.controllers.table import CONTROLLERS, Controller, Program, chosen
from llmplatform_sandbox.interfaces import Release
from llmplatform_sandbox.kube.client import Kube
from llmplatform_sandbox.kube.errors import KubeError
from llmplatform_sandbox.kube.readiness import condition
from llmplatform_sandbox.kube.releases import installed
from llmplatform_sandbox.paths import SandboxPaths, write_private
from llmplatform_sandbox.pki import Pki
from llmplatform_sandbox.processes import Processes, free_ports
from llmplatform_sandbox.progress import Report
from llmplatform_sandbox.toolchain import ensure

_RESTARTED_AFTER: Final = 10.0
"""Seconds between two starts of a program that ends at once: the kubelet's first back-off."""
_READY_WITHIN: Final = 300.0
"""Seconds: cert-manager's startupapicheck.timeout, in each of the five tries of startupapicheck.backoffLimit."""
_MANAGER: Final = "helm"


def enabled(paths: SandboxPaths) -> frozenset[str]:
    """Charts whose controllers the sandbox runs."""
    return frozenset(_noted(paths)["charts"])


def versions(paths: SandboxPaths) -> dict[str, str]:
    """Chart → version of the controllers that the sandbox runs."""
    charts = enabled(paths)
    return {each.chart: each.tool.version for each in CONTROLLERS if each.chart in charts}


def enable(paths: SandboxPaths, charts: Collection[str], report: Report) -> None:
    """Build the controllers of charts, and let the sandbox run them from now on, until it is taken down.

    Raises `SandboxError` for a chart without any.
    """
    ensure([each.tool for each in chosen(charts)], report=report)
    write_private(paths.controllers, json.dumps({**_noted(paths), "charts": sorted({*enabled(paths), *charts})}))


class Running:
    """The controllers of one sandbox. Thread-safe. `kubeconfig`: the administrator's, for the programs."""

    def __init__(self, paths: SandboxPaths, kube: Kube, kubeconfig: Path) -> None:
        self._paths = paths
        self._kubeconfig = kubeconfig
        self._kube = kube
        self._processes = Processes(paths.run, paths.logs)
        self._started: dict[str, float] = {}
        self._settled: set[str] = set()
        """Charts whose programs are asked."""
        self._lock = threading.Lock()

    def step(self) -> None:
        """Start what is missing, and stop what has no release any more. Level-triggered and idempotent."""
        charts = enabled(self._paths)
        if not charts:
            return
        homes = {release.chart: release.namespace for release in installed(self._kube) if release.chart in charts}
        for controller in CONTROLLERS:
            if controller.chart in homes:
                self._run(controller, homes[controller.chart])
            else:
                self._end(controller)

    def await_ready(self, release: Release) -> bool:
        """Start the controllers of a release that is being installed; False when they are not ready in time."""
        controller = next((each for each in CONTROLLERS if each.chart == release.chart), None)
        if controller is None or controller.chart not in enabled(self._paths):
            return True
        deadline = time.monotonic() + _READY_WITHIN
        while not self._run(controller, release.namespace):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.2)
        return True

    def _run(self, controller: Controller, namespace: str) -> bool:
        """Whether everything is up, and the API server asks it."""
        with self._lock:
            missing = [each for each in controller.programs if not self._processes.running(each.name)]
            if not missing and controller.chart in self._settled:
                return True
            self._settled.discard(controller.chart)
            ports = _noted(self._paths)["ports"]
            for program in missing:
                if program.listens:
                    ports[program.name] = self._port(program, ports)
                self._start(controller, program, namespace, ports)
            asked = [
                self._asked(each) if "webhooks" in each else self._served(each)
                for each in controller.registrations(namespace, ports)
            ]
            ready = all(asked) and self._refuses(controller.refused, namespace)
            if ready:
                self._settled.add(controller.chart)
            return ready

    def _start(self, controller: Controller, program: Program, namespace: str, ports: Mapping[str, int]) -> None:
        now = time.monotonic()
        if now - self._started.get(program.name, -_RESTARTED_AFTER) < _RESTARTED_AFTER:
            return
        self._started[program.name] = now
        binary = ensure([controller.tool])[next(iter(controller.tool.binaries))]
        names = {
            "kubeconfig": self._kubeconfig,
            "certificates": Pki(self._kubeconfig.parent).mounted,
            "namespace": namespace,
            "port": ports.get(program.name, 0),
            **ports,
        }
        self._processes.start(program.name, [str(binary), *(each.format_map(names) for each in program.arguments)])

    def _end(self, controller: Controller) -> None:
        with self._lock:
            self._settled.discard(controller.chart)
            names = [each.name for each in controller.programs if each.name in self._processes.names()]
            if not names:
                return
            for registration in controller.registrations("", {}):
                # What is in the release's namespace goes with that.
                if "namespace" not in registration["metadata"]:
                    self._kube.delete(registration)
            self._processes.stop(*names)

    def _served(self, wanted: dict[str, Any]) -> bool:
        """Whether an object is there, and an API that it adds answers."""
        metadata = wanted["metadata"]
        live = self._kube.get(wanted["apiVersion"], wanted["kind"], metadata["name"], metadata.get("namespace"))
        if live is None or any(live["spec"].get(key) != value for key, value in wanted["spec"].items()):
            live = self._kube.apply(wanted, manager=_MANAGER)
        return wanted["kind"] != "APIService" or condition(live, "Available").get("status") == "True"

    def _asked(self, wanted: dict[str, Any]) -> bool:
        """Whether the API server asks a webhook about every object; once it does, a webhook that is away refuses."""
        live = self._kube.get(wanted["apiVersion"], wanted["kind"], wanted["metadata"]["name"])
        before = [] if live is None else live["webhooks"]
        strict = bool(before) and (
            _policies(before) == _policies(wanted["webhooks"])
            or (
                all(hook["clientConfig"].get("caBundle") for hook in before)
                and all(map(answers, _urls(wanted["webhooks"]), (hook["clientConfig"]["caBundle"] for hook in before)))
            )
        )
        if not strict:
            for hook in wanted["webhooks"]:
                hook["failurePolicy"] = "Ignore"
        if (_policies(before), _urls(before)) != (_policies(wanted["webhooks"]), _urls(wanted["webhooks"])):
            self._kube.apply(wanted, manager=_MANAGER)
        return strict

    def _refuses(self, wrong: Mapping[str, Any] | None, namespace: str) -> bool:
        """Whether the API server asks the webhook already, and hears that an object is wrong."""
        if wrong is None:
            return True
        try:
            metadata = {**wrong["metadata"], "namespace": namespace}
            self._kube.apply({**wrong, "metadata": metadata}, manager=_MANAGER, dry_run=True)
        except KubeError as error:
            return "denied the request" in str(error)
        return False

    def _port(self, program: Program, known: Mapping[str, int]) -> int:
        (port,) = free_ports(1, preferred=[known[program.name]] if program.name in known else ())
        noted = {**_noted(self._paths), "ports": {**known, program.name: port}}
        write_private(self._paths.controllers, json.dumps(noted))
        return port


def _noted(paths: SandboxPaths) -> dict[str, Any]:
    """Charts, and ports of programs by name."""
    found = json.loads(paths.controllers.read_text()) if paths.controllers.exists() else {}
    return {"charts": [], "ports": {}, **found}


def _policies(webhooks: list[dict[str, Any]]) -> list[str]:
    return [hook["failurePolicy"] for hook in webhooks]


def _urls(webhooks: list[dict[str, Any]]) -> list[str]:
    return [hook["clientConfig"]["url"] for hook in webhooks]


def answers(url: str, authority: str) -> bool:
    """Whether a webhook has a certificate that the API server will trust. It listens before it has any.

    `authority`: in base64, of PEM. cert-manager v1.21.1, pkg/server/tls/dynamic_source.go, `GetCertificate`.
    """
    place = urlsplit(url)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with suppress(OSError):
        context.load_verify_locations(cadata=base64.b64decode(authority).decode())
        with (
            socket.create_connection(("127.0.0.1", place.port or 443), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname=place.hostname),
        ):
            return True
    return False

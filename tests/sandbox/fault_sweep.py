"""Takes the cloud's part of a stack up and down with the real engine while every call of the cloud has its faults.

On the way down what takes a cloud longest takes long, and the engine is killed meanwhile.

A process of its own: the SDK leaves what an inline program that failed was doing to the end of the process.
Arguments: an empty folder, the stack, its cloud's package, and how many resources the cloud's part has at least.
"""

import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from pulumi.automation.errors import CommandError
from support.program import ROOT
from support.sandboxes.cloud_account import FakeControlPlane

from llmplatform_sandbox.cloud import SimulatedCloud, faults
from llmplatform_sandbox.cloud.requests import CloudError
from llmplatform_sandbox.endpoints import Endpoints
from llmplatform_sandbox.engine import PulumiEngine
from llmplatform_sandbox.hosting import open_clouds, serve_providers
from llmplatform_sandbox.killing import strike
from llmplatform_sandbox.paths import SandboxPaths
from llmplatform_sandbox.progress import silent
from llmplatform_sandbox.project import copy_project, read_project
from llmplatform_sandbox.recovery import Unclean, reconcile
from llmplatform_sandbox.toolchain import PULUMI, ensure

MOST_RUNS = 40
SLOWEST = {"aws": "aws:eks/cluster:Cluster", "alicloud": "alicloud:cs/managedKubernetes:ManagedKubernetes"}


class NoCluster:
    def find(self, typ: str, urn: str, inputs: Any) -> str | None:
        raise AssertionError(f"{urn}: nothing is made in a cluster here")

    def mend(self, stack: str, known: Any) -> list[str]:
        return []


class CloudPart:
    """The cloud's part of a stack, over a simulated account in this process."""

    def __init__(self, folder: Path, stack: str, package: str) -> None:
        self.paths, self.package = SandboxPaths(folder), package
        self.paths.create()
        project = read_project(ROOT)
        copy_project(project, stack, self.paths)
        self.clouds = open_clouds(self.paths.clouds, FakeControlPlane())
        self.servers, ports = serve_providers(self.clouds, None)
        debug = Endpoints(pid=0, providers=ports).debug_providers
        self.engine = PulumiEngine(project, stack, self.paths, ensure([PULUMI]), debug, silent)
        self.runs = self.failures = self.slow_calls = 0

    @property
    def account(self) -> SimulatedCloud:
        return self.clouds[self.package]

    def wait(self, seconds: float) -> None:
        """What a slow call does; in the middle of the first one the engine dies, and the call comes to nothing."""
        self.slow_calls += 1
        time.sleep(seconds)
        if self.slow_calls == 1:
            strike(self.paths, ("engine",), 0, self.paths.run / "struck")
            raise CloudError("no caller waits for this call any more")

    def until_done(self, operation: str) -> None:
        """Run and run again, as a user would, until it ends well."""
        parts = (
            f"**llmplatform:{self.package}:*$random:**",
            f"**${self.package}:**",
            f"**::llmplatform:{self.package}:*::**",
            f"**$llmplatform:{self.package}:*::**",
        )
        targets = list(parts) if operation == "up" else None
        for _ in range(MOST_RUNS):
            self.runs += 1
            try:
                run = getattr(self.engine._stack(), operation)
                run(target=targets, continue_on_error=True, color="never", suppress_outputs=True)
            except CommandError as error:
                if self.engine.locks():
                    self.engine.unlock()
                elif "may have been carried out" not in str(error):
                    raise
                self.failures += 1
                Unclean(self.paths).set()
                reconcile(
                    self.engine, Unclean(self.paths), "urn:", lambda: self.clouds, NoCluster, wanted=operation == "up"
                )
            else:
                return
        raise AssertionError(f"{operation} did not end well in {MOST_RUNS} runs")

    def both(self) -> tuple[set[tuple[str, str]], list[tuple[str, str]]]:
        """(URN, id) by the state, and by the account."""
        resources = self.engine.checkpoint.resources()
        known = {(each["urn"], each["id"]) for each in resources if each["type"].startswith(f"{self.package}:")}
        return known, [(one.made_by, one.id) for one in self.account.objects() if one.made_by.startswith("urn:")]


def main(folder: str, stack: str, package: str, least: str) -> None:
    part = CloudPart(Path(folder), stack, package)
    for kind in ("throttling", "server-error", "lost-answer"):
        part.account.fault(kind, "all", active=True)
    part.until_done("up")
    state, account = part.both()
    assert len(state) >= int(least), f"the whole of the cloud's part came up, and not {len(state)} resources"
    assert part.failures > 0, "answers were lost"
    assert sorted(state) == sorted(account), "state and account hold the same, once each"
    assert list(part.paths.backend.rglob("*.attrs")) == [], "a kill while one is written loses the state behind it"
    answers = part.failures
    part.account.fault("slow-call", SLOWEST[package], active=True)
    with patch.object(faults, "time", SimpleNamespace(sleep=part.wait)):
        part.until_done("destroy")
    assert part.failures == answers + 1, "the engine was killed"
    assert part.slow_calls > 1, "the slow delete was asked for again"
    assert part.account.objects() == [], f"left behind after {part.runs} runs"
    for server in part.servers:
        server.stop(grace=0)


if __name__ == "__main__":
    main(*sys.argv[1:])

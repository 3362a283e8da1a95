"""A committed stack in a sandbox of its own, driven in this process, for tests that bring it up and change it."""

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from llmplatform_sandbox.engine import Outcome
from llmplatform_sandbox.interfaces import CloudObject
from llmplatform_sandbox.kube.client import Kube
from llmplatform_sandbox.kube.errors import KubeError
from llmplatform_sandbox.lifecycle import Sandbox
from llmplatform_sandbox.processes import end_engines
from llmplatform_sandbox.progress import Event, Output
from support.pace import eventually
from support.program import ROOT

NAMESPACE = "models"
IN_AN_INSTANCE = {"kind": "kms_instance", "instance": "kst-hzz0000000000000example", "deletion_days": 7}
"""A key of the stack's own for an ACK cluster, which the region has any number of."""

Config = dict[str, Any]


@dataclass
class Platform:
    """A copy of the project with one stack file."""

    folder: Path
    stack: str
    errors: list[str] = field(default_factory=list[str])
    """What the engine said was wrong."""

    @property
    def sandbox(self) -> Sandbox:
        return Sandbox(self.folder, self.stack, self._heard)

    def _heard(self, event: Event) -> None:
        if isinstance(event, Output) and event.severity == "error":
            self.errors.append(event.text)

    def edit(self, change: Callable[[Config], object]) -> None:
        """Change the stack file."""
        file = self.folder / f"Pulumi.{self.stack}.yaml"
        document = yaml.safe_load(file.read_text())
        change({key.removeprefix("llmplatform:"): value for key, value in document["config"].items()})
        file.write_text(yaml.safe_dump(document))

    def up(self) -> Outcome:
        return self.sandbox.up()

    def serve(self, model: str) -> None:
        """Up, until the model serves."""
        self.up()
        eventually(lambda: self.available(model), f"{model} serves")

    def objects(self) -> list[CloudObject]:
        """Everything in the accounts."""
        return [one for cloud in self.sandbox.clouds().values() for one in cloud.objects()]

    def machines(self, pool: str) -> list[CloudObject]:
        """Machines of a pool."""
        label = {"llmplatform.dev/pool": pool}
        return [
            one for one in self.objects() if one.type == "instance" and label.items() <= one.detail["labels"].items()
        ]

    @contextmanager
    def kube(self) -> Generator[Kube]:
        client = Kube(self.sandbox.control_plane().access())
        try:
            yield client
        finally:
            client.close()

    def deployment(self, model: str) -> dict[str, Any]:
        with self.kube() as kube:
            found = kube.get("apps/v1", "Deployment", model, NAMESPACE)
        assert found is not None, f"{model} is not there"
        return found

    def available(self, model: str) -> bool:
        conditions = self.deployment(model)["status"].get("conditions") or []
        return {"Available": "True"}.items() <= {each["type"]: each["status"] for each in conditions}.items()

    def kubelets(self) -> set[str]:
        with self.kube() as kube:
            return {node["status"]["nodeInfo"]["kubeletVersion"] for node in kube.list("v1", "Node")}

    @contextmanager
    def sampled(self, model: str, pool: str) -> Generator["Samples"]:
        """Ready endpoints of a model and machines of its pool, looked at each second meanwhile."""
        samples, over = Samples(), threading.Event()

        def look() -> None:
            while not over.wait(1.0):
                samples.machines.append(len(self.machines(pool)))
                try:
                    samples.ready.append(self._ready(model))
                except KubeError:
                    samples.blind += 1

        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            yield samples
        finally:
            over.set()
            watcher.join()

    def _ready(self, model: str) -> int:
        with self.kube() as kube:
            slices = kube.list(
                "discovery.k8s.io/v1", "EndpointSlice", NAMESPACE, labelSelector=f"kubernetes.io/service-name={model}"
            )
        endpoints = [one for each in slices for one in each.get("endpoints") or []]
        return sum(1 for one in endpoints if one.get("conditions", {}).get("ready"))


@dataclass
class Samples:
    """What was seen, once a second."""

    ready: list[int] = field(default_factory=list[int])
    machines: list[int] = field(default_factory=list[int])
    blind: int = 0
    """Looks that the API server did not answer, because it was upgraded itself."""


def platform_of(stack: str, folder: Path, *, charts: bool = False) -> Iterator[Platform]:
    """The body of a fixture: a platform; nothing of it runs afterwards, whatever happens.

    `charts`: with the definitions of the real charts, where they are here. They cost a sixth of a stack's life.
    """
    for name in ("Pulumi.yaml", f"Pulumi.{stack}.yaml"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "infra", folder / "infra", ignore=shutil.ignore_patterns("__pycache__"))
    made = Platform(folder, stack)
    without = pytest.MonkeyPatch()
    if not charts:
        without.delenv("LLMPLATFORM_CHARTS", raising=False)
    try:
        yield made
    finally:
        if made.sandbox.paths.exists():
            end_engines(made.sandbox.paths)
            made.sandbox.stop()
        without.undo()


def pulumi(platform: Platform, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A user's own CLI on the sandbox."""
    environment = {**os.environ, **platform.sandbox.shell_variables()}
    command = ["pulumi", *arguments, "--non-interactive"]
    return subprocess.run(command, cwd=platform.folder, env=environment, capture_output=True, text=True, check=False)


def refused(platform: Platform, *options: str) -> str:
    """What a user's own update says that fails."""
    found = pulumi(platform, "up", "--yes", "--skip-preview", "--suppress-progress", *options)
    assert found.returncode != 0, found.stdout
    return found.stdout + found.stderr


def destroy(platform: Platform) -> subprocess.CompletedProcess[str]:
    """As a user takes an environment down, with the CLI alone."""
    return pulumi(platform, "destroy", "--yes", "--skip-preview", "--suppress-progress")


def changed(outcome: Outcome) -> dict[str, str]:
    """Name of each resource that was not left alone → what was done with it."""
    return {step.name: step.op for step in outcome.steps if step.op not in ("same", "read", "refresh")}

"""Starts the world process of a sandbox, and waits until it serves."""

import os
import sys
import time

from llmplatform_sandbox.endpoints import fingerprint, read_endpoints
from llmplatform_sandbox.loopback import spare_loopback
from llmplatform_sandbox.paths import SandboxPaths
from llmplatform_sandbox.processes import Processes

WORLD = "world"
_WITHIN = 300.0
"""Seconds. It takes two, and half a minute on a machine whose processors others have."""


def start_world(paths: SandboxPaths, processes: Processes) -> None:
    """Start it unless it runs, with the present code and settings. Raises `SandboxError` if it ends."""
    endpoints = read_endpoints(paths)
    if endpoints and endpoints.pid == processes.pid(WORLD) and endpoints.fingerprint == fingerprint():
        return
    processes.stop(WORLD)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
    spare_loopback(environment)
    command = [sys.executable, "-P", "-m", "llmplatform_sandbox.world", "--folder", str(paths.folder)]
    processes.start(WORLD, command, environment=environment)
    deadline = time.monotonic() + _WITHIN
    while time.monotonic() < deadline:
        processes.require(WORLD)
        endpoints = read_endpoints(paths)
        if endpoints and endpoints.pid == processes.pid(WORLD):
            return
        time.sleep(0.05)
    raise processes.failed(WORLD, f"not ready after {_WITHIN:.0f} s")

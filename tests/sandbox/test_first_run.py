"""A machine without tools, with the real binaries at release sites on loopback."""

import subprocess
import time
from pathlib import Path

import pytest
from support import pace
from support.release_sites import TOOLS, binaries_of, served

from llmplatform_sandbox import toolchain
from llmplatform_sandbox.progress import Event, Output, ToolWork
from llmplatform_sandbox.toolchain.finding import WAY

pytestmark = pytest.mark.sandbox


def test_a_first_run_downloads_all_tools_with_little_work_and_they_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binaries = binaries_of(toolchain.ensure(TOOLS))
    monkeypatch.setenv(WAY, "download")
    events: list[Event] = []
    with served(binaries, monkeypatch) as sites:
        began, worked = time.monotonic(), time.process_time()
        there = toolchain.ensure(TOOLS, cache=tmp_path / "cache", report=events.append)
        seconds, worked = time.monotonic() - began, time.process_time() - worked
        assert {path.partition("/")[0] for path, _ in sites.asked} == {
            "dl.k8s.io",
            "get.pulumi.com",
            "github.com",
            "release-assets.githubusercontent.com",
        }
    megabytes = sum(event.received for event in events if isinstance(event, ToolWork) and event.done) / 1e6
    print(f"{seconds:.1f} s, {worked:.1f} s of them work, for {megabytes:.0f} MB")
    assert not pace.slow(worked, longest=60), "the sites' own work is in it, and what else the machine does is not"
    assert not any(isinstance(event, Output) for event in events)
    for binary, path in there.binaries.items():
        assert path.read_bytes() == binaries[binary]
    for tool in TOOLS:
        assert tool.recent
        for binary in tool.binaries:
            said = subprocess.run([there[binary], *tool.recent.arguments], capture_output=True, text=True, check=True)
            assert tool.version.removeprefix("v") in said.stdout
    monkeypatch.setenv("PATH", ":".join(str(there[next(iter(tool.binaries))].parent) for tool in TOOLS))
    monkeypatch.setenv(WAY, "path")
    assert toolchain.ensure(TOOLS, cache=tmp_path / "none") == there, "what they say of themselves is recent enough"

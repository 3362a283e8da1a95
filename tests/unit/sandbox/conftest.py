"""Fixtures for several files."""

from pathlib import Path

import pytest

from llmplatform_sandbox.paths import SandboxPaths


@pytest.fixture
def paths(tmp_path: Path) -> SandboxPaths:
    paths = SandboxPaths(tmp_path / "state")
    paths.create()
    return paths

"""Faults in every call of a whole stack's way up and down, with the real engine: nothing is lost, nothing made twice.

The cloud's part of the dev stacks alone: what a cluster does is another test's.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.program import ROOT

pytestmark = pytest.mark.sandbox


@pytest.mark.parametrize(("stack", "package", "least"), [("dev", "aws", 60), ("dev-ack", "alicloud", 25)])
def test_faults_in_every_call_lose_nothing(tmp_path: Path, stack: str, package: str, least: int) -> None:
    sweep = [sys.executable, str(Path(__file__).with_name("fault_sweep.py")), str(tmp_path), stack, package, str(least)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    run = subprocess.run(sweep, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr

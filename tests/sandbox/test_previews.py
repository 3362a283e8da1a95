"""What a reviewer does: every committed stack is planned with no credentials, no network, and nothing that runs."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.program import ROOT, STACKS, committed

pytestmark = pytest.mark.sandbox

WITHOUT_NETWORK = ["unshare", "--user", "--map-root-user", "--net", "bash", "-c", 'ip link set lo up && exec "$@"', "-"]


@pytest.fixture(scope="module")
def offline() -> list[str]:
    """What runs a command with only the loopback interface."""
    allowed = shutil.which("ip") and shutil.which("unshare")
    if not allowed or subprocess.run([*WITHOUT_NETWORK, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine forbids new network namespaces")
    return WITHOUT_NETWORK


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_is_planned_without_credentials_or_network(stack: str, offline: list[str]) -> None:
    llmplatform = str(Path(sys.executable).parent / "llmplatform")
    command = [*offline, llmplatform, "sandbox", "preview", stack, "--json", "--project", str(ROOT)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    registered = committed(stack, preview=True).registered
    assert json.loads(result.stdout)["changes"] == {"create": len(registered) + 1}, "all, and the stack"

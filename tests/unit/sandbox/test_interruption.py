"""An interruption of a command while the engine works."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.pace import PATIENCE, eventually

from llmplatform_sandbox.engine import ENGINE_MARK

ENGINE = """#!{python}
import signal, sys, time
def interrupt(number, frame):
    open("{folder}/signals", "a").write("x")
    time.sleep(1)
    sys.exit(1)
signal.signal(signal.SIGINT, interrupt)
open("{folder}/began", "w")
time.sleep(60)
"""
COMMAND = """
from pathlib import Path
from llmplatform_sandbox.engine import _Command
from llmplatform_sandbox.interruption import passed_on
from llmplatform_sandbox.paths import SandboxPaths
with passed_on(SandboxPaths(Path("{folder}"))):
    _Command(Path("{folder}/pulumi"), "3.0.0").run(["up"], "{folder}", {{"{mark}": "{folder}"}})
"""


@pytest.mark.parametrize("strike", [os.kill, os.killpg], ids=["the command alone", "its process group"])
def test_it_ends_with_one_signal_to_the_engine(strike: Callable[[int, int], None], tmp_path: Path) -> None:
    pulumi = tmp_path / "pulumi"
    pulumi.write_text(ENGINE.format(python=sys.executable, folder=tmp_path))
    pulumi.chmod(0o700)
    program = COMMAND.format(folder=tmp_path, mark=ENGINE_MARK)
    command = subprocess.Popen(
        [sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        eventually(lambda: command.poll() is not None or (tmp_path / "began").exists(), "the engine never began")
        assert command.poll() is None, command.communicate()
        strike(command.pid, signal.SIGINT)
        _, said = command.communicate(timeout=PATIENCE)
    finally:
        command.kill()
    assert said.splitlines()[-1] == "KeyboardInterrupt"
    assert (tmp_path / "signals").read_text() == "x"

"""The committed program, every registration of it written into the file that `benchmark:recording` names."""

import runpy
import sys
from pathlib import Path

import pulumi

from benchmarks.platforms import ROOT
from benchmarks.recording import record

folder = ROOT / "infra"
sys.path.insert(0, str(folder))
# Registrations go on after the last line of a program: the end of the process closes the file.
file = Path(pulumi.Config("benchmark").require("recording")).open("w", buffering=1)  # noqa: SIM115
record(file)
runpy.run_path(str(folder / "__main__.py"), run_name="__main__")

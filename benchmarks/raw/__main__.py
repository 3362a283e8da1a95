"""The resources of the recording that `benchmark:recording` names, registered without components."""

from pathlib import Path

import pulumi

from benchmarks.recording import replay

replay(Path(pulumi.Config("benchmark").require("recording")))

"""The resources of the recording that `benchmark:recording` names, registered without components."""

import asyncio
from pathlib import Path

import pulumi

from benchmarks.recording import replay

replay(Path(pulumi.Config("benchmark").require("recording")))


async def outputs() -> None:
    """None; the wait is that of the program."""
    await asyncio.sleep(0)


pulumi.run(outputs)

"""The resources of the recording that `benchmark:recording` names, registered without components."""

import asyncio
import gc
from pathlib import Path

import pulumi

from benchmarks.recording import replay

# As the program does, for the same reasons: what is compared are the components.
gc.set_threshold(100_000)
replay(Path(pulumi.Config("benchmark").require("recording")))


async def outputs() -> None:
    """None."""
    await asyncio.sleep(0)


pulumi.run(outputs)

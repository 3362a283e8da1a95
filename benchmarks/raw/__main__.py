"""The resources of the recording that `benchmark:recording` names, registered without components."""

import asyncio
import gc
from pathlib import Path

import pulumi

from benchmarks.recording import replay
from llmplatform.base.registration import short_stack_traces

# As the program does, for the same reasons: what is compared are the components.
gc.set_threshold(100_000)
with short_stack_traces():
    replay(Path(pulumi.Config("benchmark").require("recording")))


async def outputs() -> None:
    """None."""
    await asyncio.sleep(0)


pulumi.run(outputs)

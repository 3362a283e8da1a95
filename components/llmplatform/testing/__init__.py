"""For tests of programs that use the components: with no process, no socket and no cloud, in a second or two.

    from llmplatform.testing import run_program

    def test_the_pool_may_grow() -> None:
        engine = run_program("path/to/program", "dev")
        assert engine.one("aws:eks/nodeGroup:NodeGroup", "gpu-spot").inputs["scalingConfig"]["maxSize"] == 4

Needs no test framework. Nothing of the platform imports it.
"""

from llmplatform.testing.engine import RecordingEngine, walk
from llmplatform.testing.program import run_program
from llmplatform.testing.registration import Computed, Properties, Registered

__all__ = ["Computed", "Properties", "RecordingEngine", "Registered", "run_program", "walk"]

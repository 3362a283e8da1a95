"""The programs that the sandbox runs: from PATH, from their official releases, or built from their Go modules."""

from llmplatform_sandbox.toolchain.finding import Toolchain, ensure
from llmplatform_sandbox.toolchain.tools import ALERTMANAGER, ETCD, KUBERNETES, KWOK, PROMETHEUS, PULUMI, REPLAY, Tool

__all__ = [
    "ALERTMANAGER",
    "ETCD",
    "KUBERNETES",
    "KWOK",
    "PROMETHEUS",
    "PULUMI",
    "REPLAY",
    "Tool",
    "Toolchain",
    "ensure",
]

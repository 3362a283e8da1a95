"""The programs that the sandbox runs, each built once from its Go module into the user's cache."""

from llmplatform_sandbox.toolchain.builder import Toolchain, ensure
from llmplatform_sandbox.toolchain.tools import ETCD, KUBERNETES, KWOK, PULUMI, Tool

__all__ = ["ETCD", "KUBERNETES", "KWOK", "PULUMI", "Tool", "Toolchain", "ensure"]

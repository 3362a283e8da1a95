"""Simulated cloud accounts: what exists, what may exist, and what follows from it."""

from llmplatform_sandbox.cloud.control_plane import ControlPlane, NoControlPlane, PaperControlPlane
from llmplatform_sandbox.cloud.simulated import SimulatedCloud, open_cloud

__all__ = ["ControlPlane", "NoControlPlane", "PaperControlPlane", "SimulatedCloud", "open_cloud"]

"""Simulated cloud accounts: their objects, and the rules for them."""

from llmplatform_sandbox.cloud.control_plane import ControlPlane, NoControlPlane, PaperControlPlane
from llmplatform_sandbox.cloud.simulated import SimulatedCloud, open_cloud

__all__ = ["ControlPlane", "NoControlPlane", "PaperControlPlane", "SimulatedCloud", "open_cloud"]

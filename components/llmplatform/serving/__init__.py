"""Model serving."""

from llmplatform.serving.hydrators import Hydration, HydrationArgs
from llmplatform.serving.model_server import ModelServer, ModelServerArgs

__all__ = ["Hydration", "HydrationArgs", "ModelServer", "ModelServerArgs"]

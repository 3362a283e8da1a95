"""Model serving."""

from llmplatform.serving.model_server import ModelServer, ModelServerArgs

__all__ = ["ModelServer", "ModelServerArgs"]

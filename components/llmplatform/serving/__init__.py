"""Model serving."""

from llmplatform.serving.hydrators import Hydration, HydrationArgs
from llmplatform.serving.installation import install
from llmplatform.serving.model_server import ModelServer, ModelServerArgs
from llmplatform.serving.placeholders import Placeholders, PlaceholdersArgs
from llmplatform.serving.prepull import Prepull, PrepullArgs

__all__ = [
    "Hydration",
    "HydrationArgs",
    "ModelServer",
    "ModelServerArgs",
    "Placeholders",
    "PlaceholdersArgs",
    "Prepull",
    "PrepullArgs",
    "install",
]

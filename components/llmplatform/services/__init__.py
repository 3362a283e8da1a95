"""Services beside the models: one module each, named like its settings."""

# Written by scripts/capabilities.py from the modules of this folder.
from llmplatform.services import mlflow
from llmplatform.services.mlflow import Mlflow, MlflowArgs

__all__ = ["Mlflow", "MlflowArgs", "mlflow"]

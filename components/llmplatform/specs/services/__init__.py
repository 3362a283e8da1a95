"""Settings of the services beside the models."""

# Written by scripts/capabilities.py from the modules of this folder.
from llmplatform.specs.services.mlflow import Artifacts, ExistingPostgres, Mlflow, Volume

__all__ = ["Artifacts", "ExistingPostgres", "Mlflow", "Volume"]

"""Services beside the models: one module each, named like its settings."""

# Written by scripts/capabilities.py from the modules of this folder.
from llmplatform.services import milvus, mlflow
from llmplatform.services.milvus import Milvus, MilvusArgs
from llmplatform.services.mlflow import Mlflow, MlflowArgs

__all__ = ["Milvus", "MilvusArgs", "Mlflow", "MlflowArgs", "milvus", "mlflow"]

"""Services beside the models: one module each, named like its settings."""

# Written by scripts/capabilities.py from the modules of this folder.
from llmplatform.services import cache, milvus, mlflow
from llmplatform.services.cache import Cache, CacheArgs
from llmplatform.services.milvus import Milvus, MilvusArgs
from llmplatform.services.mlflow import Mlflow, MlflowArgs
from llmplatform.services.valkey import Valkey, ValkeyArgs

__all__ = [
    "Cache",
    "CacheArgs",
    "Milvus",
    "MilvusArgs",
    "Mlflow",
    "MlflowArgs",
    "Valkey",
    "ValkeyArgs",
    "cache",
    "milvus",
    "mlflow",
]

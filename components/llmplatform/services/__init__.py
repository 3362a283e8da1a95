"""Services beside the models: a module or a package each, named like its settings."""

# Written by scripts/capabilities.py from the modules of this folder.
from llmplatform.services import cache, milvus, mlflow
from llmplatform.services.cache import Cache, CacheArgs, Valkey, ValkeyArgs
from llmplatform.services.milvus import Milvus, MilvusArgs
from llmplatform.services.mlflow import Mlflow, MlflowArgs

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

"""Settings of the services beside the models."""

# Written by scripts/capabilities.py from the modules of this folder.
from llmplatform.specs.services.milvus import (
    Clusters,
    DiskAnnIndex,
    FlatIndex,
    HnswIndex,
    IvfFlatIndex,
    IvfSq8Index,
    Milvus,
    MilvusBackups,
    MilvusDrill,
    MilvusEtcd,
    MilvusGrant,
    MilvusRole,
    MilvusUser,
    ScannIndex,
    VectorIndex,
)
from llmplatform.specs.services.mlflow import Artifacts, Dumps, ExistingPostgres, Mlflow, Volume

__all__ = [
    "Artifacts",
    "Clusters",
    "DiskAnnIndex",
    "Dumps",
    "ExistingPostgres",
    "FlatIndex",
    "HnswIndex",
    "IvfFlatIndex",
    "IvfSq8Index",
    "Milvus",
    "MilvusBackups",
    "MilvusDrill",
    "MilvusEtcd",
    "MilvusGrant",
    "MilvusRole",
    "MilvusUser",
    "Mlflow",
    "ScannIndex",
    "VectorIndex",
    "Volume",
]

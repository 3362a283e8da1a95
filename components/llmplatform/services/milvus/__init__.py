"""Milvus: vectors and their search, its users and its backups."""

from llmplatform.services.milvus.component import Milvus, MilvusArgs, install

__all__ = ["Milvus", "MilvusArgs", "install"]

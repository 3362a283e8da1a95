"""Documents that are found by their vectors: a collection in Milvus, for the programs of one team.

Address, password and certificate come from the environment, as `examples/milvus/README.md` mounts them into a pod:
MILVUS_ADDRESS, MILVUS_USER, MILVUS_PASSWORD, MILVUS_CA (a file; empty without TLS).
"""

import json
import os
from collections.abc import Sequence
from typing import Any

from pymilvus import DataType, MilvusClient


def connect() -> MilvusClient:
    """A client of the Milvus that the environment names."""
    password = os.environ.get("MILVUS_PASSWORD")
    login = {"user": os.environ.get("MILVUS_USER", "root"), "password": password} if password else {}
    authority = os.environ.get("MILVUS_CA")
    trust = {"secure": True, "server_pem_path": authority} if authority else {}
    return MilvusClient(uri=os.environ["MILVUS_ADDRESS"], **login, **trust)


class Documents:
    """A collection of texts with a vector and a language each."""

    def __init__(self, client: MilvusClient, name: str, dimension: int) -> None:
        self._client, self._name = client, name
        if not client.has_collection(name):
            self._create(dimension)
        client.load_collection(name)

    def _create(self, dimension: int) -> None:
        schema = self._client.create_schema(auto_id=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
        schema.add_field("text", DataType.VARCHAR, max_length=4096)
        schema.add_field("language", DataType.VARCHAR, max_length=8)
        index = self._client.prepare_index_params()
        # `M` is services.milvus.index.m of the stack file, by which the memory is planned.
        index.add_index("vector", index_type="HNSW", metric_type="COSINE", params={"M": 30, "efConstruction": 360})
        self._client.create_collection(self._name, schema=schema, index_params=index)

    def put(self, documents: Sequence[dict[str, Any]]) -> int:
        """Adds documents, or replaces those with the same id. Gives their number."""
        return int(self._client.upsert(self._name, list(documents))["upsert_count"])

    def search(self, vector: Sequence[float], *, most: int = 5, language: str | None = None) -> list[dict[str, Any]]:
        """The nearest documents, the nearest first, of one language if it is given."""
        found = self._client.search(
            self._name,
            data=[list(vector)],
            limit=most,
            # Quoted as JSON, so that no text becomes part of the expression.
            filter=f"language == {json.dumps(language, ensure_ascii=False)}" if language else "",
            output_fields=["text", "language"],
            consistency_level="Strong",
        )
        return [{"id": hit["id"], "score": hit["distance"], **hit["entity"]} for hit in found[0]]

    def delete(self, ids: Sequence[int]) -> None:
        """Removes documents."""
        self._client.delete(self._name, ids=list(ids))

    def count(self) -> int:
        """Number of documents."""
        found = self._client.query(self._name, filter="", output_fields=["count(*)"], consistency_level="Strong")
        return int(found[0]["count(*)"])

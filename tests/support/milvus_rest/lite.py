"""Milvus' REST API before milvus-lite, which has none: for its collections, with one user, `root`.

Runs in the client's environment. Arguments: address of milvus-lite, and the password. It says its address when it is
ready. Forms of requests and answers: Milvus 2.6, httpserver/request_v2.go and handler_v2.go. `test/restore` stands for
milvus-backup, which cannot run here: it copies a collection, rows and index, through the real client.
"""

import re
import sys
import threading
from collections.abc import Mapping
from typing import Any

from pymilvus import DataType, MilvusClient

from support.milvus_rest.serving import Fault, served

PATHS = re.compile(r"(collections|databases|entities|test)/[a-z_]+")


class Lite:
    """Requests, one client for each database."""

    def __init__(self, uri: str) -> None:
        self._uri, self._clients, self._lock = uri, dict[str, MilvusClient](), threading.Lock()
        self._faults: set[tuple[str, str]] = set()

    def client(self, database: str) -> MilvusClient:
        if database not in self._clients:
            self._clients[database] = MilvusClient(self._uri, db_name=database)
        return self._clients[database]

    def __call__(self, user: str, path: str, body: Mapping[str, Any]) -> Any:
        asked = dict(body)
        client = self.client(asked.pop("dbName", "default"))
        with self._lock:
            try:
                return getattr(self, path.replace("/", "_"))(client, **asked, **self._database(path, body))
            except (AttributeError, TypeError):
                raise
            except Exception as error:
                raise Fault(str(error)) from None

    def _database(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return {"dbName": body["dbName"]} if path == "databases/create" else {}

    def databases_list(self, client: MilvusClient) -> Any:
        return list(client.list_databases())

    def databases_create(self, client: MilvusClient, dbName: str) -> Any:
        self.client("default").create_database(dbName)

    def collections_list(self, client: MilvusClient) -> Any:
        return list(client.list_collections())

    def collections_get_load_state(self, client: MilvusClient, collectionName: str) -> Any:
        if ("loading", collectionName) in self._faults:
            return {"loadState": "LoadStateLoading"}
        return {"loadState": f"LoadState{client.get_load_state(collectionName)['state'].name}"}

    def collections_get_stats(self, client: MilvusClient, collectionName: str) -> Any:
        self._counted(collectionName)
        return {"rowCount": int(client.get_collection_stats(collectionName)["row_count"])}

    def collections_load(self, client: MilvusClient, collectionName: str) -> Any:
        client.load_collection(collectionName)

    def collections_release(self, client: MilvusClient, collectionName: str) -> Any:
        client.release_collection(collectionName)

    def collections_drop(self, client: MilvusClient, collectionName: str) -> Any:
        client.drop_collection(collectionName)

    def collections_create(
        self,
        client: MilvusClient,
        collectionName: str,
        schema: Mapping[str, Any],
        indexParams: list[Mapping[str, Any]],
    ) -> Any:
        made = client.create_schema(auto_id=schema["autoID"], enable_dynamic_field=schema["enableDynamicField"])
        for each in schema["fields"]:
            kind = {"Int64": "INT64", "VarChar": "VARCHAR", "Bool": "BOOL", "FloatVector": "FLOAT_VECTOR"}
            sizes = {key: int(value) for key, value in each["elementTypeParams"].items()}
            primary = each.get("isPrimary", False)
            made.add_field(each["fieldName"], DataType[kind[each["dataType"]]], is_primary=primary, **sizes)
        index = client.prepare_index_params()
        for each in indexParams:
            index.add_index(each["fieldName"], index_type=each["indexType"], metric_type=each["metricType"])
        client.create_collection(collectionName, schema=made, index_params=index)

    def entities_insert(self, client: MilvusClient, collectionName: str, data: list[dict[str, Any]]) -> Any:
        return {"insertCount": client.insert(collectionName, data)["insert_count"]}

    def entities_query(
        self,
        client: MilvusClient,
        collectionName: str,
        filter: str,
        outputFields: list[str],
        limit: int,
        consistencyLevel: str,
    ) -> Any:
        self._counted(collectionName)
        most = {"limit": limit} if limit else {}
        found = client.query(
            collectionName, filter, output_fields=outputFields, consistency_level=consistencyLevel, **most
        )
        return [_plain(each) for each in found]

    def entities_search(
        self,
        client: MilvusClient,
        collectionName: str,
        data: list[list[float]],
        annsField: str,
        limit: int,
        outputFields: list[str],
        consistencyLevel: str,
    ) -> Any:
        (hits,) = client.search(
            collectionName,
            data,
            anns_field=annsField,
            limit=limit,
            output_fields=outputFields,
            consistency_level=consistencyLevel,
        )
        return [{"distance": float(hit["distance"]), **_plain(hit["entity"])} for hit in hits]

    def test_fault(self, client: MilvusClient, collectionName: str, fault: str, on: bool) -> Any:
        """`uncountable`: its rows cannot be counted; `loading`: it never gets into memory."""
        (self._faults.add if on else self._faults.discard)((fault, collectionName))

    def _counted(self, name: str) -> None:
        if ("uncountable", name) in self._faults:
            raise Fault("no segment")

    def test_make(self, client: MilvusClient, collectionName: str, rows: int, loaded: bool = True) -> Any:
        client.create_collection(collectionName, dimension=4, metric_type="L2")
        data = [{"id": number, "vector": [float(number), 0.0, 0.0, 1.0]} for number in range(rows)]
        if data:
            client.insert(collectionName, data)
        if not loaded:
            client.release_collection(collectionName)

    def test_delete(self, client: MilvusClient, collectionName: str, ids: list[int]) -> Any:
        client.delete(collectionName, ids=ids)

    def test_restore(self, client: MilvusClient, suffix: str) -> Any:
        for name in [each for each in client.list_collections() if not each.endswith(suffix)]:
            state = client.get_load_state(name)["state"].name
            client.load_collection(name)
            described = client.describe_collection(name)
            made = client.create_schema(auto_id=False, enable_dynamic_field=described["enable_dynamic_field"])
            for field in described["fields"]:
                sizes = {key: int(value) for key, value in field["params"].items() if key in ("dim", "max_length")}
                made.add_field(
                    field["name"], DataType(field["type"]), is_primary=field.get("is_primary", False), **sizes
                )
            index = client.prepare_index_params()
            index.add_index("vector", index_type="FLAT", metric_type="L2")
            client.create_collection(name + suffix, schema=made, index_params=index)
            client.release_collection(name + suffix)
            filters = "id >= 0" if described["fields"][0]["name"] == "id" else 'name >= ""'
            rows = client.query(name, filters, output_fields=["*"], limit=10_000, consistency_level="Strong")
            if rows:
                client.insert(name + suffix, [_plain(each) for each in rows])
            if state != "Loaded":
                client.release_collection(name)


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: [float(number) for number in value]
        if key == "vector"
        else value.item()
        if hasattr(value, "item")
        else value
        for key, value in row.items()
    }


def main(uri: str, password: str) -> None:
    """Serve until standard input ends."""
    lite = Lite(uri)
    with served({"root": password}.get, lite, lambda path: bool(PATHS.fullmatch(path))) as address:
        print(address, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])

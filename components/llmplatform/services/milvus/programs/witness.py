"""How many rows each collection has, as a collection of Milvus' own, so that each backup has it as well.

Arguments: address, folder of the passwords, file of the authority (or nothing), and seconds to wait for Milvus. Written
just before a backup: the drill compares with it what comes back. It holds a vector for each row, so that it is loaded,
searched and compared in full.
Source: Milvus 2.6, httpserver/request_v2.go (`CollectionReq`, `QueryReqV2`): a collection with an index is loaded.
"""

import sys
from collections.abc import Iterator
from typing import Any

from llmplatform.services.milvus.programs.rest import Denied, Milvus, Refused, Unreachable, as_root

DATABASE, COLLECTION = "platform_backup", "rows"
SUFFIX = "_platform_drill"
"""End of the names of restored copies. Nothing else may end so: the drill drops them."""
LOADED = "LoadStateLoaded"
UNKNOWN = -1
"""Rows of a collection that cannot be counted."""


def main(address: str, secrets: str, authority: str, seconds: str) -> None:
    """Write it anew. Raises SystemExit with the reason if that fails."""
    try:
        write(as_root(address, secrets, authority or None, float(seconds)))
    except (Denied, Refused, Unreachable) as error:
        raise SystemExit(str(error)) from None


def write(root: Milvus) -> None:
    """Count, and store the counts."""
    found = [row for each in collections(root) if (row := _counted(root, *each)) is not None]
    if DATABASE not in root("databases/list"):
        root("databases/create", dbName=DATABASE)
    place = {"dbName": DATABASE, "collectionName": COLLECTION}
    if COLLECTION in root("collections/list", dbName=DATABASE):
        root("collections/drop", **place)
    root("collections/create", **place, **_form())
    # Without a row it would have no data, and prove nothing. No collection has this name.
    rows = [{"name": "-", "rows": 0, "counted": False}, *found]
    data = [{**row, "vector": [float(number), 1.0]} for number, row in enumerate(rows)]
    root("entities/insert", **place, data=data)
    for row in found:
        if row["rows"] != UNKNOWN:
            print(f"{row['name']}: {row['rows']} rows{'' if row['counted'] else ', as stored'}", flush=True)


def collections(root: Milvus) -> Iterator[tuple[str, str]]:
    """Database and name of every collection, without restored copies and the witness."""
    for database in sorted(root("databases/list")):
        for name in sorted(root("collections/list", dbName=database)):
            if not name.endswith(SUFFIX) and (database, name) != (DATABASE, COLLECTION):
                yield database, name


def count(root: Milvus, database: str, name: str) -> int:
    """Rows of a loaded collection, with all that was written before."""
    asked = {"filter": "", "outputFields": ["count(*)"], "limit": 0, "consistencyLevel": "Strong"}
    (found,) = root("entities/query", dbName=database, collectionName=name, **asked)
    return int(found["count(*)"])


def stored(root: Milvus, database: str, name: str) -> int:
    """Rows in the segments of a collection: deleted ones may still be among them."""
    return int(root("collections/get_stats", dbName=database, collectionName=name)["rowCount"])


def load_state(root: Milvus, database: str, name: str) -> str:
    """Whether a collection is in memory."""
    return str(root("collections/get_load_state", dbName=database, collectionName=name)["loadState"])


def _counted(root: Milvus, database: str, name: str) -> dict[str, Any] | None:
    """One that cannot be counted is backed up all the same; None for one that was dropped meanwhile."""
    row = {"name": f"{database}.{name}", "counted": False}
    try:
        if load_state(root, database, name) == LOADED:
            return {**row, "rows": count(root, database, name), "counted": True}
    except Refused as error:
        print(f"{row['name']}: {error}", flush=True)
    try:
        return {**row, "rows": stored(root, database, name)}
    except Refused as error:
        if name not in root("collections/list", dbName=database):
            return None
        print(f"{row['name']}: it cannot be counted: {error}", flush=True)
        return {**row, "rows": UNKNOWN}


def _form() -> dict[str, Any]:
    fields = [
        {"fieldName": "name", "dataType": "VarChar", "isPrimary": True, "elementTypeParams": {"max_length": "600"}},
        {"fieldName": "rows", "dataType": "Int64", "elementTypeParams": {}},
        {"fieldName": "counted", "dataType": "Bool", "elementTypeParams": {}},
        {"fieldName": "vector", "dataType": "FloatVector", "elementTypeParams": {"dim": "2"}},
    ]
    index = {"fieldName": "vector", "indexName": "vector", "metricType": "L2", "indexType": "FLAT"}
    return {"schema": {"autoID": False, "enableDynamicField": False, "fields": fields}, "indexParams": [index]}


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Compares the copies that a backup was restored to with what the backup says of them, and drops them.

Arguments: `prepare` or `compare`, address, folder of the passwords, file of the authority (or nothing), seconds to wait
for Milvus; and for `compare` a file that a successful restore has left, the most rows of a collection that is loaded,
and the percentage that may differ.
Any difference, and a copy that is missing, ends it with 1, after all copies are dropped.
"""

import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llmplatform.services.milvus.programs.rest import Denied, Milvus, Refused, Unreachable, as_root
from llmplatform.services.milvus.programs.witness import (
    COLLECTION,
    DATABASE,
    LOADED,
    SUFFIX,
    UNKNOWN,
    count,
    load_state,
    stored,
)

LOAD_SECONDS, PAUSE_SECONDS = 1800, 2
_MOST_ROWS = 16_000
"""Collections that are compared; one answer has at most 16,384 rows (milvus.yaml, `maxQueryResultWindow`)."""


def main(task: str, address: str, secrets: str, authority: str, seconds: str, *further: str) -> None:
    """Prepare or compare. Raises SystemExit with the reasons."""
    signal.signal(signal.SIGTERM, _stopped)
    try:
        root = as_root(address, secrets, authority or None, float(seconds))
        if task == "prepare":
            drop(root)
            return
        try:
            restored, largest, tolerance = further
            if not Path(restored).exists():
                raise SystemExit(
                    "the restore has failed, or took too long: the log of the container 'restore' says why"
                )
            faults = compare(root, int(largest), float(tolerance))
        finally:
            drop(root)
    except (Denied, Refused, Unreachable) as error:
        raise SystemExit(str(error)) from None
    if faults:
        raise SystemExit("\n".join(faults))
    print("the backup has come back as it was", flush=True)


def _stopped(*_: object) -> None:
    """The Job's time is over, or its node stops: the copies are dropped before the pod is killed."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit("stopped before everything was compared: the Job took too long, or its node stops")


def drop(root: Milvus) -> None:
    """Drop every restored copy."""
    for database in root("databases/list"):
        for name in root("collections/list", dbName=database):
            if name.endswith(SUFFIX):
                root("collections/drop", dbName=database, collectionName=name)


def compare(root: Milvus, largest: int, tolerance: float) -> list[str]:
    """What differs, in a line each."""
    copies = {(each, name) for each in root("databases/list") for name in root("collections/list", dbName=each)}
    if (DATABASE, COLLECTION + SUFFIX) not in copies:
        return ["the backup has no list of its rows: it was not made by this platform, or is damaged"]
    listed = list(_listed(root))
    faults = [] if _found_again(root, len(listed)) else ["the list of rows is restored, but a search does not find it"]
    for row in listed[1:]:
        database, _, name = row["name"].partition(".")
        if (database, name + SUFFIX) not in copies:
            faults.append(f"{row['name']}: it has not come back")
            continue
        rows, how = int(row["rows"]), "stored"
        if rows == UNKNOWN:
            print(f"{row['name']}: it has come back; Milvus could not count it before the backup", flush=True)
            continue
        slack = int(rows * tolerance / 100)
        if row["counted"] and rows <= largest:
            how, now = "counted", _loaded(root, database, name + SUFFIX)
            right = abs(now - rows) <= slack
        else:
            now = stored(root, database, name + SUFFIX)
            # Deleted rows leave the segments later: before or after the backup.
            right = now >= rows - slack if row["counted"] else min(1, rows) <= now <= rows + slack
        print(f"{row['name']}: {rows} rows, {now} {how}", flush=True)
        if not right:
            faults.append(f"{row['name']}: {rows} rows were in the backup, and {now} are back")
    return faults


def _listed(root: Milvus) -> Iterator[dict[str, Any]]:
    """The rows of the witness, in their order."""
    place = {"dbName": DATABASE, "collectionName": COLLECTION + SUFFIX}
    _load(root, DATABASE, COLLECTION + SUFFIX)
    asked = {"filter": 'name >= ""', "outputFields": ["name", "rows", "counted", "vector"], "limit": _MOST_ROWS}
    found = root("entities/query", **place, **asked, consistencyLevel="Strong")
    yield from sorted(found, key=lambda row: float(row["vector"][0]))


def _found_again(root: Milvus, rows: int) -> bool:
    """Whether a search for the last vector finds the last row."""
    place = {"dbName": DATABASE, "collectionName": COLLECTION + SUFFIX}
    asked = {"annsField": "vector", "limit": 1, "outputFields": ["vector"], "consistencyLevel": "Strong"}
    found = root("entities/search", **place, data=[[float(rows - 1), 1.0]], **asked)
    return bool(found) and float(found[0]["distance"]) == 0


def _loaded(root: Milvus, database: str, name: str) -> int:
    """Rows of a copy that is loaded for it."""
    _load(root, database, name)
    try:
        return count(root, database, name)
    finally:
        root("collections/release", dbName=database, collectionName=name)


def _load(root: Milvus, database: str, name: str) -> None:
    root("collections/load", dbName=database, collectionName=name)
    until = time.monotonic() + LOAD_SECONDS
    while load_state(root, database, name) != LOADED:
        if time.monotonic() > until:
            raise Refused(f"{database}.{name}: it is not in memory after {LOAD_SECONDS} s")
        time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main(*sys.argv[1:])

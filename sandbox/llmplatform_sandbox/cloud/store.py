"""The objects of a simulated account, in one SQLite file that survives a kill at any moment.

Every change is one transaction; readers see only whole changes. References between objects are rows, so that finding
dependent objects is a look-up.
"""

import json
import sqlite3
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

_TABLES = """
CREATE TABLE IF NOT EXISTS objects (
  type TEXT, id TEXT, made_by TEXT, owner TEXT, inputs TEXT, outputs TEXT, serial INTEGER PRIMARY KEY AUTOINCREMENT,
  UNIQUE (type, id));
CREATE INDEX IF NOT EXISTS objects_owner ON objects (owner);
CREATE TABLE IF NOT EXISTS refs (
  type TEXT, id TEXT, path TEXT, target_type TEXT, target_id TEXT, on_delete TEXT,
  FOREIGN KEY (type, id) REFERENCES objects (type, id) ON DELETE CASCADE ON UPDATE CASCADE);
CREATE INDEX IF NOT EXISTS refs_target ON refs (target_type, target_id);
CREATE INDEX IF NOT EXISTS refs_source ON refs (type, id);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS faults (kind TEXT, target TEXT, PRIMARY KEY (kind, target));
CREATE TABLE IF NOT EXISTS shortages (name TEXT PRIMARY KEY, reason TEXT);
"""
_COLUMNS = "type, id, made_by, owner, inputs, outputs"


# Loops read the same objects again and again. Readers leave what they get as it is.
_parsed = lru_cache(maxsize=8192)(json.loads)


@dataclass(frozen=True, kw_only=True)
class Record:
    """One object of the account."""

    type: str
    id: str
    made_by: str
    """URN, or the name of the cloud's or the cluster's controller that created it."""
    owner: str = ""
    """Key of its owner; empty without one."""
    inputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    outputs: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def key(self) -> str:
        """Unique in the account."""
        return f"{self.type}|{self.id}"


@dataclass(frozen=True, kw_only=True)
class Link:
    """A property of one object that refers to another."""

    path: str
    target_type: str
    target_id: str
    on_delete: str


class Store:
    """The file. Thread-safe: one writer at a time, and a transaction holds the lock to its end."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._depth = 0
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        path.chmod(0o600)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA busy_timeout=10000")
        self._database.execute("PRAGMA foreign_keys=ON")
        self._database.executescript(_TABLES)

    @contextmanager
    def transaction(self) -> Generator[None]:
        """All or nothing. Nested ones belong to the outermost."""
        with self._lock:
            if self._depth == 0:
                self._database.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._database.execute("ROLLBACK")
                raise
            self._depth -= 1
            if self._depth == 0:
                self._database.execute("COMMIT")

    def close(self) -> None:
        """No call may follow."""
        with self._lock:
            self._database.close()

    # Objects

    def add(self, record: Record, links: Sequence[Link] = ()) -> None:
        """Raises KeyError if that type and id exist."""
        with self.transaction():
            try:
                self._database.execute(
                    f"INSERT INTO objects ({_COLUMNS}) VALUES (?,?,?,?,?,?)",  # noqa: S608 - constants only
                    (
                        record.type,
                        record.id,
                        record.made_by,
                        record.owner,
                        json.dumps(record.inputs),
                        json.dumps(record.outputs),
                    ),
                )
            except sqlite3.IntegrityError as error:
                raise KeyError(record.key) from error
            self._link(record.type, record.id, links)

    def next_serial(self) -> int:
        """Number of the object that is added next; no object had it before."""
        with self._lock:
            row = self._database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'objects'").fetchone()
        return (row[0] if row else 0) + 1

    def change(self, record: Record, links: Sequence[Link] | None = None) -> None:
        """Replace inputs and outputs, and the references unless they are None."""
        with self.transaction():
            self._database.execute(
                "UPDATE objects SET inputs = ?, outputs = ? WHERE type = ? AND id = ?",
                (json.dumps(record.inputs), json.dumps(record.outputs), record.type, record.id),
            )
            if links is not None:
                self._database.execute("DELETE FROM refs WHERE type = ? AND id = ?", (record.type, record.id))
                self._link(record.type, record.id, links)

    def _link(self, type_: str, id_: str, links: Sequence[Link]) -> None:
        self._database.executemany(
            "INSERT INTO refs VALUES (?,?,?,?,?,?)",
            [(type_, id_, link.path, link.target_type, link.target_id, link.on_delete) for link in links],
        )

    def remove(self, record: Record) -> None:
        """Remove an object and its own references; references to it dangle."""
        with self.transaction():
            self._database.execute("DELETE FROM objects WHERE type = ? AND id = ?", (record.type, record.id))

    def get(self, type_: str, id_: str) -> Record | None:
        """One object, or None."""
        return next(iter(self._query("type = ? AND id = ?", (type_, id_))), None)

    def by_output(self, type_: str, name: str, value: str) -> Record | None:
        """The object of a type with a value in an output (or as id)."""
        if name == "id":
            return self.get(type_, value)
        return next(iter(self._query("type = ? AND json_extract(outputs, ?) = ?", (type_, f"$.{name}", value))), None)

    def all(self, type_: str | None = None) -> list[Record]:
        """Every object, or every one of a type, in the order of creation."""
        return self._query("type = ?", (type_,)) if type_ else self._query("1", ())

    def owned(self, owner: str) -> list[Record]:
        """Objects that an object owns, by its key."""
        return self._query("owner = ?", (owner,))

    def by_id(self, id_: str) -> list[Record]:
        """Objects of that id, of any type."""
        return self._query("id = ?", (id_,))

    def referrers(self, record: Record, on_delete: str) -> list[Record]:
        """Objects that refer to one, by the effect on its deletion."""
        return self._query(
            "(type, id) IN (SELECT type, id FROM refs WHERE target_type = ? AND target_id = ? AND on_delete = ?)",
            (record.type, record.id, on_delete),
        )

    def _query(self, where: str, values: Sequence[Any]) -> list[Record]:
        with self._lock:
            rows = self._database.execute(
                f"SELECT {_COLUMNS} FROM objects WHERE {where} ORDER BY serial",  # noqa: S608 - constants only
                values,
            ).fetchall()
        return [
            Record(
                type=row[0],
                id=row[1],
                made_by=row[2],
                owner=row[3],
                inputs=_parsed(row[4]),
                outputs=_parsed(row[5]),
            )
            for row in rows
        ]

    # Small tables

    def setting(self, name: str, default: str = "") -> str:
        """A stored value, else the default."""
        with self._lock:
            row = self._database.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return row[0] if row else default

    def set(self, name: str, value: str) -> None:
        """Store a value."""
        with self.transaction():
            self._database.execute("INSERT OR REPLACE INTO settings VALUES (?,?)", (name, value))

    def unset(self, name: str) -> None:
        """Forget a value."""
        with self.transaction():
            self._database.execute("DELETE FROM settings WHERE name = ?", (name,))

    def faults(self) -> list[tuple[str, str]]:
        """Active faults."""
        with self._lock:
            return self._database.execute("SELECT kind, target FROM faults ORDER BY kind, target").fetchall()

    def fault(self, kind: str, target: str, *, active: bool) -> None:
        """Set or clear a fault."""
        with self.transaction():
            self._database.execute("DELETE FROM faults WHERE kind = ? AND target = ?", (kind, target))
            if active:
                self._database.execute("INSERT INTO faults VALUES (?,?)", (kind, target))

    def shortages(self) -> dict[str, str]:
        """Reasons by name."""
        with self._lock:
            return dict(self._database.execute("SELECT name, reason FROM shortages ORDER BY name").fetchall())

    def forget_shortages(self) -> None:
        """Clear every reason."""
        with self.transaction():
            self._database.execute("DELETE FROM shortages")

    def shortage(self, name: str, reason: str | None) -> None:
        """Set a reason, or clear it with None."""
        with self.transaction():
            self._database.execute("DELETE FROM shortages WHERE name = ?", (name,))
            if reason is not None:
                self._database.execute("INSERT INTO shortages VALUES (?,?)", (name, reason))

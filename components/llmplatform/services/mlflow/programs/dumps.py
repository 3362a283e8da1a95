"""Stores a dump of MLflow's databases beside its artifacts, or fetches one back. Runs in MLflow's image.

`store FOLDER ADDRESS DAYS` stores the files of the folder, and then removes dumps that are older than so many days.
`fetch FOLDER ADDRESS newest|MOMENT [HOURS]` puts a dump into `FOLDER/dump`, and compares it with what was stored. With
HOURS, an older one is refused, and one of a server that had other keys; without, such keys are only told.
Each dump is a folder named after its moment in UTC. The file `COMPLETE` in it is stored last, with sizes and digests: a
dump without it was cut off. It says by a keyed digest which keys the server had, without which passwords and tokens in
the database cannot be read. Nothing else at that address is removed.
"""

import hashlib
import hmac
import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

FORM = "%Y-%m-%dT%H-%M-%SZ"
COMPLETE = "COMPLETE"
KEYS = ("MLFLOW_CRYPTO_KEK_PASSPHRASE", "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY")
"""Variables with which MLflow encrypts in its database: mlflow 3.17.2, utils/crypto.py and
store/model_registry/dbmodels/models.py, `EncryptedString`."""


def store(folder: str, address: str, days: str) -> None:
    """Store it, and then remove old ones."""
    there, now = _repository(address), datetime.now(UTC)
    name = now.strftime(FORM)
    there.log_artifacts(folder, name)
    with TemporaryDirectory() as scratch:
        marker = Path(scratch, COMPLETE)
        facts = {"files": {each.name: _facts(each) for each in sorted(Path(folder).iterdir())}, "keys": _keys(name)}
        marker.write_text(json.dumps(facts, indent=1))
        there.log_artifact(str(marker), name)
    oldest = now - timedelta(days=int(days))
    for old, moment in _dumps(there).items():
        if moment < oldest:
            there.delete_artifacts(old)
            print(f"removed {old}")


def fetch(folder: str, address: str, wanted: str, hours: str | None = None) -> None:
    """Fetch it. Exits with what is wrong with it."""
    there = _repository(address)
    name = _newest(there) if wanted == "newest" else wanted
    if not _complete(there, name):
        sys.exit(f"{name}: no such dump, or one that was cut off while it was stored")
    if hours and _dumps(there)[name] < datetime.now(UTC) - timedelta(hours=int(hours)):
        sys.exit(f"the newest dump, {name}, is older than {hours} hours: dumps fail, or are off")
    Path(there.download_artifacts(name, dst_path=folder)).rename(Path(folder, "dump"))
    facts = json.loads(Path(folder, "dump", COMPLETE).read_text())
    for file, expected in facts["files"].items():
        path = Path(folder, "dump", file)
        if not path.is_file() or _facts(path) != expected:
            sys.exit(f"{name}: {file} is missing or is not what was stored")
    if not hmac.compare_digest(facts["keys"], _keys(name)):
        fault = f"{name}: the Secret mlflow-keys has other keys than at its time: what it holds encrypted is lost"
        if hours:
            sys.exit(fault)
        print(fault, file=sys.stderr)
    print(f"fetched {name}")


def _newest(there: Any) -> str:
    """The newest dump that is whole. A later one that was cut off is told, and does not count."""
    for name in sorted(_dumps(there), reverse=True):
        if _complete(there, name):
            return name
        print(f"{name} was cut off while it was stored", file=sys.stderr)
    sys.exit("there is no dump")


def _repository(address: str) -> Any:
    return import_module("mlflow.store.artifact.artifact_repository_registry").get_artifact_repository(address)


def _dumps(there: Any) -> Mapping[str, datetime]:
    """Names of dumps, and their moments."""
    found: dict[str, datetime] = {}
    for each in there.list_artifacts():
        name = PurePosixPath(each.path).name
        try:
            moment = datetime.strptime(name, FORM).replace(tzinfo=UTC)
        except ValueError:
            continue
        if each.is_dir:
            found[name] = moment
    return found


def _complete(there: Any, name: str) -> bool:
    return any(PurePosixPath(each.path).name == COMPLETE for each in there.list_artifacts(name))


def _facts(file: Path) -> dict[str, Any]:
    with file.open("rb") as opened:
        return {"bytes": file.stat().st_size, "sha256": hashlib.file_digest(opened, "sha256").hexdigest()}


def _keys(name: str) -> str:
    """Tells keys from others, and not what they are: they are long and random."""
    held = json.dumps([os.environ[key] for key in KEYS])
    return hmac.new(held.encode(), name.encode(), "sha256").hexdigest()


if __name__ == "__main__":
    {"store": store, "fetch": fetch}[sys.argv[1]](*sys.argv[2:])

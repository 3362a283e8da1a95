"""Stores a dump of MLflow's databases beside its artifacts, and removes those that are too old. Runs in MLflow's image.

Arguments: the folder of the dump, the address of all dumps, and the days that one is kept. Each dump is a folder named
after its moment in UTC. The file `COMPLETE` in it is stored last: a dump without it was cut off. Nothing else at that
address is removed.
"""

import sys
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

FORM = "%Y-%m-%dT%H-%M-%SZ"
COMPLETE = "COMPLETE"


def main(folder: str, address: str, keep_days: str) -> None:
    """Store it, and then remove old ones."""
    registry = import_module("mlflow.store.artifact.artifact_repository_registry")
    store, now = registry.get_artifact_repository(address), datetime.now(UTC)
    name = now.strftime(FORM)
    store.log_artifacts(folder, name)
    with TemporaryDirectory() as scratch:
        marker = Path(scratch, COMPLETE)
        marker.write_text("".join(f"{each.name} {each.stat().st_size}\n" for each in sorted(Path(folder).iterdir())))
        store.log_artifact(str(marker), name)
    oldest = now - timedelta(days=int(keep_days))
    for each in store.list_artifacts():
        name = PurePosixPath(each.path).name
        moment = _moment(name)
        if each.is_dir and moment and moment < oldest:
            store.delete_artifacts(name)
            print(f"removed {name}")


def _moment(name: str) -> datetime | None:
    """Moment of a dump; None for a name that is none."""
    try:
        return datetime.strptime(name, FORM).replace(tzinfo=UTC)
    except ValueError:
        return None


if __name__ == "__main__":
    main(*sys.argv[1:])

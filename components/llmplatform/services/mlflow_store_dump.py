"""Stores a dump of MLflow's databases beside its artifacts, and removes those that are too old. Runs in MLflow's image.

Arguments: the folder of the dump, the address of all dumps, and the days that one is kept. Each dump is a folder named
after its moment in UTC.
"""

import sys
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import PurePosixPath

FORM = "%Y-%m-%dT%H-%M-%SZ"


def main(folder: str, address: str, keep_days: str) -> None:
    """Store it, and then remove old ones."""
    registry = import_module("mlflow.store.artifact.artifact_repository_registry")
    store, now = registry.get_artifact_repository(address), datetime.now(UTC)
    store.log_artifacts(folder, now.strftime(FORM))
    oldest = (now - timedelta(days=int(keep_days))).strftime(FORM)
    for each in store.list_artifacts():
        name = PurePosixPath(each.path).name
        if name < oldest:
            store.delete_artifacts(name)
            print(f"removed {name}")


if __name__ == "__main__":
    main(*sys.argv[1:])

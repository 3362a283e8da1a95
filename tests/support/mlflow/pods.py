"""The pods of Jobs on a schedule, on this machine: their steps one after the other; the first that fails ends it.

What differs from a pod: folders, Postgres' programs, which come before MLflow's, and the way to the databases: the
wheel's programs speak no TLS, so that they take the server's socket.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from llmplatform.services.mlflow.dumps import FOLDER
from llmplatform.services.mlflow.server import CONFIG
from support.mlflow.postgres import Postgres, owner
from support.mlflow.servers import Rendered


def run(
    mlflow: Rendered, database: Postgres, role: str, *, programs: Path | None = None, **changes: str
) -> subprocess.CompletedProcess[str]:
    """What the last step said. `programs`: a folder of programs before all others. `changes`: of its variables."""
    # Its path is short, as the one of a socket has to be, and other users may read it.
    folder = Path(mkdtemp(dir=database.folder))
    folder.chmod(0o777)
    shutil.copytree(mlflow.folder / "etc", folder / "etc")
    (folder / "dumps").mkdir(mode=0o777)
    (folder / "dumps").chmod(0o777)

    def here(word: str) -> str:
        if word.startswith(FOLDER):
            return f"{folder}{word}"
        return word.replace(CONFIG, str(folder / "etc"))

    done = None
    for container in mlflow.scheduled(role):
        known = mlflow.variables(container, folder) | changes
        variables = {name: here(value) for name, value in known.items()}
        if "PGHOST" in known:
            variables |= {"PGHOST": str(database.folder), "PGPORT": "5432", "PGSSLMODE": "disable"}
        places = [*([programs] if programs else []), database.programs, known["PATH"]]
        variables["PATH"] = os.pathsep.join(map(str, places))
        done = subprocess.run(
            [here(word) for word in container["command"]],
            env=variables,
            capture_output=True,
            text=True,
            check=False,
            **_user(container),
        )
        if done.returncode:
            break
    assert done
    return done


def _user(container: Mapping[str, Any]) -> dict[str, Any]:
    return owner() if "postgres" in container["image"] else {}

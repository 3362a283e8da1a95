"""Programs that run in MLflow's pods: files in the folder of the configuration, which import nothing of ours."""

from importlib.resources import files
from pathlib import PurePosixPath

DUMPS, USERS = "dumps.py", "users.py"
"""Run in MLflow's image."""
DUMP, ROWS, DRILL, RESTORE = "dump.sql", "rows.sql", "drill.sh", "restore.sh"
"""Run in Postgres' image."""


def text(name: str) -> str:
    """The text of a program."""
    return (files(__name__) / PurePosixPath(name).name).read_text(encoding="utf-8")

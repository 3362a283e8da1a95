"""Archives of charts, as Helm reads them.

Source: helm 3.20, pkg/chart/loader/archive.go (`ensureArchive`, `LoadArchiveFiles`), load.go (`LoadFiles`) and
pkg/chart/metadata.go (`Validate`).
"""

import atexit
import shutil
import tarfile
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any
from zlib import error as ZlibError

import yaml

_REQUIRED = ("apiVersion", "name", "version")


class BadArchive(Exception):
    """Why a file is no chart."""


def unpacked(file: Path) -> Path:
    """The folder with a chart archive's content, which lives as long as this process. Raises `BadArchive`."""
    seen = file.stat()
    return _unpacked(file, seen.st_mtime_ns, seen.st_size)


def metadata_of(chart: Path) -> dict[str, Any]:
    """The `Chart.yaml` of a chart's folder. Raises `BadArchive`."""
    file = chart / "Chart.yaml"
    if not file.is_file():
        raise BadArchive("Chart.yaml file is missing")
    meta = yaml.safe_load(file.read_text()) or {}
    for key in _REQUIRED:
        if not meta.get(key):
            raise BadArchive(f"validation: chart.metadata.{key} is required")
    return meta


@lru_cache(maxsize=64)
def _unpacked(file: Path, changed: int, size: int) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="llmplatform-chart-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        with tarfile.open(file, "r:gz") as archive:
            archive.extractall(folder, filter="data")
    except tarfile.ReadError as error:
        if "unexpected end of data" in str(error):
            raise BadArchive("unexpected EOF") from None
        raise BadArchive(f"file '{file.name}' does not appear to be a gzipped archive") from None
    except (EOFError, ZlibError):
        raise BadArchive("unexpected EOF") from None
    except tarfile.TarError as error:
        raise BadArchive(str(error)) from None
    return next((each for each in folder.iterdir() if each.is_dir()), folder)

"""The program that stores and fetches dumps: what it removes, and that half a dump or another's does not look whole."""

import json
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from llmplatform.services.mlflow.programs import dumps as program

OLD, OTHERS = "2020-01-01T00-00-00Z", ("2019-export", "1999", "0-notes.txt")


class Store:
    """An artifact repository of MLflow in a folder, and the order in which files came."""

    def __init__(self, home: Path, *, fails: bool = False) -> None:
        self.home, self.fails = home, fails
        self.stored: list[str] = []

    def names(self) -> list[str]:
        return sorted(each.name for each in self.home.iterdir())

    def log_artifacts(self, folder: str, path: str) -> None:
        for each in sorted(Path(folder).iterdir()):
            self.log_artifact(str(each), path)
            if self.fails:
                raise ConnectionError("cut off")

    def log_artifact(self, file: str, path: str) -> None:
        (self.home / path).mkdir(exist_ok=True)
        shutil.copy(file, self.home / path)
        self.stored.append(Path(file).name)

    def list_artifacts(self, path: str = "") -> Sequence[SimpleNamespace]:
        found = sorted((self.home / path).iterdir()) if (self.home / path).is_dir() else []
        return [SimpleNamespace(path=str(each.relative_to(self.home)), is_dir=each.is_dir()) for each in found]

    def delete_artifacts(self, name: str) -> None:
        shutil.rmtree(self.home / name)

    def download_artifacts(self, name: str, dst_path: str) -> str:
        return str(shutil.copytree(self.home / name, Path(dst_path, name)))


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    (tmp_path / "store").mkdir()
    found = Store(tmp_path / "store")
    for each in (OLD, *OTHERS):
        (found.home / each).mkdir()
    monkeypatch.setattr(program, "import_module", lambda _: SimpleNamespace(get_artifact_repository=lambda _: found))
    keys(monkeypatch, "at first")
    return found


def keys(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    for name in program.KEYS:
        monkeypatch.setenv(name, value)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "dumps"
    made.mkdir()
    for name in ("experiments", "users"):
        (made / f"{name}.dump").write_bytes(b"12345")
        (made / f"{name}.rows").write_text("runs 1 42\n")
    return made


def stored(store: Store, folder: Path) -> Path:
    """A dump, as it is kept."""
    program.store(str(folder), "s3://bucket/prod/mlflow/dumps", "14")
    (name,) = {*store.names()} - {OLD, *OTHERS}
    return store.home / name


def fetched(tmp_path: Path, wanted: str = "newest", hours: str | None = "48") -> Path:
    target = tmp_path / "fetched"
    target.mkdir()
    program.fetch(str(target), "s3://bucket/prod/mlflow/dumps", wanted, hours)
    return target / "dump"


def test_only_old_dumps_are_removed_and_nothing_that_others_keep_there(store: Store, folder: Path) -> None:
    stored(store, folder)
    assert OLD not in store.names()
    assert set(OTHERS) <= set(store.names()), "each of them is before the oldest moment in the alphabet"
    assert len(store.names()) == len(OTHERS) + 1


def test_a_dump_is_marked_as_whole_once_all_of_it_is_stored(store: Store, folder: Path) -> None:
    marker = json.loads((stored(store, folder) / program.COMPLETE).read_text())
    assert store.stored == ["experiments.dump", "experiments.rows", "users.dump", "users.rows", "COMPLETE"]
    assert marker["files"]["users.dump"]["bytes"] == 5
    assert "at first" not in str(marker)


def test_a_dump_that_is_cut_off_is_not_marked_and_costs_no_older_one(store: Store, folder: Path) -> None:
    store.fails = True
    with pytest.raises(ConnectionError):
        stored(store, folder)
    assert store.stored == ["experiments.dump"]
    assert OLD in store.names()


def test_a_whole_dump_is_fetched_as_it_was(store: Store, folder: Path, tmp_path: Path) -> None:
    stored(store, folder)
    there = fetched(tmp_path)
    assert (there / "users.dump").read_bytes() == b"12345"


def test_a_later_one_that_was_cut_off_does_not_count(
    store: Store, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored(store, folder)
    later = (datetime.now(UTC) + timedelta(hours=1)).strftime(program.FORM)
    (store.home / later).mkdir()
    assert fetched(tmp_path).is_dir()
    assert f"{later} was cut off" in capsys.readouterr().err


def test_no_dump_is_a_fault(store: Store, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="there is no dump"):
        fetched(tmp_path)


def test_an_old_dump_is_a_fault_of_a_drill_and_none_of_a_restore(store: Store, folder: Path, tmp_path: Path) -> None:
    there = stored(store, folder)
    old = (datetime.now(UTC) - timedelta(hours=50)).strftime(program.FORM)
    marker = json.loads((there / program.COMPLETE).read_text())
    (there / program.COMPLETE).write_text(json.dumps({**marker, "keys": program._keys(old)}))
    there.rename(store.home / old)
    with pytest.raises(SystemExit, match="older than 48 hours"):
        fetched(tmp_path)
    (tmp_path / "fetched").rmdir()
    assert fetched(tmp_path, old, None).is_dir()


@pytest.mark.parametrize("harm", ["cut", "changed", "missing"])
def test_a_file_that_is_not_what_was_stored_is_a_fault(store: Store, folder: Path, tmp_path: Path, harm: str) -> None:
    file = stored(store, folder) / "users.dump"
    file.unlink() if harm == "missing" else file.write_bytes(b"1234" if harm == "cut" else b"54321")
    with pytest.raises(SystemExit, match=r"users\.dump is missing or is not what was stored"):
        fetched(tmp_path)


def test_other_keys_are_a_fault_of_a_drill_and_told_by_a_restore(
    store: Store,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A platform that was made anew has other keys: experiments and models are restored all the same."""
    name = stored(store, folder).name
    keys(monkeypatch, "later")
    with pytest.raises(SystemExit, match="mlflow-keys has other keys"):
        fetched(tmp_path)
    shutil.rmtree(tmp_path / "fetched")
    assert fetched(tmp_path, name, None).is_dir()
    assert "mlflow-keys has other keys" in capsys.readouterr().err


def test_a_dump_that_is_named_and_is_not_there_is_a_fault(store: Store, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no such dump"):
        fetched(tmp_path, "2026-01-31T02-17-09Z", None)

"""The program that stores a dump: what it removes, and that half a dump does not look whole."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from llmplatform.services import mlflow_store_dump as program

OLD, OTHERS = "2020-01-01T00-00-00Z", ("2019-export", "1999", "0-notes.txt")


class Store:
    """An artifact repository of MLflow: names at its top, and the order in which files came."""

    def __init__(self, *names: str, fails: bool = False) -> None:
        self.names, self.fails = list(names), fails
        self.stored: list[str] = []

    def log_artifacts(self, folder: str, path: str) -> None:
        for each in sorted(Path(folder).iterdir()):
            self.stored.append(f"{path}/{each.name}")
            if self.fails:
                raise ConnectionError("cut off")
        self.names.append(path)

    def log_artifact(self, file: str, path: str) -> None:
        self.stored.append(f"{path}/{Path(file).name}")
        self.marker = Path(file).read_text()

    def list_artifacts(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(path=name, is_dir=not name.endswith(".txt")) for name in self.names]

    def delete_artifacts(self, name: str) -> None:
        self.names.remove(name)


@pytest.fixture
def folder(tmp_path: Path) -> str:
    for name in ("mlflow", "mlflow_auth"):
        (tmp_path / f"{name}.dump").write_bytes(b"12345")
    return str(tmp_path)


def run(store: Store, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = SimpleNamespace(get_artifact_repository=lambda _: store)
    monkeypatch.setattr(program, "import_module", lambda _: registry)
    program.main(folder, "s3://bucket/prod/mlflow/dumps", "14")


def test_only_old_dumps_are_removed_and_nothing_that_others_keep_there(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(OLD, *OTHERS)
    run(store, folder, monkeypatch)
    assert OLD not in store.names
    assert set(OTHERS) <= set(store.names), "each of them is before the oldest moment in the alphabet"
    assert len(store.names) == len(OTHERS) + 1


def test_a_dump_is_marked_as_whole_once_all_of_it_is_stored(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store()
    run(store, folder, monkeypatch)
    assert [Path(each).name for each in store.stored] == ["mlflow.dump", "mlflow_auth.dump", "COMPLETE"]
    assert store.marker == "mlflow.dump 5\nmlflow_auth.dump 5\n"


def test_a_dump_that_is_cut_off_is_not_marked_and_costs_no_older_one(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(OLD, fails=True)
    with pytest.raises(ConnectionError):
        run(store, folder, monkeypatch)
    assert [Path(each).name for each in store.stored] == ["mlflow.dump"]
    assert store.names == [OLD]

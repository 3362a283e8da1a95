"""Which checksums files from a bucket are held against."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.hydration.buckets import Buckets, served, started, sums, target
from support.hydration.hydrating import FILES, KEPT, MIB, WEIGHTS, ended, until

from llmplatform.serving.hydration.volume import MANIFEST

FIRST = "model-00001-of-00002.safetensors"


@pytest.fixture
def buckets() -> Iterator[Buckets]:
    with served(FILES) as running:
        yield running


def copied(program: Path, volume: Path, buckets: Buckets) -> tuple[int, str]:
    return ended(started(program, volume, buckets))


def whole(volume: Path, name: str) -> bool:
    """Whether an unfinished hydration has all of a file."""
    return any((folder / "files" / name).exists() for folder in (volume / ".work").glob("*"))


def test_a_file_of_parts_is_verified_by_the_line_of_sha256sum(program: Path, tmp_path: Path, buckets: Buckets) -> None:
    buckets.put_in_parts(FIRST, WEIGHTS[: 5 * MIB], WEIGHTS[5 * MIB :])
    code, said = copied(program, tmp_path / "without", buckets)
    assert code == 0, said
    assert said.splitlines()[-1].endswith(f"{len(KEPT) - 1} verified, 1 by size and ETag alone: add SHA256SUMS")
    buckets.put("SHA256SUMS", sums(FILES))
    code, said = copied(program, tmp_path / "with", buckets)
    assert code == 0, said
    written = json.loads((tmp_path / "with" / target() / MANIFEST).read_text())["files"]
    assert all(each.get("sha256") for each in written)
    assert said.splitlines()[-1].endswith("GiB, verified")
    buckets.put("SHA256SUMS", sums({**FILES, FIRST: b"others"}))
    code, said = copied(program, tmp_path / "wrong", buckets)
    assert code == 4
    assert "with another content than the hub says" in said
    buckets.put("SHA256SUMS", sums({**FILES, "model-00003-of-00003.safetensors": b""}))
    code, said = copied(program, tmp_path / "missing", buckets)
    assert code == 3
    assert "SHA256SUMS names model-00003-of-00003.safetensors, which is not there" in said


def test_what_an_attempt_copied_is_held_against_sums_that_came_later(
    program: Path, tmp_path: Path, buckets: Buckets
) -> None:
    buckets.put_in_parts(FIRST, WEIGHTS[: 5 * MIB], WEIGHTS[5 * MIB :])
    killed = threading.Event()

    def hold(method: str, path: str) -> None:
        if method == "GET" and path.endswith("model-00002-of-00002.safetensors"):
            killed.wait(60)

    buckets.before = hold
    process = started(program, tmp_path, buckets)
    until(lambda: whole(tmp_path, FIRST))
    process.kill()
    ended(process)
    killed.set()
    buckets.put("SHA256SUMS", sums({**FILES, FIRST: b"others"}))
    code, said = copied(program, tmp_path, buckets)
    assert code == 4, said
    assert f"{FIRST}: came 3 times with another content" in said.splitlines()[-1]
    assert not (tmp_path / target()).exists()
    buckets.put("SHA256SUMS", sums(FILES))
    code, said = copied(program, tmp_path, buckets)
    assert code == 0, said


def test_sums_that_list_their_own_file_are_held(program: Path, tmp_path: Path, buckets: Buckets) -> None:
    """`sha256sum * > SHA256SUMS` reads the file that it writes, which is empty then."""
    buckets.put("SHA256SUMS", sums({**FILES, "SHA256SUMS": b""}))
    code, said = copied(program, tmp_path, buckets)
    assert code == 0, said

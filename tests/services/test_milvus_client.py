"""The client of examples/milvus against a Milvus in one process, milvus-lite, over the network.

It knows no users, roles or TLS: test_milvus_access.py has a stand-in for these.
"""

import json
import math
import operator
import os
import random
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from support import milvus_client
from support.environments import interpreter

EXAMPLE = Path(__file__).parents[2] / "examples" / "milvus"
SCRIPT = Path(milvus_client.__file__).with_name("use_documents.py")
START_SECONDS = 300
DIMENSION = 8


def python() -> Path:
    return interpreter("milvus-client", EXAMPLE / "requirements" / "test.txt", used="milvus_lite, pymilvus")


def vectors(count: int, seed: int = 7) -> list[list[float]]:
    chance = random.Random(seed)  # noqa: S311 nothing is kept secret by it
    return [[chance.uniform(-1, 1) for _ in range(DIMENSION)] for _ in range(count)]


DOCUMENTS = [
    {"id": number, "vector": vector, "text": f"document {number}", "language": ("en", "zh")[number % 2]}
    for number, vector in enumerate(vectors(200))
]


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(map(operator.mul, one, other)) / math.hypot(*one) / math.hypot(*other)


def nearest(vector: Sequence[float], documents: Sequence[dict[str, Any]]) -> list[int]:
    ranked = sorted(documents, key=lambda each: -cosine(vector, each["vector"]))
    return [each["id"] for each in ranked[:3]]


class Server:
    """A milvus-lite, and a client that talks to it."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._folder = folder
        self.start()

    def start(self) -> None:
        command = [python().with_name("milvus-lite"), "server", "--data-dir", self._folder / "data"]
        address = ["--host", "127.0.0.1", "--port", str(self._port)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen([*command, *address], stdout=log, stderr=subprocess.STDOUT)
        until = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, self.log
            assert time.monotonic() < until, f"no server within {START_SECONDS} s: {self.log}"
            time.sleep(0.2)
        environment = {
            "PATH": os.defpath,
            "PYTHONPATH": str(EXAMPLE),
            "PYTHONDONTWRITEBYTECODE": "1",
            "MILVUS_ADDRESS": f"http://127.0.0.1:{self._port}",
        }
        pipe = subprocess.PIPE
        with (self._folder / "client").open("ab") as log:
            self._client = subprocess.Popen(
                [python(), SCRIPT], stdin=pipe, stdout=pipe, stderr=log, text=True, env=environment
            )

    def stop(self) -> None:
        self._client.communicate()
        self._process.terminate()
        self._process.wait(60)

    def ask(self, method: str, *arguments: Any, **named: Any) -> Any:
        assert self._client.stdin
        assert self._client.stdout
        self._client.stdin.write(json.dumps([method, arguments, named]) + "\n")
        self._client.stdin.flush()
        answer = self._client.stdout.readline()
        assert answer, (self._folder / "client").read_text()
        return json.loads(answer)

    @property
    def log(self) -> str:
        return (self._folder / "log").read_text()

    def _answers(self) -> bool:
        with socket.socket() as attempt:
            return attempt.connect_ex(("127.0.0.1", self._port)) == 0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(tmp_path_factory.mktemp("milvus"))
    assert found.ask("put", DOCUMENTS) == len(DOCUMENTS)
    yield found
    found.stop()


def test_the_nearest_documents_are_those_that_a_full_comparison_finds(server: Server) -> None:
    for vector in vectors(3, seed=11):
        found = server.ask("search", vector, most=3)
        assert [each["id"] for each in found] == nearest(vector, DOCUMENTS)
        for each in found:
            document = DOCUMENTS[each["id"]]
            assert each["score"] == pytest.approx(cosine(vector, document["vector"]), abs=1e-3)
            assert (each["text"], each["language"]) == (document["text"], document["language"])


def test_a_filter_leaves_documents_of_one_language(server: Server) -> None:
    (vector,) = vectors(1, seed=13)
    chinese = [each for each in DOCUMENTS if each["language"] == "zh"]
    assert [each["id"] for each in server.ask("search", vector, most=3, language="zh")] == nearest(vector, chinese)


def test_a_filter_is_never_read_as_an_expression(server: Server) -> None:
    (vector,) = vectors(1, seed=13)
    for text in ('en" or id >= 0 or language == "x', "en' or id >= 0", "\\"):
        assert server.ask("search", vector, language=text) == []


def test_a_document_that_is_put_again_replaces_the_first_and_a_deleted_one_is_gone(server: Server) -> None:
    changed = {**DOCUMENTS[17], "text": "changed"}
    assert server.ask("put", [changed]) == 1
    assert server.ask("count") == len(DOCUMENTS)
    assert server.ask("search", changed["vector"])[0]["text"] == "changed"
    server.ask("delete", [17])
    assert server.ask("count") == len(DOCUMENTS) - 1
    assert 17 not in [each["id"] for each in server.ask("search", changed["vector"])]
    assert server.ask("put", [DOCUMENTS[17]]) == 1


def test_what_was_put_is_there_after_a_restart(server: Server) -> None:
    before = server.ask("count")
    server.stop()
    server.start()
    assert server.ask("count") == before

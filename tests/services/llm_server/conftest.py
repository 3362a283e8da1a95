"""A model, and a server of it that several tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.llm_server.environment import run
from support.llm_server.process import Running, running


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    run("tiny_model.py", folder)
    return folder


@pytest.fixture(scope="session")
def server(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(model, tmp_path_factory.mktemp("server") / "log", context_length="4096") as server:
        yield server

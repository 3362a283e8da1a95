"""What hydrations are tested with: the program as pods have it, and a hub."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.hydration.hubs import FakeHub, served
from support.hydration.hydrating import FILES

from llmplatform.serving import hydration


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The modules as the ConfigMap brings them: without the packages around them."""
    place = tmp_path_factory.mktemp("program")
    (source,) = hydration.__path__
    shutil.copytree(source, place / "llmplatform/serving/hydration", ignore=shutil.ignore_patterns("__pycache__"))
    return place


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with served(FakeHub(FILES)) as running:
        yield running

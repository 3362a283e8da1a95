"""The sandbox of this folder: each file brings the stack up as it needs it, from where the one before left it."""

from collections.abc import Iterator

import pytest
from support.sandboxes.sandboxed import Platform, platform_of


@pytest.fixture(scope="package")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    yield from platform_of("dev", tmp_path_factory.mktemp("eks"))

"""The sandbox of this folder: each file brings the stack up as it needs it, from where the one before left it."""

from collections.abc import Iterator

import pytest
from support.sandboxes.sandboxed import IN_AN_INSTANCE, Platform, platform_of


@pytest.fixture(scope="package")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    for platform in platform_of("dev-ack", tmp_path_factory.mktemp("ack")):
        # From the start: another key is another cluster.
        platform.edit(lambda config: config["cluster"].update(secrets_key=IN_AN_INSTANCE))
        yield platform

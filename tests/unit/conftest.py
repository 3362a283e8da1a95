"""Unit tests reach nothing: an attempt to open a socket fails the test."""

import pytest
import pytest_socket


@pytest.fixture(autouse=True)
def no_sockets() -> None:
    """Unix sockets are asyncio's own."""
    pytest_socket.disable_socket(allow_unix_socket=True)

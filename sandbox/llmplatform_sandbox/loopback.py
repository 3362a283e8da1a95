"""Keeps proxies of the environment off loopback.

A proxy would take a loopback address for its own. Go never uses a proxy for loopback (golang.org/x/net/http/httpproxy);
gRPC's core, which Python's is, asks `no_grpc_proxy`, else `no_proxy` (grpc/grpc: doc/environment_variables.md).
"""

import os
from collections.abc import Generator, MutableMapping
from contextlib import contextmanager

_EXCEPTIONS = ("no_proxy", "NO_PROXY", "no_grpc_proxy")
_LOOPBACK = ("127.0.0.1", "localhost")


def spare_loopback(environment: MutableMapping[str, str]) -> None:
    """Add loopback to the addresses that are reached without a proxy."""
    for name in _EXCEPTIONS:
        known = [entry.strip() for entry in environment.get(name, "").split(",") if entry.strip()]
        if name != "no_grpc_proxy" or known:
            environment[name] = ",".join(dict.fromkeys((*known, *_LOOPBACK)))


@contextmanager
def loopback_spared() -> Generator[None]:
    """The same in this process, while the block runs: connections read the environment when they are opened."""
    before = {name: os.environ.get(name) for name in _EXCEPTIONS}
    spare_loopback(os.environ)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

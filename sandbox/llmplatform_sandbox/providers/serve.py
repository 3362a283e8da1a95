"""Serves a provider to any number of engines."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from llmplatform_sandbox.callers import OwnCallers

_LARGEST = 400 * 1024 * 1024
"""Bytes of a message; the engine's own limit."""
_OPTIONS = [
    ("grpc.max_receive_message_length", _LARGEST),
    ("grpc.max_send_message_length", _LARGEST),
    # Else two servers may share a port, and answer each other's clients.
    ("grpc.so_reuseport", 0),
]
_THREADS = 64
"""The engine works on many resources at once, and each may wait for minutes."""


def serve(
    servicer: provider_pb2_grpc.ResourceProviderServicer,
    *,
    port: int = 0,
    interceptors: Sequence["grpc.ServerInterceptor[Any, Any]"] = (),
) -> tuple[grpc.Server, int]:
    """Start a gRPC server for a provider on loopback; returns it, for the caller to stop, and its port."""

    def add(server: grpc.Server) -> None:
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)

    return start(add, threads=_THREADS, port=port, interceptors=interceptors)


def start(
    add: Callable[[grpc.Server], object],
    *,
    threads: int,
    port: int = 0,
    interceptors: Sequence["grpc.ServerInterceptor[Any, Any]"] = (),
) -> tuple[grpc.Server, int]:
    """Start a server for this user on a port of loopback, or a free one if that is taken or 0.

    `add`: adds its services.
    """
    callers = OwnCallers()
    server = grpc.server(ThreadPoolExecutor(threads), options=_OPTIONS, interceptors=[callers, *interceptors])
    add(server)
    try:
        callers.port = server.add_insecure_port(f"127.0.0.1:{port}")
    except RuntimeError:
        callers.port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, callers.port

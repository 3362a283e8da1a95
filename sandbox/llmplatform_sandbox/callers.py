"""Protects the sandbox's ports: processes of the same user are answered, and no others.

The engine attaches to providers and language hosts by TCP on loopback, in plain text and without a token
(pulumi/pulumi: pkg/resource/plugin/plugin.go, `dialPlugin`), so neither a file's mode nor a token can tell its calls
from those of another user of the machine. The system can: it knows the user of the socket at the other end. Linux is
asked at every call, by sock_diag(7); elsewhere `lsof` is, and its answer is kept for a second. The engine's own ports,
open while it works, are Pulumi's and answer every local user.
"""

import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

import grpc
from typing_extensions import override

from llmplatform_sandbox.errors import SandboxError

_LOOPBACK = "127.0.0.1"
_PEER = re.compile(r"ipv4:127\.0\.0\.1:(\d+)")
_BELIEVED = 1.0
"""Seconds to keep an answer of lsof: another process hardly gets the same address sooner."""

Finder = Callable[[int, int], bool]
"""Whether the connection from one port of loopback to another was opened by this user."""


class OwnCallers(grpc.ServerInterceptor):  # pyright: ignore[reportMissingTypeArgument] generic in its stubs alone
    """Refuses every call of another user. Needs the `port` of its server."""

    def __init__(self, finder: Finder | None = None) -> None:
        self.port = 0
        self._opened_by_us = finder or finder_of_this_system()

    @override
    def intercept_service(self, continuation: Callable[..., Any], handler_call_details: Any) -> Any:
        handler = continuation(handler_call_details)
        if handler is None:
            return None
        kind = f"{_arity(handler.request_streaming)}_{_arity(handler.response_streaming)}"
        behaviour = getattr(handler, kind)

        def guarded(request: Any, context: grpc.ServicerContext) -> Any:
            self._require_own(context)
            return behaviour(request, context)

        return getattr(grpc, f"{kind}_rpc_method_handler")(
            guarded,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    def _require_own(self, context: grpc.ServicerContext) -> None:
        peer = _PEER.fullmatch(context.peer())
        if peer is None or not self._opened_by_us(int(peer[1]), self.port):
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "this port answers only the user who opened it")


def guard(module: str) -> None:
    """Make a module that creates servers of its own, without a hook, serve only this user."""
    import_module(module).__dict__["grpc"] = _GuardedGrpc()


def finder_of_this_system() -> Finder:
    """This system's way to tell. Raises `SandboxError` without one, because every port would be open to all users."""
    if sys.platform == "linux" and _kernel_answers():
        return opened_by_us
    if shutil.which("lsof"):
        return remembered(held_by_us)
    raise SandboxError("lsof: not on PATH; install it: without it the sandbox cannot tell who calls its ports")


# From linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h and net/tcp_states.h.
_NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST = 4, 20, 1
_ESTABLISHED = 1
_HEADER = struct.Struct("=IHHII")
_ENDS = struct.Struct("!HH16s16s")
_REST = struct.Struct("=III")
"""Interface and cookie."""
_QUESTION = struct.Struct("=BBBBI")
_FOUND = struct.Struct("=BBBB")
_NUMBERS = struct.Struct("=IIIII")
"""Expiry, queues, user, inode."""


def opened_by_us(source: int, target: int) -> bool:
    """Asks Linux for the socket with exactly these two ends."""
    address = socket.inet_aton(_LOOPBACK).ljust(16, b"\0")
    ends = _ENDS.pack(source, target, address, address)
    question = _QUESTION.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 1 << _ESTABLISHED)
    body = question + ends + _REST.pack(0, 0xFFFFFFFF, 0xFFFFFFFF)
    header = _HEADER.pack(_HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as kernel:
        kernel.send(header + body)
        answer = kernel.recv(4096)
    if _HEADER.unpack_from(answer)[1] != _SOCK_DIAG_BY_FAMILY:
        return False  # An error: there is no such socket.
    at = _HEADER.size
    state = _FOUND.unpack_from(answer, at)[1]
    at += _FOUND.size
    found = _ENDS.unpack_from(answer, at)[:2]
    user = _NUMBERS.unpack_from(answer, at + _ENDS.size + _REST.size)[3]
    # A listener on the source's port is found as well, and a closed socket, as user 0.
    return state == _ESTABLISHED and found == (source, target) and user == os.geteuid()


def held_by_us(source: int, target: int) -> bool:
    """Searches the list of this user's open files."""
    command = ["lsof", "-nP", "-a", "-u", str(os.geteuid()), f"-iTCP@{_LOOPBACK}:{source}", "-sTCP:ESTABLISHED", "-Fn"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return f"n{_LOOPBACK}:{source}->{_LOOPBACK}:{target}" in listed.splitlines()


def remembered(finder: Finder) -> Finder:
    """The same, once a second for each connection of this user."""
    seen: dict[tuple[int, int], float] = {}

    def ours(source: int, target: int) -> bool:
        asked = time.monotonic()
        if asked - seen.get((source, target), -_BELIEVED) < _BELIEVED:
            return True
        seen.pop((source, target), None)
        if not finder(source, target):
            return False
        seen[source, target] = asked
        return True

    return ours


def _kernel_answers() -> bool:
    """Whether the kernel knows a connection of our own."""
    with socket.create_server((_LOOPBACK, 0)) as server, socket.create_connection(server.getsockname()) as client:
        try:
            return opened_by_us(client.getsockname()[1], server.getsockname()[1])
        except (OSError, struct.error):
            return False


def _arity(streaming: bool) -> str:
    return "stream" if streaming else "unary"


class _GuardedGrpc:
    """Stands for `grpc` in a module."""

    def __getattr__(self, name: str) -> Any:
        return getattr(grpc, name)

    def server(self, pool: Any, **settings: Any) -> grpc.Server:
        callers = OwnCallers()
        server = grpc.server(pool, **settings, interceptors=[callers])
        bind = server.add_insecure_port

        def add_insecure_port(address: str) -> int:
            callers.port = bind(address)
            return callers.port

        server.add_insecure_port = add_insecure_port
        return server

"""What a provider says to the engine beside its answers: the warnings that Pulumi shows with a resource."""

import threading
from contextlib import suppress

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc


class Host:
    """The engine that a provider was attached to; without an address it hears nothing."""

    def __init__(self, address: str = "") -> None:
        self._address = address
        self._channel: grpc.Channel | None = None
        self._said: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def warn(self, urn: str, text: str, *, passing: bool = False) -> None:
        """A warning, once in an operation. `passing`: shown only while the resource is under way."""
        if not self._address:
            return
        with self._lock:
            if (urn, text) in self._said:
                return
            self._said.add((urn, text))
            self._channel = self._channel or grpc.insecure_channel(self._address)
        request = engine_pb2.LogRequest(severity=engine_pb2.WARNING, message=text, urn=urn, ephemeral=passing)
        with suppress(grpc.RpcError):
            engine_pb2_grpc.EngineStub(self._channel).Log(request, timeout=5)

    def close(self) -> None:
        """Let go of the engine."""
        with self._lock:
            channel, self._channel, self._address = self._channel, None, ""
        if channel:
            channel.close()

"""Entrance to a cloud's cluster: Kubernetes refuses a caller that the cloud does not know, at every call."""

from collections.abc import Callable
from typing import Any

import grpc
from typing_extensions import override

_CALLS = ("/Create", "/Read", "/Update", "/Delete")


class Entrance(grpc.ServerInterceptor):  # pyright: ignore[reportMissingTypeArgument] generic in its stubs alone
    """Asks before each call of the Kubernetes provider; previews call nothing and are never refused."""

    def __init__(self, refusal: Callable[[], str]) -> None:
        """`refusal`: why the caller may not enter, in one line; empty if it may."""
        self._refusal = refusal

    @override
    def intercept_service(self, continuation: Callable[..., Any], handler_call_details: Any) -> Any:
        handler = continuation(handler_call_details)
        if handler is None or not handler_call_details.method.endswith(_CALLS):
            return handler

        def behaviour(request: Any, context: grpc.ServicerContext) -> Any:
            refusal = "" if getattr(request, "preview", False) else self._refusal()
            if refusal:
                context.abort(grpc.StatusCode.FAILED_PRECONDITION, refusal)
            return handler.unary_unary(request, context)

        return grpc.unary_unary_rpc_method_handler(
            behaviour,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

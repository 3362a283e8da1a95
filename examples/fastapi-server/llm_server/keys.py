"""The clients' key."""

from hmac import compare_digest

from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from llm_server import errors
from llm_server.observe import QUIET


class RequiresKey:
    """Middleware: refuses what has no key before any of its body is read. FastAPI asks its dependencies only after."""

    def __init__(self, app: ASGIApp, key: SecretStr | None) -> None:
        self._app = app
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on what has the key, and what the kubelet and Prometheus ask."""
        if scope["type"] != "http" or scope["path"] in QUIET or self._accepts(Headers(scope=scope)):
            await self._app(scope, receive, send)
        else:
            await errors.response(401, "the bearer token is missing or wrong")(scope, receive, send)

    def _accepts(self, headers: Headers) -> bool:
        if self._key is None:
            return True
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        # Headers are bytes, which Starlette decodes as Latin-1.
        right = compare_digest(token.strip().encode("latin-1"), self._key.get_secret_value().encode())
        return right and scheme.lower() == "bearer"

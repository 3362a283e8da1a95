"""Metrics, and one line of JSON for each request. Neither holds text of a prompt or an answer."""

import asyncio
import logging
import re
import sys
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from uuid import uuid4

from prometheus_client import Counter, Gauge, Histogram
from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from llm_server.backend import Piece

logger = logging.getLogger("llm_server.requests")

QUIET = frozenset({"/health", "/ready", "/metrics"})
"""Asked every few seconds by the kubelet and Prometheus."""
CANCELLED = 499
"""Status of a request whose client went away, as nginx counts it."""
UNKNOWN = "unknown"
"""Label of requests for none of our models: clients' own names would be metrics without end."""
REQUEST_ID = re.compile(r"[\w.:-]{1,128}", re.ASCII)
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)

REQUESTS = Counter("llm_requests", "Finished requests.", ["model", "status"])
DURATION = Histogram("llm_request_duration_seconds", "Time to the end of the answer.", ["model"], buckets=_SECONDS)
FIRST_TOKEN = Histogram("llm_time_to_first_token_seconds", "Time to the first token.", ["model"], buckets=_SECONDS)
BETWEEN_TOKENS = Histogram(
    "llm_time_per_output_token_seconds", "Mean time between tokens of an answer.", ["model"], buckets=_SECONDS
)
ACTIVE = Gauge("llm_active_requests", "Requests that are being served.", ["model"])
RUNNING = Gauge("llm_running_requests", "Those of them that have a first token.", ["model"])
WAITING = Gauge("llm_waiting_requests", "Those of them that have none.", ["model"])
PROMPT_TOKENS = Counter("llm_prompt_tokens", "Tokens of prompts.", ["model"])
GENERATED_TOKENS = Counter("llm_generated_tokens", "Tokens of answers.", ["model"])

_current: ContextVar["Record | None"] = ContextVar("record", default=None)


@dataclass(kw_only=True, eq=False)
class Record:
    """What is known about a request."""

    request_id: str
    began: float = field(default_factory=time.perf_counter)
    model: str = UNKNOWN
    """One of ours, once it is known to be."""
    served: bool = False
    """Whether it was accepted."""
    status: int = 0
    stream: bool = False
    prompt_tokens: int = 0
    generated_tokens: int = 0
    finish_reason: str | None = None
    first_token: float | None = None
    """Seconds from the beginning to the first token."""
    complete: bool = False
    """Whether the client has the whole answer."""

    @property
    def seconds(self) -> float:
        """Time since the beginning."""
        return time.perf_counter() - self.began

    def serve(self, *, stream: bool = False) -> None:
        """The model answers."""
        self.served, self.stream = True, stream
        ACTIVE.labels(self.model).inc()

    def note(self, piece: Piece) -> None:
        """The next piece of the answer."""
        if self.first_token is None:
            self.first_token = self.seconds
        self.generated_tokens, self.finish_reason = piece.tokens, piece.finish_reason

    def end(self) -> None:
        """The last word about the request: its metrics and its line."""
        status = self.status if self.complete or self.status >= 400 else CANCELLED
        REQUESTS.labels(self.model, status).inc()
        if self.served:
            ACTIVE.labels(self.model).dec()
            PROMPT_TOKENS.labels(self.model).inc(self.prompt_tokens)
            GENERATED_TOKENS.labels(self.model).inc(self.generated_tokens)
            DURATION.labels(self.model).observe(self.seconds)
        if self.first_token is not None:
            FIRST_TOKEN.labels(self.model).observe(self.first_token)
            if self.generated_tokens > 1:
                between = (self.seconds - self.first_token) / (self.generated_tokens - 1)
                BETWEEN_TOKENS.labels(self.model).observe(between)
        logger.info(
            "request",
            extra={
                "request_id": self.request_id,
                "model": self.model,
                "status": status,
                "stream": self.stream,
                "prompt_tokens": self.prompt_tokens,
                "generated_tokens": self.generated_tokens,
                "finish_reason": self.finish_reason,
                "first_token_seconds": self.first_token and round(self.first_token, 4),
                "seconds": round(self.seconds, 4),
            },
        )


def record() -> Record:
    """The record of the request that is being served."""
    found = _current.get()
    if found is None:
        raise LookupError("no request is being served: the middleware is missing")
    return found


class Observes:
    """Middleware: gives each request its record and its id."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.finished = 0
        self._active: set[Record] = set()
        self._cut_off: set[Record] = set()

    @property
    def unfinished(self) -> tuple[str, ...]:
        """Ids of the requests that still run, or that the deadline of the shutdown cut off."""
        return tuple(each.request_id for each in self._active | self._cut_off)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes everything on, and notes what it sees."""
        if scope["type"] != "http" or scope["path"] in QUIET:
            await self._app(scope, receive, send)
            return
        wished = Headers(scope=scope).get("X-Request-ID", "")
        current = Record(request_id=wished if REQUEST_ID.fullmatch(wished) else uuid4().hex)

        async def send_noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                current.status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = current.request_id
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                current.complete = True

        _current.set(current)
        self._active.add(current)
        try:
            await self._app(scope, receive, send_noting)
            self.finished += 1
        except asyncio.CancelledError:
            self._cut_off.add(current)
            current.status = 503
            raise
        finally:
            self._active.remove(current)
            current.end()


def log_json(level: str) -> None:
    """Every line of every library is one JSON object on standard output."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        JsonFormatter(
            ["asctime", "levelname", "name", "message"],
            rename_fields={"asctime": "time", "levelname": "level"},
            # Uvicorn's messages once more, for terminals.
            reserved_attrs=[*RESERVED_ATTRS, "color_message"],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)

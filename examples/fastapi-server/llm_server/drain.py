"""How the server leaves.

SIGTERM makes it not ready, so that its Service sends nothing new, and every answer from now on has `Connection: close`,
so that clients with pooled connections go to another replica. It serves on until each connection was told so, or was
idle for longer than connections are kept. Only then the socket closes: a request that was on its way is not lost. What
still runs has the rest of the time to end.
"""

import logging
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

import uvicorn
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)

EXIT_SECONDS = 3
"""For the end of the model's thread, the checkpoint, and the end of the process."""
END_SECONDS = 1
"""For the last of them."""


@dataclass(frozen=True, kw_only=True)
class Drained:
    """What a checkpoint is told."""

    seconds: float
    """Time since the signal."""
    finished: int
    """Requests that ended since the process began."""
    unfinished: tuple[str, ...]
    """Ids of the requests that the deadline cut off."""


def log_drained(drained: Drained) -> None:
    """The checkpoint of a server that has no state to save."""
    logger.info(
        "drained",
        extra={
            "seconds": round(drained.seconds, 3),
            "finished": drained.finished,
            "unfinished": list(drained.unfinished),
        },
    )


def call(checkpoint: Callable[[Drained], None], drained: Drained, *, seconds: float) -> None:
    """Calls it, and leaves it behind where it takes longer. What it raises is logged."""

    def called() -> None:
        try:
            checkpoint(drained)
        except Exception:
            logger.exception("the checkpoint failed")

    thread = threading.Thread(target=called, name="checkpoint", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        logger.error("the checkpoint has not ended in time", extra={"seconds": round(seconds, 3)})


class Drain:
    """Whether, and since when, the server leaves, and how long it may take."""

    def __init__(self, limit: int) -> None:
        """`limit`: seconds from the signal to the end of the process."""
        self.limit = limit
        self._began: float | None = None

    def begin(self) -> None:
        """The signal came."""
        self._began = self._began or time.monotonic()

    @property
    def draining(self) -> bool:
        """Whether it leaves."""
        return self._began is not None

    @property
    def seconds(self) -> float:
        """Time since the signal; 0 before it."""
        return time.monotonic() - self._began if self._began else 0.0

    @property
    def left(self) -> float:
        """Seconds for what comes before the end of the process; some even past the limit."""
        return max(EXIT_SECONDS - END_SECONDS, self.limit - self.seconds) - END_SECONDS


class ClosesConnections:
    """Middleware: tells clients to close their connections while the server leaves."""

    def __init__(self, app: ASGIApp, drain: Drain) -> None:
        self._app = app
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes everything on, and adds a header to responses."""

        async def send_closing(message: Message) -> None:
            if message["type"] == "http.response.start" and self._drain.draining:
                MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)

        await self._app(scope, receive, send_closing)


class DrainingServer(uvicorn.Server):
    """Uvicorn, with a SIGTERM that loses no request. SIGINT, from a terminal, ends it as usual."""

    def __init__(self, config: uvicorn.Config, drain: Drain) -> None:
        super().__init__(config)
        self._drain = drain
        serving = max(0, drain.limit - EXIT_SECONDS)
        self._linger = min(config.timeout_keep_alive + 1, serving)
        config.timeout_graceful_shutdown = serving - self._linger

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begins to drain on SIGTERM."""
        if sig == signal.SIGTERM:
            self._drain.begin()
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: whether to close the socket, and wait for what still runs."""
        told = self._drain.draining and self._drain.seconds > self._linger
        return await super().on_tick(counter) or told

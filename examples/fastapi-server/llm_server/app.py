"""The app: routes, probes, metrics, and what happens at its start and its end."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import ASGIApp

from llm_server.backend import Embedder, Generator
from llm_server.drain import ClosesConnections, Drain, Drained, call
from llm_server.errors import answer_errors
from llm_server.keys import RequiresKey
from llm_server.observe import RUNNING, WAITING, Observes
from llm_server.routes import routes
from llm_server.settings import Settings


def create(settings: Settings, *, generator: Generator, embedder: Embedder, drain: Drain) -> ASGIApp:
    """The whole server but its socket."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        RUNNING.labels(settings.model_name).set_function(lambda: generator.running)
        WAITING.labels(settings.model_name).set_function(lambda: generator.waiting)
        generator.start()
        yield
        generator.close()
        drained = Drained(seconds=drain.seconds, finished=observes.finished, unfinished=observes.unfinished)
        call(settings.checkpoint, drained, seconds=drain.left)

    app = FastAPI(title="LLM server", lifespan=lifespan, max_body_size=settings.max_body_bytes)
    observes = Observes(RequiresKey(app, settings.api_key))
    answer_errors(app)
    app.include_router(routes(settings, generator, embedder))

    @app.get("/health")
    async def health() -> Response:
        """Liveness: 503 once only another process can help."""
        return Response(status_code=503 if generator.state == "failed" else 200)

    @app.get("/ready")
    async def ready() -> Response:
        """Readiness: whether to send requests here."""
        return Response(status_code=200 if generator.state == "ready" and not drain.draining else 503)

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return ClosesConnections(observes, drain)

"""Starts the server: `python -m llm_server`, with settings from the environment."""

import uvicorn

from llm_server import app, observe
from llm_server.drain import Drain, DrainingServer
from llm_server.embeddings import WordLlamaEmbedder
from llm_server.mlx_backend import MlxGenerator
from llm_server.settings import Settings


def main() -> None:
    """Serves until a signal."""
    settings = Settings()  # pyright: ignore[reportCallIssue] - the environment has the required ones
    observe.log_json("INFO")
    drain = Drain(settings.shutdown_seconds)
    generator = MlxGenerator(
        settings.model_path,
        max_batch=settings.max_batch,
        context_length=settings.context_length,
    )
    asgi = app.create(settings, generator=generator, embedder=WordLlamaEmbedder(), drain=drain)
    config = uvicorn.Config(
        asgi,
        host=settings.host,
        port=settings.port,
        timeout_keep_alive=settings.keep_alive_seconds,
        log_config=None,
        access_log=False,
        server_header=False,
    )
    DrainingServer(config, drain).run()


if __name__ == "__main__":
    main()

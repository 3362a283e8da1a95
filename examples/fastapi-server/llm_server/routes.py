"""The routes for clients: OpenAI's chat completions and embeddings, and /generate."""

import asyncio
import base64
import logging
import struct
import time
from collections.abc import AsyncGenerator, Callable, Iterable

from fastapi import APIRouter
from fastapi import Request as HttpRequest
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel

from llm_server import errors
from llm_server.backend import Embedder, FinishReason, Generation, Generator, Piece, Prompt, UnusablePromptError
from llm_server.errors import ApiError
from llm_server.observe import CANCELLED, record
from llm_server.schemas import (
    Answer,
    ChatChunk,
    ChatCompletion,
    ChatRequest,
    ChunkChoice,
    Embedding,
    EmbeddingRequest,
    Embeddings,
    FullChoice,
    GenerateRequest,
    Generating,
    Usage,
)
from llm_server.settings import Settings

logger = logging.getLogger(__name__)


def routes(settings: Settings, generator: Generator, embedder: Embedder) -> APIRouter:
    """All of them."""
    router = APIRouter()
    embedding = 0

    def expect_room() -> None:
        held = generator.running + generator.waiting + embedding
        if held >= settings.max_batch + settings.max_waiting:
            raise ApiError(429, f"{held} requests run or wait: try again, or another replica")

    async def begin(prompt: Prompt, asked: Generating) -> Generation:
        record().model = settings.model_name
        if generator.state != "ready":
            raise ApiError(503, "the model is not loaded")
        expect_room()
        try:
            generation = await generator.submit(prompt, asked.sampling(settings.max_tokens))
        except UnusablePromptError as error:
            raise ApiError(400, str(error)) from error
        record().serve(stream=asked.stream)
        record().prompt_tokens = generation.prompt_tokens
        return generation

    @router.post("/v1/chat/completions", response_model=ChatCompletion)
    async def chat(asked: ChatRequest, http: HttpRequest) -> Response:
        _expect(asked.model, {settings.model_name, *settings.served_names})
        generation = await begin([message.turn for message in asked.messages], asked)
        ident, created, model = f"chatcmpl-{record().request_id}", int(time.time()), settings.model_name

        def chunk(*choices: ChunkChoice, usage: Usage | None = None) -> ChatChunk:
            return ChatChunk(id=ident, created=created, model=model, choices=list(choices), usage=usage)

        if asked.stream:
            return _events(
                generation,
                first=[chunk(ChunkChoice(delta={"role": "assistant", "content": ""}))],
                event=lambda piece: chunk(
                    ChunkChoice(delta={"content": piece.text}, finish_reason=piece.finish_reason)
                ),
                last=lambda: (
                    [chunk(usage=_usage())] if asked.stream_options and asked.stream_options.include_usage else []
                ),
            )
        text, reason = await _whole(generation, http)
        choice = FullChoice(message={"role": "assistant", "content": text}, finish_reason=reason)
        return _json(ChatCompletion(id=ident, created=created, model=model, choices=[choice], usage=_usage()))

    @router.post("/generate", response_model=Answer)
    async def generate(asked: GenerateRequest, http: HttpRequest) -> Response:
        generation = await begin(asked.prompt, asked)
        if asked.stream:
            return _events(generation, event=lambda piece: Answer(text=piece.text, finish_reason=piece.finish_reason))
        text, reason = await _whole(generation, http)
        return _json(Answer(text=text, finish_reason=reason, usage=_usage()))

    @router.post("/v1/embeddings", response_model=Embeddings)
    async def embeddings(asked: EmbeddingRequest) -> Response:
        nonlocal embedding
        _expect(asked.model, {settings.embedding_name})
        record().model = settings.embedding_name
        expect_room()
        record().serve()

        def embed() -> Response:
            vectors, record().prompt_tokens = embedder.embed(asked.texts)
            encode = _base64 if asked.encoding_format == "base64" else list[float]
            data = [Embedding(index=index, embedding=encode(vector)) for index, vector in enumerate(vectors)]
            return _json(Embeddings(data=data, model=settings.embedding_name, usage=_usage()))

        embedding += 1
        try:
            # In a thread: many long texts would keep the event loop from all other requests.
            return await asyncio.to_thread(embed)
        finally:
            embedding -= 1

    @router.get("/v1/models")
    async def models() -> dict[str, object]:
        names = *sorted({settings.model_name, *settings.served_names}), settings.embedding_name
        return {"object": "list", "data": [{"id": name, "object": "model", "owned_by": "llm-server"} for name in names]}

    return router


def _expect(asked: str, ours: set[str]) -> None:
    if asked not in ours:
        raise ApiError(404, f"this route serves {', '.join(sorted(ours))}")


def _usage() -> Usage:
    prompt, generated = record().prompt_tokens, record().generated_tokens
    return Usage(prompt_tokens=prompt, completion_tokens=generated, total_tokens=prompt + generated)


def _json(answer: BaseModel) -> Response:
    return Response(answer.model_dump_json(), media_type="application/json")


def _base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


async def _whole(generation: Generation, http: HttpRequest) -> tuple[str, FinishReason | None]:
    """The whole text. A client that goes away ends the generation, also one that has no piece yet."""
    with generation:
        answer, gone = asyncio.create_task(_collected(generation)), asyncio.create_task(_gone(http))
        try:
            await asyncio.wait((answer, gone), return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return answer.result()
            raise ApiError(CANCELLED, "the client went away")
        finally:
            answer.cancel()
            gone.cancel()


async def _collected(generation: Generation) -> tuple[str, FinishReason | None]:
    text, reason = "", None
    async for piece in generation:
        record().note(piece)
        text, reason = text + piece.text, piece.finish_reason
    return text, reason


async def _gone(http: HttpRequest) -> None:
    """Returns once the client has closed its connection: its body was read before."""
    while (await http.receive())["type"] != "http.disconnect":
        pass


def _events(
    generation: Generation,
    *,
    event: Callable[[Piece], BaseModel],
    first: Iterable[BaseModel] = (),
    last: Callable[[], Iterable[BaseModel]] = tuple,
) -> StreamingResponse:
    """Server-sent events. A client that goes away closes them, and with them the generation."""

    async def lines() -> AsyncGenerator[str]:
        with generation:
            for each in first:
                yield _line(each.model_dump_json(exclude_none=True))
            try:
                async for piece in generation:
                    record().note(piece)
                    if piece.text or piece.finish_reason:
                        yield _line(event(piece).model_dump_json())
            except Exception:
                # The status was sent long ago: only the stream itself can tell.
                logger.exception("a stream failed", extra={"request_id": record().request_id})
                record().status = 500
                yield _line(errors.content(500, "the model failed").model_dump_json())
                return
            for each in last():
                yield _line(each.model_dump_json())
        yield _line("[DONE]")

    # Proxies of nginx's kind collect a response otherwise.
    return StreamingResponse(
        lines(), media_type="text/event-stream", headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    )


def _line(data: str) -> str:
    return f"data: {data}\n\n"

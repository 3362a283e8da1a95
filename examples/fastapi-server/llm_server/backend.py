"""What the server asks of a model. Another library behind it is another module with these methods."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, Self, TypedDict

FinishReason = Literal["stop", "length"]
State = Literal["loading", "ready", "failed"]


class Turn(TypedDict):
    """A message of a conversation."""

    role: str
    content: str


Prompt = str | Sequence[Turn]
"""Text that the model continues, or a conversation in the model's own template."""


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How to continue a prompt."""

    max_tokens: int
    temperature: float
    """0: always the likeliest token."""
    top_p: float
    stop: tuple[str, ...] = ()
    """Texts that end the answer, and are not part of it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Text of the next token."""

    text: str
    """Empty while a character, or what may become a stop text, is incomplete."""
    tokens: int
    """Generated so far."""
    finish_reason: FinishReason | None = None
    """Only with the last piece."""


class UnusablePromptError(ValueError):
    """The model cannot answer this prompt. The message is for the client."""


class Generation:
    """An answer in the making: `with` it, iterate over its pieces. Leaving before the last one cancels it."""

    def __init__(self, *, cancel: Callable[[], None]) -> None:
        self.prompt_tokens = 0
        self._cancel = cancel
        self._pieces: asyncio.Queue[Piece | Exception] = asyncio.Queue()
        self._ended = False

    def put(self, piece: Piece | Exception) -> None:
        """The next piece, or why there is none. Called in the event loop's thread."""
        self._pieces.put_nowait(piece)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._ended:
            self._cancel()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Piece:
        if self._ended:
            raise StopAsyncIteration
        piece = await self._pieces.get()
        if isinstance(piece, Exception):
            self._ended = True
            raise piece
        self._ended = piece.finish_reason is not None
        return piece


class Generator(Protocol):
    """A language model."""

    @property
    def state(self) -> State:
        """Whether it can generate. One that failed never will again: the process has to be replaced."""
        ...

    @property
    def running(self) -> int:
        """Requests with a first token, but not the last one."""
        ...

    @property
    def waiting(self) -> int:
        """Requests without a first token."""
        ...

    def start(self) -> None:
        """Begins to load, from a running event loop."""
        ...

    async def submit(self, prompt: Prompt, sampling: Sampling) -> Generation:
        """Begins to generate; at once the request counts as waiting. Raises UnusablePromptError."""
        ...

    def close(self) -> None:
        """Ends the model's thread, or soon leaves it behind. Generations that still run get no more pieces."""
        ...


class Embedder(Protocol):
    """An embedding model."""

    def embed(self, texts: Sequence[str]) -> tuple[list[list[float]], int]:
        """A vector for each text, all of one length, and the tokens of all texts. Any thread may call it."""
        ...

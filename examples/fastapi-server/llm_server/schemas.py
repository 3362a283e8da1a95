"""OpenAI's API, as far as this server has it, and the bodies of /generate.

Unknown settings are ignored, as other servers do. What would change the answer and is not there (several answers,
tools) is refused.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from llm_server.backend import FinishReason, Sampling, Turn

Text = Annotated[str, Field(min_length=1)]
ShortText = Annotated[str, Field(min_length=1, max_length=2**15)]
"""A token takes a kilobyte of memory. OpenAI's API takes 8,192 of them: about so many characters of English."""


class Request(BaseModel):
    """What a client sends."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class TextPart(Request):
    """Text within a message."""

    type: Literal["text"]
    text: str


class Message(Request):
    """A message of the conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart]

    @property
    def turn(self) -> Turn:
        """The message as chat templates take it: they know `developer` by its older name."""
        text = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)
        return {"role": "system" if self.role == "developer" else self.role, "content": text}


class StreamOptions(Request):
    """Options of a streamed answer."""

    include_usage: bool = False


class Generating(Request):
    """What every request for text has."""

    max_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] = 1.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    stop: Text | Annotated[list[Text], Field(max_length=4)] = []
    stream: bool = False

    def sampling(self, default_tokens: int) -> Sampling:
        """How to answer. `default_tokens`: longest answer to a request that names no length."""
        return Sampling(
            max_tokens=self.max_tokens or default_tokens,
            temperature=self.temperature,
            top_p=self.top_p,
            stop=(self.stop,) if isinstance(self.stop, str) else tuple(self.stop),
        )


class ChatRequest(Generating):
    """POST /v1/chat/completions."""

    model: str
    messages: Annotated[list[Message], Field(min_length=1)]
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    """The newer name of `max_tokens`."""
    stream_options: StreamOptions | None = None
    n: Literal[1] | None = None
    tools: Annotated[list[Any], Field(max_length=0)] | None = None

    def sampling(self, default_tokens: int) -> Sampling:
        """How to answer."""
        return super().sampling(self.max_completion_tokens or default_tokens)


class GenerateRequest(Generating):
    """POST /generate: a text to continue, without a chat template."""

    prompt: Text


class EmbeddingRequest(Request):
    """POST /v1/embeddings."""

    model: str
    input: ShortText | Annotated[list[ShortText], Field(min_length=1, max_length=2048)]
    encoding_format: Literal["float", "base64"] = "float"

    @property
    def texts(self) -> list[str]:
        """All texts."""
        return [self.input] if isinstance(self.input, str) else self.input


class Usage(BaseModel):
    """Tokens of a request."""

    prompt_tokens: int
    completion_tokens: int = 0
    total_tokens: int


class Answer(BaseModel):
    """Response of /generate; streamed, an event has the text that is new."""

    text: str
    finish_reason: FinishReason | None
    usage: Usage | None = None


class Choice(BaseModel):
    """The answer, or what is new of it."""

    index: Literal[0] = 0
    finish_reason: FinishReason | None = None


class FullChoice(Choice):
    """The answer."""

    message: dict[str, str]


class ChunkChoice(Choice):
    """What is new of the answer."""

    delta: dict[str, str]


class Chat(BaseModel):
    """What responses and events of /v1/chat/completions have in common."""

    id: str
    created: int
    model: str
    usage: Usage | None = None


class ChatCompletion(Chat):
    """Response of /v1/chat/completions."""

    object: Literal["chat.completion"] = "chat.completion"
    choices: list[FullChoice]


class ChatChunk(Chat):
    """Event of a streamed response."""

    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    choices: list[ChunkChoice]


class Embedding(BaseModel):
    """A vector: numbers, or base64 of 32-bit little-endian floats."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class Embeddings(BaseModel):
    """Response of /v1/embeddings."""

    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    usage: Usage

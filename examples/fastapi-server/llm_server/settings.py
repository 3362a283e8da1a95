"""Settings, from environment variables of the same names: MODEL_PATH, MODEL_NAME, and so on.

The names in the first half are those that a `custom` engine of llmplatform sets.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from pydantic import Field, ImportString, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from llm_server.drain import Drained


class Settings(BaseSettings):
    """All settings."""

    model_config = SettingsConfigDict(frozen=True)

    model_path: Path
    """Folder with config.json, tokenizer and safetensors, as Hugging Face publishes them."""
    model_name: str
    """Name of the model in answers and in metrics."""
    served_names: Annotated[frozenset[str], NoDecode] = frozenset()
    """Further names for clients, with commas between them."""
    context_length: Annotated[int, Field(ge=2)] | None = None
    """Longest prompt with its answer, in tokens. Empty: the model's own."""
    port: int = 8000
    shutdown_seconds: Annotated[int, Field(ge=0)] = 90
    """Time from SIGTERM until the process ends, at the latest. The pod's grace period has to be longer."""
    api_key: Annotated[SecretStr, Field(min_length=1)] | None = None
    """Key that clients send as a bearer token. Without the variable no key is asked for; an empty one is an error."""

    host: str = "0.0.0.0"  # noqa: S104 - clients reach a pod by its address
    embedding_name: str = "wordllama"
    """Name of the embedding model."""
    max_batch: Annotated[int, Field(ge=1)] = 32
    """Requests that generate at once. Bounds the memory of the cache: batch times context."""
    max_waiting: Annotated[int, Field(ge=0)] = 256
    """Requests that wait for a place in the batch. More get status 429, so that they go to another replica. Embeddings
    take places too."""
    max_body_bytes: Annotated[int, Field(ge=1)] = 4 * 2**20
    """Longest body of a request. Longer ones get status 413."""
    max_tokens: Annotated[int, Field(ge=1)] = 512
    """Longest answer to a request that names no length, in tokens."""
    keep_alive_seconds: Annotated[int, Field(ge=1)] = 20
    """Time after which an idle connection is closed. A client that keeps its own for longer (httpx: 5, aiohttp: 15)
    may send a request just then, and lose it. SIGTERM ends a server no sooner."""
    checkpoint: ImportString[Callable[[Drained], None]] = Field("llm_server.drain.log_drained", validate_default=True)
    """Function by its dotted name that is called once all requests have ended, e.g. to save a state to a volume."""

    @field_validator("served_names", mode="before")
    @classmethod
    def _split(cls, names: str | frozenset[str]) -> frozenset[str]:
        return frozenset(filter(None, names.split(","))) if isinstance(names, str) else names

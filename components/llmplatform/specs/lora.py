"""Settings of LoRA adapters, which one server serves beside its model."""

from typing import Annotated, Protocol

from pydantic import Field

from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.models import AdapterSource, BaseModelName, Revision, ServedName
from llmplatform.specs.vocabulary.names import ObjectName


class Repository(Protocol):
    """Weights at a hub, or in a bucket."""

    @property
    def source(self) -> str:
        """Hugging Face id, or address in a bucket."""
        ...

    @property
    def revision(self) -> str | None:
        """Commit, tag or branch; None: the hub's main branch."""
        ...


class Adapter(Section):
    """A LoRA adapter in the format of PEFT, by the name that clients ask for."""

    source: AdapterSource
    """Hugging Face id, or `s3://BUCKET/PREFIX` or `oss://BUCKET/PREFIX` as in `weights.source`."""
    revision: Revision | None = None
    """Commit, tag or branch of the adapter. Empty: the hub's main branch at the first download. In a bucket: the digest
    of its files."""
    rank: Annotated[int, Field(ge=1, le=4096)]
    """`r` of its adapter_config.json, or the largest of its `rank_pattern`. The download refuses an adapter of a higher
    rank."""
    base: BaseModelName | None = None
    """`base_model_name_or_path` of its adapter_config.json, if it differs from the model's `source`, such as the model
    before quantization. The download refuses an adapter of another model."""


class RuntimeAdapters(Section):
    """Adapters that clients load and unload while the server runs."""

    claim: ObjectName
    """Existing PersistentVolumeClaim in the models' namespace, with a folder for each adapter. Servers mount it
    read-only at `/adapters`, on every node that they run on."""


class Lora(Section):
    """LoRA adapters. They share the server's GPUs with the model and with one another."""

    adapters: Annotated[dict[ServedName, Adapter], Field(max_length=200)] = Field(default_factory=dict)
    """Adapters by their names for clients. They are downloaded with the weights, and each replica serves all of them.
    Another list restarts the servers."""
    at_once: Annotated[int, Field(ge=1, le=256)] | None = None
    """Adapters in one batch. Each takes GPU memory, whether it is used or not; requests for further ones wait. Empty:
    all adapters, at most 4."""
    max_rank: Annotated[int, Field(ge=1, le=4096)] | None = None
    """Highest rank to serve. GPU memory grows with it. Empty: from the adapters; 16 without any."""
    runtime: RuntimeAdapters | None = None
    """Let clients load further adapters. Every client with the key may then load each folder of the claim, and unload
    any adapter; a load reaches one replica, and lasts until it restarts. Empty: they cannot."""

    @property
    def slots(self) -> int:
        """Adapters in GPU memory."""
        return self.at_once or min(max(1, len(self.adapters)), 4)

    @property
    def highest_rank(self) -> int:
        """The highest rank to serve, before the engine's choices."""
        return self.max_rank or max((adapter.rank for adapter in self.adapters.values()), default=16)

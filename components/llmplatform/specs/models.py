"""Models to serve: what, where, how many, with which engine."""

from typing import Annotated, Literal

from pydantic import Field

from llmplatform.catalog import ModelShape, models
from llmplatform.catalog import engines as catalog
from llmplatform.catalog.engines import EngineFacts, EngineRelease
from llmplatform.catalog.models import LONGEST_CONTEXT
from llmplatform.specs import engines
from llmplatform.specs.engines import Engine
from llmplatform.specs.pools import MOST_NODES
from llmplatform.specs.section import Section
from llmplatform.specs.taints import Toleration
from llmplatform.specs.vocabulary.addresses import Cidr, PortNumber
from llmplatform.specs.vocabulary.models import ModelId, Revision, ServedName
from llmplatform.specs.vocabulary.names import Name


class Weights(Section):
    """Where a model's weights stay between starts."""

    cache: Literal["shared", "node"] = "shared"
    """`shared`: a Job downloads them once to a volume that all replicas read and that outlives them; servers reach
    nothing outside. `node`: each pod downloads them to its node's disk before its server starts, and keeps its way
    out."""
    size_gib: Annotated[int, Field(ge=1, le=65536)] | None = None
    """Size of the volume in GiB. Empty: from the model's weights. Shared file systems grow by themselves, whatever is
    written here."""


class Resources(Section):
    """What a replica asks of its node. What is empty follows from its GPUs' share of the node, with room left."""

    cpu: Annotated[float, Field(ge=0.1, le=1024)] | None = None
    """CPUs that are requested. There is no limit: throttling costs latency."""
    memory_gib: Annotated[float, Field(ge=1, le=16384)] | None = None
    """Memory in GiB, requested and limit; shared memory counts to it."""
    shm_gib: Annotated[float, Field(ge=0.0625, le=1024)] | None = None
    """Size of /dev/shm in GiB."""


class Egress(Section):
    """Somewhere that a server may go, beside DNS."""

    cidr: Cidr
    """Range of addresses, e.g. 10.20.30.0/24."""
    ports: Annotated[tuple[PortNumber, ...], Field(min_length=1, max_length=20)] = (443,)
    """TCP ports."""


class Model(Section):
    """One served model."""

    source: ModelId
    """Hugging Face id."""
    served_names: Annotated[tuple[ServedName, ...], Field(max_length=20)] = ()
    """Further names that clients may ask for, e.g. the Hugging Face id."""
    revision: Revision | None = None
    """Commit, tag or branch of the weights. Empty: the hub's main branch, as it is when they are first downloaded; it
    stays until another revision is written here. Pin a commit in production, so that a second environment has the
    same."""
    pool: Name
    """Pool whose GPUs it uses."""
    tolerations: Annotated[tuple[Toleration, ...], Field(max_length=20)] = ()
    """Taints of its pool's nodes that its servers bear, beside `nvidia.com/gpu`, which they do in any case."""
    replicas: Annotated[int, Field(ge=0, le=MOST_NODES)] = 1
    """Servers of it. 0 keeps its volume and its settings."""
    tensor_parallel: Annotated[int, Field(ge=1, le=16)] = 1
    """GPUs that one replica is spread over, within one node."""
    context_length: Annotated[int, Field(ge=256, le=LONGEST_CONTEXT)] | None = None
    """Longest request in tokens. Empty: the model's own, which may not fit."""
    gated: bool = False
    """The weights need `secrets.huggingface_token`."""
    trust_remote_code: bool = False
    """Run code that comes with the weights."""
    engine: Engine = engines.DEFAULT
    weights: Weights = Weights()
    resources: Resources = Resources()
    egress: Annotated[tuple[Egress, ...], Field(max_length=50)] = ()
    """Where its servers may go, e.g. to fetch pictures for a model that sees. Empty: nowhere but to DNS."""
    surge: bool = False
    """A new pod starts before an old one ends. The pool needs room for one replica more."""
    evictable: bool | None = None
    """Whether the autoscaler may move a replica to save a node. Empty: where there are two replicas or more."""
    shape: ModelShape | None = None
    """For a model that the catalog does not know, or knows differently: values from its config.json."""
    startup_minutes: Annotated[int, Field(ge=3, le=1440)] | None = None
    """Longest time from container start to serving, with the weights at hand. Empty: from their size."""

    @property
    def known_shape(self) -> ModelShape | None:
        """The shape that is written down, else the catalog's; None where neither is."""
        return self.shape or models.get(self.source)

    @property
    def engine_facts(self) -> EngineFacts:
        """What the catalog has about its engine."""
        return catalog.facts(self.engine.kind)

    @property
    def engine_release(self) -> EngineRelease:
        """The engine's release that is asked for, else the default one."""
        return self.engine_facts.release(self.engine.version)

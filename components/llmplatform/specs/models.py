"""Models to serve: weights, pool, replicas, engine."""

from typing import Annotated, Literal

from pydantic import Field

from llmplatform.catalog import ModelShape, models
from llmplatform.catalog import engines as catalog
from llmplatform.catalog.engine_metrics import EngineMetrics
from llmplatform.catalog.engines import EngineFacts, EngineRelease
from llmplatform.catalog.models import LONGEST_CONTEXT
from llmplatform.specs import engines
from llmplatform.specs.engines import Engine, PublishedEngine
from llmplatform.specs.lora import Lora
from llmplatform.specs.objectives import Objectives
from llmplatform.specs.pools import MOST_NODES
from llmplatform.specs.scaling import Scaling
from llmplatform.specs.section import Section
from llmplatform.specs.sources import Address, address
from llmplatform.specs.taints import Toleration
from llmplatform.specs.vocabulary.addresses import Cidr, PortNumber
from llmplatform.specs.vocabulary.models import ModelId, Revision, ServedName
from llmplatform.specs.vocabulary.names import AnnotationValue, LabelKey, Name, ObjectName
from llmplatform.specs.weights import Weights

MOST_STAGES = 16
"""Largest number of stages of a replica."""


class Resources(Section):
    """Resources of a replica. Empty ones follow from its GPUs' share of the node, with some room left."""

    cpu: Annotated[float, Field(ge=0.1, le=1024)] | None = None
    """Requested CPUs. There is no limit: throttling costs latency."""
    memory_gib: Annotated[float, Field(ge=1, le=16384)] | None = None
    """Memory in GiB, request and limit, including shared memory."""
    shm_gib: Annotated[float, Field(ge=0.0625, le=1024)] | None = None
    """Size of /dev/shm in GiB, beside a cache that the engine keeps there."""


class Egress(Section):
    """A destination that a server may reach, beside DNS."""

    cidr: Cidr
    """Range of addresses, e.g. 10.20.30.0/24."""
    ports: Annotated[tuple[PortNumber, ...], Field(min_length=1, max_length=20)] = (443,)
    """TCP ports."""


class Model(Section):
    """One served model."""

    source: ModelId
    """Hugging Face id."""
    served_names: Annotated[tuple[ServedName, ...], Field(max_length=20)] = ()
    """Further names for clients, e.g. the Hugging Face id."""
    revision: Revision | None = None
    """Commit, tag or branch of the weights. Empty: the hub's main branch at the first download; it stays until another
    revision is set. Pin a commit in production, so that a second environment has the same weights. In a bucket: the
    digest of its files, which the download prints; other files are then refused."""
    pool: Name
    """Pool with the GPUs, or without any for engines that need none."""
    tolerations: Annotated[tuple[Toleration, ...], Field(max_length=20)] = ()
    """Taints of its pool's nodes that its servers tolerate. They always tolerate `nvidia.com/gpu`."""
    replicas: Annotated[int, Field(ge=0, le=MOST_NODES)] = 1
    """Number of servers. 0 keeps its volume and its settings. Not beside `scaling`."""
    scaling: Scaling | None = None
    """Lets the number of servers follow the load, in the place of `replicas`. Empty: it is fixed."""
    objectives: Objectives = Objectives()
    """What alerts measure it by."""
    tensor_parallel: Annotated[int, Field(ge=1, le=16)] = 1
    """GPUs that share every layer, within one node."""
    data_parallel: Annotated[int, Field(ge=1, le=16)] = 1
    """Ranks of a replica, within one node. Each has a copy of the model on `tensor_parallel` GPUs and computes requests
    of its own; routed experts they share by `expert_parallel`, behind some engines always."""
    expert_parallel: bool = False
    """Whether each GPU of a replica has some whole experts, instead of a part of every one."""
    pipeline_parallel: Annotated[int, Field(ge=1, le=MOST_STAGES)] = 1
    """Stages of one replica, each with some of the layers on `tensor_parallel` GPUs, for models that no node of the
    pool holds. Its pods are on as many nodes as the stages need, and start, end and restart together. Needs
    `addons.lws`."""
    exclusive_topology: LabelKey | None = None
    """Label of nodes that tells places, such as racks or placement groups: each replica over several nodes has a place
    of its own. Empty: any nodes of its pool."""
    context_length: Annotated[int, Field(ge=256, le=LONGEST_CONTEXT)] | None = None
    """Longest request in tokens. Empty: the model's own, which may not fit."""
    gated: bool = False
    """Whether the weights need `secrets.huggingface_token`."""
    trust_remote_code: bool = False
    """Run code that is published with the weights."""
    lora: Lora | None = None
    engine: Engine = engines.DEFAULT
    weights: Weights = Weights()
    resources: Resources = Resources()
    egress: Annotated[tuple[Egress, ...], Field(max_length=50)] = ()
    """Destinations of its servers, e.g. to fetch pictures for a multimodal model. Empty: only DNS."""
    workload: Literal["deployment", "kserve"] = "deployment"
    """What makes its pods: a Deployment of ours, or KServe by an InferenceService. KServe needs `addons.kserve`."""
    surge: bool = False
    """Start a new pod before an old one ends. The pool needs room for another replica."""
    evictable: bool | None = None
    """Whether the autoscaler may move a replica to save a node. Empty: only with two replicas or more."""
    priority_class: ObjectName | None = None
    """Existing PriorityClass of its pods: where GPUs are short, pods of a higher priority come first and may evict
    others. Empty: the cluster's default."""
    pod_annotations: Annotated[dict[LabelKey, AnnotationValue], Field(max_length=50)] = Field(default_factory=dict)
    """Further annotations of its pods, e.g. for a log collector or a service mesh."""
    shape: ModelShape | None = None
    """For a model that the catalog does not know, or knows differently: values from its config.json."""
    startup_minutes: Annotated[int, Field(ge=3, le=1440)] | None = None
    """Longest time from container start to serving, without the download. Empty: one and a half times what starting,
    loading and compiling are expected to take, as `llmplatform validate` shows it."""

    @property
    def known_shape(self) -> ModelShape | None:
        """The shape in the settings, else the catalog's; None without either."""
        return self.shape or models.get(self.source)

    @property
    def stage_gpus(self) -> int:
        """GPUs of one stage of a replica, within one node."""
        return self.tensor_parallel * self.data_parallel

    @property
    def gpus(self) -> int:
        """GPUs of one replica."""
        return self.stage_gpus * self.pipeline_parallel

    @property
    def has_whole_experts(self) -> bool:
        """Whether each GPU has whole experts."""
        return self.expert_parallel or self.engine.has_whole_experts

    @property
    def buckets(self) -> tuple[Address, ...]:
        """The places in buckets that its weights and adapters are copied from."""
        adapters = self.lora.adapters.values() if self.lora else ()
        named = [self.weights.address, *(address(each.source) for each in adapters)]
        return tuple(dict.fromkeys(each for each in named if each and each.is_bucket))

    @property
    def least_replicas(self) -> int:
        """Smallest number of servers."""
        return self.scaling.min_replicas if self.scaling else self.replicas

    @property
    def engine_facts(self) -> EngineFacts:
        """The catalog's facts about its engine."""
        return catalog.facts(self.engine.kind)

    @property
    def engine_release(self) -> EngineRelease | None:
        """The requested release of its engine, else the default one. None: its image is the user's own."""
        return self.engine_facts.release(self.engine.version) if isinstance(self.engine, PublishedEngine) else None

    @property
    def engine_metrics(self) -> EngineMetrics:
        """What its server calls the series that autoscaling, alerts and dashboards read."""
        release = self.engine_release
        return release.metrics if release else self.engine.own_metrics

"""The number of a model's servers, as its load changes."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from llmplatform.specs.by_kind import ByKind
from llmplatform.specs.pools import MOST_NODES
from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.names import MetricName
from llmplatform.specs.vocabulary.times import Moment, TimeZone

MEASURED = ("cpu", "memory")
"""Resources that the resource metrics API knows of a pod (kubernetes/metrics, PodMetrics: metrics-server)."""

Replicas = Annotated[int, Field(ge=1, le=MOST_NODES)]


def _measured(name: str) -> str:
    if name not in MEASURED:
        raise ValueError(
            f"the use of '{name}' is not measured: a HorizontalPodAutoscaler sees {' and '.join(MEASURED)} alone; "
            "set scaling.kind to 'keda', which asks the engine's own metrics, or write 'cpu' or 'memory'"
        )
    return name


class ScaleDown(Section):
    """Removal of servers. A removed one takes minutes to come back."""

    window_seconds: Annotated[int, Field(ge=0, le=3600)] = 300
    """The largest size that was right within this time is kept."""
    percent_per_minute: Annotated[int, Field(ge=1, le=100)] = 10
    """Largest part of the servers that is removed in a minute; at least one."""


class _Bounds(Section):
    """Bounds of every kind."""

    min_replicas: Annotated[int, Field(ge=0, le=MOST_NODES)] = 1
    """Smallest number of servers, and the first one. `validate` refuses 0: nothing holds a request until a server has
    started."""
    max_replicas: Replicas | None = None
    """Largest number of servers. Empty: as many as the pool has room for, beside the smallest numbers of its other
    models."""


class _Scaling(_Bounds):
    """Bounds, and the pace of a HorizontalPodAutoscaler."""

    scale_down: ScaleDown = ScaleDown()


class Schedule(Section):
    """A recurring time with a number of servers that are ready before the load comes."""

    start: Moment
    """Begin, in the five fields of cron: minute, hour, day, month, weekday."""
    end: Moment
    """End, likewise."""
    timezone: TimeZone = "UTC"
    """Time zone of both, e.g. Europe/Berlin."""
    replicas: Replicas
    """Smallest number of servers in that time."""


class KedaScaling(_Scaling):
    """By the engine's own metrics: KEDA asks Prometheus. Needs `addons.keda` and monitoring."""

    kind: Literal["keda"] = "keda"
    requests: Annotated[int, Field(ge=1, le=100_000)]
    """Requests of one server, waiting and running, on average. With more, servers are added."""
    kv_cache: Annotated[float, Field(ge=0.05, le=1)] = 0.85
    """Part of the key-value cache in use, on average. With more, servers are added. Without effect if the engine
    exposes no such metric."""
    schedules: Annotated[tuple[Schedule, ...], Field(max_length=20)] = ()
    """Times with more servers. The largest number that a schedule or a metric asks for counts."""
    fallback_replicas: Replicas | None = None
    """Smallest number of servers while the metrics are missing for about a minute, as while all servers start. A larger
    current number is kept. Empty: `min_replicas`."""


class ResourceMetric(Section):
    """CPU or memory, from the cluster's metrics server."""

    kind: Literal["resource"] = "resource"
    name: Annotated[str, AfterValidator(_measured), Field(json_schema_extra={"enum": list(MEASURED)})]
    """`cpu` or `memory`."""
    utilization: Annotated[int, Field(ge=1, le=1000)]
    """Percent of the servers' requests, on average."""


class PodsMetric(Section):
    """A metric of the servers that an adapter serves as `custom.metrics.k8s.io`. The platform installs none."""

    kind: Literal["pods"]
    name: MetricName
    """Name of the metric, as the adapter serves it."""
    average: Annotated[float, Field(ge=0.001, le=1e12)]
    """Value for each server, on average. A quantity of Kubernetes has no more than three decimal places here."""


class HpaScaling(_Scaling):
    """By CPU, memory or an adapter's metrics. CPU and memory say little about the load of a GPU."""

    kind: Literal["hpa"]
    metrics: Annotated[tuple[Annotated[ResourceMetric | PodsMetric, ByKind()], ...], Field(min_length=1, max_length=10)]
    """Metrics. The one that asks for most servers counts."""


class RayScaling(_Bounds):
    """By the requests that Ray Serve counts itself: for models behind it, which have no other kind."""

    kind: Literal["ray"]
    requests: Annotated[int, Field(ge=1, le=100_000)]
    """Requests of one server, waiting and running, on average. With more, servers are added."""
    idle_seconds: Annotated[int, Field(ge=0, le=86_400)] = 300
    """Time with fewer requests after which servers are removed, and then again until their pods are."""


Scaling = Annotated[KedaScaling | HpaScaling | RayScaling, ByKind()]
"""How a model's number of servers follows its load, by `kind`."""

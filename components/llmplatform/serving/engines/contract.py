"""What an engine tells the pods, the Service, the network policy and the scraper about its server.

An engine is a function from a model's plan to a `Server`. Everything around the server follows this contract and knows
no engine. The kubelet ends a container with the image's stop signal, SIGTERM where the image names none. A pod cannot
choose another: that is behind an alpha gate (Kubernetes 1.35, ContainerStopSignals in pkg/features/kube_features.go).
An image whose server drains on another signal needs a `command` that translates it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import PurePosixPath
from typing import Protocol, TypeVar

from llmplatform.catalog.engine_metrics import EngineMetrics
from llmplatform.catalog.engines import EngineRelease
from llmplatform.planning.models import ModelPlan
from llmplatform.specs.engines import EngineSettings

FILES = "/etc/engine"
"""Mount path of the server's files."""
CACHE_GIB = 20
"""Bound of what an engine and its compilers leave on the node's disk."""
OFFLINE: Mapping[str, str] = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
"""Variables of Python servers: with the weights in a folder there is nothing to ask a hub. Else a start would wait for
its answers, and fail while the hub does."""


@dataclass(frozen=True, kw_only=True)
class Port:
    """A port of the server."""

    name: str
    number: int
    protocol: str = "http"
    """Application protocol, as `appProtocol` of a Service names it."""
    clients: bool = True
    """Whether clients use it; else only the scraper does, if the metrics are there."""


@dataclass(frozen=True, kw_only=True)
class HttpGet:
    """Asks a path over HTTP; 200 to 399 is well."""

    path: str
    port: str


@dataclass(frozen=True, kw_only=True)
class Execute:
    """Runs a command in the container; exit code 0 is well."""

    command: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class GrpcCheck:
    """Asks the gRPC health service."""

    port: str
    service: str | None = None


@dataclass(frozen=True, kw_only=True)
class Probe:
    """How the kubelet asks, and how long the answer may be bad. Times are seconds."""

    ask: HttpGet | Execute | GrpcCheck
    period: int
    budget: int
    """Time of bad answers after which the kubelet acts: ends the container, or takes it from the Service."""
    timeout: int = 5

    @property
    def failures(self) -> int:
        """Bad answers in a row."""
        return max(1, self.budget // self.period)


@dataclass(frozen=True, kw_only=True)
class Probes:
    """The probes of a container. None: what makes the pods adds one of its own."""

    startup: Probe | None = None
    readiness: Probe | None = None
    liveness: Probe | None = None


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """Where Prometheus reads, and what the series are called."""

    port: str
    path: str
    names: EngineMetrics


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A folder that the server writes to, and that goes with the pod."""

    path: str
    size_gib: int
    name: str | None = None
    """Tells several folders of a server apart."""
    memory: bool = False
    """Whether it is in the pod's memory, and counts there, instead of on the disk."""
    compiled: tuple[str, ...] = ()
    """Folders within it that hold what the first start compiles. A copy of them spares another start that time."""

    @property
    def volume(self) -> str:
        """Name of its volume. No other volume of a pod begins so."""
        return f"cache-{self.name}" if self.name else "cache"


@dataclass(frozen=True, kw_only=True)
class Drain:
    """How the server ends, in seconds."""

    pre_stop: int
    """It goes on as before the signal: proxies take it off their lists meanwhile."""
    grace: int
    """Time until it is killed, from the beginning of `pre_stop`."""
    command: tuple[str, ...] = ()
    """Waits in the container in the place of `pre_stop`, at most as long. Empty: nothing tells that it may end
    sooner."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """The server of one replica, or of the first pod of a group."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    """Plain variables. The one with the API key is not among them."""
    ports: tuple[Port, ...]
    """The first one has the API. None on a worker."""
    probes: Probes | None
    """None on a worker, whose leader notices that it does not answer."""
    user: int
    group: int
    drain: Drain
    command: tuple[str, ...] = ()
    """Empty: the image's ENTRYPOINT."""
    metrics: Metrics | None = None
    """None: it exposes none."""
    folders: tuple[Folder, ...] = ()
    """Where it writes. Its weights are read alone."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Name to text of files that it reads below `FILES`."""
    api_key_variable: str | None = None
    """Variable with the key that clients send; arguments may name it as `$(NAME)`. None: it asks for no key."""
    python: str | None = "python3"
    """Interpreter in the image (3.8 or newer), which looks for the weights before the server starts. None: there is
    none, and another image does it."""
    worker: "Server | None" = None
    """What the further pods of a group run. None: a replica is one pod."""

    def __post_init__(self) -> None:
        if self.user == 0:
            raise ValueError("a server does not run as root: its namespace enforces Pod Security `restricted`")
        names = {port.name for port in self.ports}
        probes = self.probes or Probes()
        given = [each for each in (probes.startup, probes.readiness, probes.liveness) if each]
        asked = [each.ask.port for each in given if not isinstance(each.ask, Execute)]
        for name in [*asked, *([self.metrics.port] if self.metrics else [])]:
            if name not in names:
                raise ValueError(f"a server has no port '{name}': its ports are {', '.join(sorted(names))}")
        require_apart([folder.path for folder in self.folders])
        if len({folder.volume for folder in self.folders}) < len(self.folders):
            raise ValueError("two folders of a server have one name")

    @property
    def api(self) -> Port:
        """The port with the API."""
        return self.ports[0]

    def number(self, port: str) -> int:
        """The number of a port by its name."""
        return next(each.number for each in self.ports if each.name == port)


class ServingEngine(Protocol):
    """An engine: what to start for a plan. With several nodes, its server has a `worker`."""

    def __call__(self, plan: ModelPlan, *, weights: str) -> Server:
        """The server. `weights`: folder of the model's weights within the pod."""
        ...


Settings = TypeVar("Settings", bound=EngineSettings)


def settings(engine: EngineSettings, kind: type[Settings]) -> Settings:
    """The settings of an engine as its own. Raises TypeError for those of another one."""
    if not isinstance(engine, kind):
        raise TypeError(f"{type(engine).__name__} is not {kind.__name__}: the table of engines is wrong")
    return engine


def release(plan: ModelPlan) -> EngineRelease:
    """The release of a plan's engine: the model's own, else the catalog's. Raises TypeError where none is on record."""
    found = plan.spec.engine_release
    if found is None:
        raise TypeError(f"{plan.spec.engine.kind} has no releases: the table of engines is wrong")
    return found


def flagged(flags: Mapping[str, str | None]) -> tuple[str, ...]:
    """Words of a command line. An empty value: a switch; None: the flag is left out."""
    return tuple(
        word for flag, value in flags.items() if value is not None for word in ((flag, value) if value else (flag,))
    )


def drain(plan: ModelPlan, *, waits: bool) -> Drain:
    """The plan's drain. `waits`: whether the server finishes its answers after the signal.

    One that does not gets the signal when the time for answers is over, and has none left by then.
    """
    times = plan.drain
    return Drain(pre_stop=times.pre_stop if waits else times.pre_stop + times.shutdown, grace=times.grace)


def http_probes(plan: ModelPlan, *, port: str, alive: str, ready: str | None = None) -> Probes:
    """Probes by HTTP. `alive`, `ready`: paths; without `ready`, the same one."""
    health = HttpGet(path=alive, port=port)
    return Probes(
        startup=Probe(ask=health, period=10, budget=plan.startup_seconds),
        readiness=Probe(ask=HttpGet(path=ready or alive, port=port), period=5, budget=15),
        liveness=Probe(ask=health, period=10, budget=60),
    )


def require_apart(paths: list[str]) -> None:
    """Raises ValueError where one folder lies within another: a mount would hide what is below it."""
    for inner, outer in permutations(map(PurePosixPath, paths), 2):
        if inner.is_relative_to(outer):
            raise ValueError(f"a mount cannot lie within another: {inner} and {outer}")

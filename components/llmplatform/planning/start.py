"""The start of a server in phases: seconds of each, what they follow from, and where the figures come from."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from llmplatform.catalog import InstanceType
from llmplatform.catalog.gpus import GIB
from llmplatform.catalog.start_times import Figure, start_times
from llmplatform.planning import hydration
from llmplatform.planning.pools import PoolPlan
from llmplatform.specs.mirrors import Mirrors
from llmplatform.specs.models import Model
from llmplatform.specs.pools import AwsPool

Name = Literal["node", "image", "weights", "load", "boot", "compile"]

MARGIN = 1.5
"""What a server gets to start, beside what is expected: figures are of other machines, and of other releases."""
STOCK_SECONDS = 900
"""Time until an autoscaler gives up a group that gets no machine, and takes the next (`--max-node-provision-time`,
cluster-autoscaler; ACK's waits alike)."""

_PARALLEL_PULL = 4000, 7 * 1024
"""CPU (millicores) and memory (MiB) from which nodeadm lets a node fetch an image in parallel (amazon-eks-ami,
nodeadm/internal/containerd/config.go, `UseSOCISnapshotter`)."""
_BOTTLEROCKET = 1, 44
"""First release of Bottlerocket that can (its release notes)."""
_MEDIA = {"efs": "EFS", "nas": "NAS", "nvme": "local NVMe disks", "gp3": "a gp3 volume", "essd": "an ESSD"}


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One phase of a start. The next begins when it ends."""

    name: Name
    seconds: int
    """On a node that is bought for the server."""
    ready_seconds: int
    """On a node that is there."""
    once_seconds: int = 0
    """Further seconds of a model's first start alone."""
    own: bool = False
    """Whether the server's container has started: its startup probe waits for these."""
    how: str
    """What it follows from."""
    source: str


@dataclass(frozen=True, kw_only=True)
class Start:
    """The start of one server."""

    phases: tuple[Phase, ...]

    @property
    def new_node_seconds(self) -> int:
        """Until it serves on a node that is bought for it."""
        return sum(phase.seconds for phase in self.phases)

    @property
    def ready_node_seconds(self) -> int:
        """Until it serves on a node that is there."""
        return sum(phase.ready_seconds for phase in self.phases)

    @property
    def own_seconds(self) -> int:
        """From the start of its container."""
        return sum(phase.seconds for phase in self.phases if phase.own)

    @property
    def node_seconds(self) -> int:
        """Longest time for a node and its images, with a group of machines that are sold out before."""
        return STOCK_SECONDS + sum(phase.seconds for phase in self.phases if phase.name in ("node", "image"))


def start(
    model: Model,
    pool: PoolPlan,
    *,
    image: str,
    mirrors: Mirrors,
    stored_gib: float,
    loaded_gib: float,
    beside_gb: float = 0,
) -> Start:
    """The phases of a server of a model in a pool, in their order.

    `image`: its engine's; `stored_gib`: what is downloaded; `loaded_gib`: what reaches the GPUs;
    `beside_gb`: other images that a new node fetches at the same time.
    """
    return Start(
        phases=(
            _node(pool),
            _image(model, pool, mirrors.image(image), packed_gb(model, loaded_gib), beside_gb),
            _weights(model, pool, stored_gib),
            *own_phases(model, pool.shape, loaded_gib),
        )
    )


def own_phases(model: Model, shape: InstanceType, loaded_gib: float) -> tuple[Phase, ...]:
    """The phases of the server's own container."""
    return _boot(), _load(model, shape, loaded_gib), _compile(model)


def _node(pool: PoolPlan) -> Phase:
    figure = start_times().node[pool.shape.provider]
    return Phase(
        name="node",
        seconds=_whole(figure.value),
        ready_seconds=0,
        how="a machine is bought, starts and joins",
        source=figure.source,
    )


def packed_gb(model: Model, loaded_gib: float) -> float:
    """Size of a model's image as it is fetched, with the weights that it has."""
    return _image_gb(model).value + (loaded_gib * GIB / 1e9 if model.weights.cache == "image" else 0)


def _image(model: Model, pool: PoolPlan, image: str, packed: float, beside: float) -> Phase:
    size, rate = _image_gb(model), _pull(pool)
    route = _route_mb(pool.shape.provider, pool.zones, image)
    per_gb = 1000 / min(rate.value, route)
    seconds = _whole(packed * per_gb)
    way = "a registry of the region" if math.isinf(route) else f"a route of {route:.0f} MB/s"
    return Phase(
        name="image",
        seconds=_whole((packed + beside) * per_gb),
        ready_seconds=0 if pool.spec.prepull else seconds,
        how=f"{packed:.3g} GB over {way}, {rate.value:g} MB/s on the node; "
        + (f"on a new node beside {beside:.3g} GB of the pool's other images; " if beside else "")
        + ("fetched before a server needs it" if pool.spec.prepull else "0 where the node has it"),
        source=f"size: {size.source}; rate: {rate.source}",
    )


def _weights(model: Model, pool: PoolPlan, stored_gib: float) -> Phase:
    weights, (place, rate) = model.weights, _copied(model, pool)
    fetched = weights.cache != "image" and weights.claim is None
    seconds = _whole(stored_gib * GIB / 1e6 / rate.value) if fetched else 0
    each, once = (seconds, 0) if weights.cache == "node" else (0, seconds)
    if not fetched:
        how = f"in the claim {weights.claim}" if weights.claim else "in the image"
    elif weights.cache == "node":
        how = f"{stored_gib:.1f} GiB from {place} to the node's disk"
    else:
        how = f"on the shared file system; their first copy from {place}, {stored_gib:.1f} GiB, takes {once} s"
    return Phase(name="weights", seconds=each, ready_seconds=each, once_seconds=once, how=how, source=rate.source)


def _copied(model: Model, pool: PoolPlan) -> tuple[str, Figure]:
    """Where the weights are copied from, and megabytes of them a second."""
    if model.weights.address and model.weights.buckets.region in (None, _region(pool.zones)):
        return "a bucket of the region", start_times().copy_mb["bucket"]
    mbits = hydration.EGRESS_MBITS[pool.shape.provider]
    route = Figure(value=mbits / 8, source=f"the route to the internet, {mbits:g} Mbit/s (planning/hydration.py)")
    return "the hub" if model.weights.address is None else "a bucket of another region", route


def _boot() -> Phase:
    figure = start_times().boot["all"]
    return _own("boot", figure.value, "processes start, and import", figure.source)


def _load(model: Model, shape: InstanceType, loaded_gib: float) -> Phase:
    medium = _medium(model, shape)
    figure = start_times().load_gib[medium]
    place = f"a claim, assumed to be as fast as {_MEDIA[medium]}" if model.weights.claim else _MEDIA[medium]
    how = f"{loaded_gib:.1f} GiB from {place}, {figure.value:g} GiB/s"
    return _own("load", loaded_gib / figure.value, how, figure.source)


def _compile(model: Model) -> Phase:
    facts = model.engine_facts.start
    return _own("compile", facts.compile_seconds, "kernels, CUDA graphs, and a measurement of memory", facts.source)


def _own(name: Name, seconds: float, how: str, source: str) -> Phase:
    return Phase(name=name, seconds=_whole(seconds), ready_seconds=_whole(seconds), own=True, how=how, source=source)


def _image_gb(model: Model) -> Figure:
    sizes = start_times().image_gb
    return sizes.get(model.engine.kind, sizes["other"])


def _pull(pool: PoolPlan) -> Figure:
    rates = start_times().pull_mb
    return rates["soci" if pulls_in_parallel(pool) else "containerd"]


def pulls_in_parallel(pool: PoolPlan) -> bool:
    """Whether nodes that this stack makes fetch and unpack the layers of a large image in parallel."""
    spec, (cpu, memory) = pool.spec, _PARALLEL_PULL
    if not isinstance(spec, AwsPool) or spec.existing:
        return False
    if spec.image == "bottlerocket":
        release = re.match(r"(\d+)\.(\d+)\.", spec.image_release or "")
        return release is None or (int(release[1]), int(release[2])) >= _BOTTLEROCKET
    return pool.shape.vcpus * 1000 >= cpu and pool.shape.memory_mib >= memory


def _route_mb(provider: str, zones: Sequence[str], image: str) -> float:
    """Megabytes a second from an image's registry: ECR and the private addresses of ACR are in the region."""
    host = image.partition("/")[0]
    own = f".{_region(zones)}." in host
    near = own and (".ecr." in host or (host.endswith(".aliyuncs.com") and "-vpc." in host))
    return math.inf if near else hydration.EGRESS_MBITS[provider] / 8


def _region(zones: Sequence[str]) -> str:
    """Region of zones like `us-east-1a`, `cn-hangzhou-h` and `ap-southeast-1a`."""
    return re.sub(r"(?<=\d)[a-z]$|-[a-z]$", "", zones[0]) if zones else ""


def _medium(model: Model, shape: InstanceType) -> str:
    """What the weights lie on, where the storage classes are the platform's own."""
    aws = shape.provider == "aws"
    if model.weights.cache == "shared":
        return "efs" if aws else "nas"
    if not aws:
        return "essd"
    return "nvme" if shape.nvme_gb else "gp3"


def _whole(seconds: float) -> int:
    return math.ceil(seconds)

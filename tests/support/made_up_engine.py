"""An engine that exists in tests alone."""

from dataclasses import replace
from typing import Any, Literal

from llmplatform.catalog import engines
from llmplatform.planning.models import ModelPlan
from llmplatform.serving.engines.contract import (
    Execute,
    Folder,
    GrpcCheck,
    HttpGet,
    Metrics,
    Port,
    Probe,
    Probes,
    Server,
    drain,
    settings,
)
from llmplatform.specs.engines import GpuUse, PublishedEngine
from support.plans import model_plan

FACTS = """
name = "Loom"

[[releases]]
version = "2.1"
image = "docker.io/example/loom:2.1"
cuda = "12.4"
driver = 550
compute_capability = [8, 9]
source = "made up"
metrics = { requests_waiting = 'loom_requests{state="waiting"}' }

[server]
user = 1000
group = 1000
home = "/home/loom"
ports = { http = 9000, grpc = 9001, metrics = 9002 }
paths = { live = "/live", metrics = "/prometheus" }
source = "made up"

[start]
compile_seconds = 60
patience_seconds = 1200
source = "made up"

[memory]
sequences = 64
sequences_large = 64
large_gpu_gib = 80
overhead_gib = 1
overhead_large_gib = 1
communication_gib = 0
beside_sampling_gib = 0
sampling_bytes = 0
source = "made up"

[[owned]]
instead = "set engine.workers"
flags = ["--workers"]
variables = ["LOOM_PORT"]
"""


class Loom(PublishedEngine):
    """An engine that does not exist."""

    kind: Literal["loom"]
    workers: int = 1

    @property
    def gpu_use(self) -> GpuUse:
        """Half of each GPU."""
        return GpuUse(share=0.5)


def loom(plan: ModelPlan, *, weights: str) -> Server:
    facts = engines.facts("loom")
    return Server(
        command=("loom", "run"),
        arguments=(f"--folder={weights}", *settings(plan.spec.engine, Loom).extra_args),
        environment={"LOOM_LOG": "json"},
        ports=(
            Port(name="http", number=9000),
            Port(name="grpc", number=9001, protocol="grpc"),
            Port(name="metrics", number=9002, clients=False),
        ),
        probes=Probes(
            startup=Probe(ask=Execute(command=("loom", "ready")), period=15, budget=plan.startup_seconds),
            readiness=Probe(ask=GrpcCheck(port="grpc"), period=5, budget=10),
            liveness=Probe(ask=HttpGet(path="/live", port="http"), period=20, budget=60, timeout=10),
        ),
        metrics=Metrics(port="metrics", path="/prometheus", names=facts.releases[0].metrics),
        user=facts.server.user,
        group=facts.server.group,
        folders=(
            Folder(path="/home/loom", size_gib=5),
            Folder(path="/var/plans", size_gib=2, name="plans", memory=True, compiled=("/var/plans",)),
        ),
        python=None,
        drain=drain(plan, waits=False),
    )


def woven(**settings: Any) -> ModelPlan:
    """A plan as it would be with that engine."""
    plan = model_plan()
    engine = Loom(kind="loom", **settings)
    return replace(plan, spec=plan.spec.model_copy(update={"engine": engine}))

"""Text Embeddings Inference's server for a plan.

The image follows from the GPU: each has kernels for one compute capability, and refuses others. Facts and their sources
are in `catalog/data/engines/tei.toml`, every flag in the list beside it, which a test compares with those emitted here.
"""

from llmplatform.catalog import engines
from llmplatform.planning.models import ModelPlan
from llmplatform.serving.engines.contract import Metrics, Port, Server, drain, flagged, http_probes, settings
from llmplatform.specs.engines import Tei

FACTS = engines.facts("tei").server
API = "http"


def server(plan: ModelPlan, *, weights: str) -> Server:
    """The server of a plan's model."""
    return Server(
        arguments=arguments(plan, weights=weights),
        environment={"HOME": FACTS.home, **plan.spec.engine.env},
        api_key_variable=FACTS.api_key_variable,
        ports=(Port(name=API, number=FACTS.ports[API]),),
        probes=http_probes(plan, port=API, alive=FACTS.paths["health"]),
        metrics=Metrics(port=API, path=FACTS.paths["metrics"], names=plan.spec.engine_metrics),
        user=FACTS.user,
        group=FACTS.group,
        # A Rust program.
        python=None,
        drain=drain(plan, waits=True),
    )


def arguments(plan: ModelPlan, *, weights: str) -> tuple[str, ...]:
    """Arguments of the container, the settings' own last."""
    engine = settings(plan.spec.engine, Tei)
    return (
        *flagged(
            {
                "--model-id": weights,
                "--served-model-name": plan.name,
                # Else it would take the pod's name, which is in HOSTNAME.
                "--hostname": "0.0.0.0",  # noqa: S104 its network policy says who reaches it
                "--port": str(FACTS.ports[API]),
                "--json-output": "",
                "--max-batch-tokens": str(engine.max_batch_tokens) if engine.max_batch_tokens else None,
                "--pooling": engine.pooling,
                "--dtype": engine.dtype,
            }
        ),
        *engine.extra_args,
    )

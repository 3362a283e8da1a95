"""A server of the user's own, as its settings describe it.

What is assumed of it is in `catalog/data/engines/custom.toml`.
"""

from collections.abc import Mapping

from llmplatform.catalog import engines
from llmplatform.planning.models import ModelPlan
from llmplatform.serving.engines.contract import OFFLINE, Folder, Metrics, Port, Server, drain, http_probes, settings
from llmplatform.specs.engines import Custom

FACTS = engines.facts("custom").server
API, METRICS = "http", "metrics"


def server(plan: ModelPlan, *, weights: str) -> Server:
    """The server of a plan's model."""
    engine = settings(plan.spec.engine, Custom)
    return Server(
        command=engine.command,
        arguments=engine.args,
        environment=environment(plan, weights=weights),
        api_key_variable=engine.api_key_variable,
        ports=_ports(engine),
        probes=http_probes(plan, port=API, alive=engine.health, ready=engine.ready),
        metrics=_metrics(engine),
        user=FACTS.user if engine.user is None else engine.user,
        group=FACTS.group if engine.group is None else engine.group,
        # Whether its image has Python is not known.
        python=None,
        folders=(Folder(path=FACTS.home, size_gib=engine.home_gib),),
        drain=drain(plan, waits=engine.drains),
    )


def environment(plan: ModelPlan, *, weights: str) -> Mapping[str, str]:
    """Plain environment variables, those of the settings last."""
    model, engine = plan.spec, settings(plan.spec.engine, Custom)
    wanted = {
        "HOME": FACTS.home,
        **OFFLINE,
        "MODEL_NAME": plan.name,
        "SERVED_NAMES": ",".join((plan.name, *model.served_names)),
        "MODEL_PATH": weights if model.weights.cache != "image" else None,
        "CONTEXT_LENGTH": str(model.context_length) if model.context_length else None,
        "TRUST_REMOTE_CODE": "true" if model.trust_remote_code else None,
        "PORT": str(engine.port),
        "SHUTDOWN_SECONDS": str(plan.drain.shutdown) if engine.drains else "0",
    }
    return {name: value for name, value in wanted.items() if value is not None} | engine.env


def _ports(engine: Custom) -> tuple[Port, ...]:
    api = Port(name=API, number=engine.port)
    if engine.metrics and engine.metrics.port not in (None, engine.port):
        return api, Port(name=METRICS, number=engine.metrics.port, clients=False)
    return (api,)


def _metrics(engine: Custom) -> Metrics | None:
    if engine.metrics is None:
        return None
    return Metrics(port=_ports(engine)[-1].name, path=engine.metrics.path, names=engine.metrics.names)

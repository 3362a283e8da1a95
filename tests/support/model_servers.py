"""A model server as a program registers it, and the parts that tests read."""

from typing import Any

from llmplatform.serving import ModelServer, ModelServerArgs
from llmplatform.testing import RecordingEngine
from support.plans import SPOT_FIRST, model_plan

DEPLOYMENT = "kubernetes:apps/v1:Deployment"
JOB = "kubernetes:batch/v1:Job"


def served(
    pool: dict[str, Any] = SPOT_FIRST, *, args: dict[str, Any] | None = None, key: str | None = None, **settings: Any
) -> RecordingEngine:
    plan = model_plan(pool, **settings)
    wiring = {"namespace": "models", "monitoring_namespace": "monitoring", **(args or {})}

    def program() -> dict[str, Any]:
        server = ModelServer("chat", ModelServerArgs(plan=plan, **wiring))
        return {"url": server.url, "model": server.model, "secret": server.api_key_secret}

    outputs = {"random:index/randomPassword:RandomPassword": {"result": key}} if key else {}
    return RecordingEngine(outputs=outputs).run(program)


def pod(engine: RecordingEngine) -> dict[str, Any]:
    return engine.one(DEPLOYMENT).inputs["spec"]["template"]["spec"]


def container(engine: RecordingEngine) -> dict[str, Any]:
    (only,) = pod(engine)["containers"]
    return only


def policy(engine: RecordingEngine) -> dict[str, Any]:
    return engine.named("chat-network").inputs["spec"]

"""Models behind Ray Serve as their component registers them."""

from functools import cache
from typing import Any

import yaml

from llmplatform.planning.models import ModelPlan
from llmplatform.serving import ModelServerArgs
from llmplatform.serving.ray_server import RayServer
from llmplatform.testing import RecordingEngine, Registered
from support.plans import model_plan

SERVICE = "kubernetes:ray.io/v1:RayService"
POOL = {"instance_types": ["g5.2xlarge"], "max": 3}
SCALING = {"kind": "ray", "requests": 16, "min_replicas": 1, "max_replicas": 2}
KUBERAY = {"kuberay": {"enabled": True}}


def plan(pool: dict[str, Any] = POOL, engine: dict[str, Any] | None = None, **settings: Any) -> ModelPlan:
    wanted = {"kind": "ray_serve", "head": {"pool": "system"}, **(engine or {})}
    return model_plan(pool, engine=wanted, addons=KUBERAY, **settings)


def served(pool: dict[str, Any] = POOL, engine: dict[str, Any] | None = None, **settings: Any) -> RecordingEngine:
    args = ModelServerArgs(
        plan=plan(pool, engine, **settings),
        namespace="models",
        monitoring_namespace="monitoring",
        ray_operator="kuberay",
    )

    def program() -> dict[str, Any]:
        server = RayServer("chat", args)
        return {"url": server.url, "secret": server.api_key_secret}

    return RecordingEngine().run(program)


@cache
def usual() -> RecordingEngine:
    return served()


def service(engine: RecordingEngine) -> Registered:
    return engine.one(SERVICE)


def spec(engine: RecordingEngine) -> dict[str, Any]:
    return service(engine).inputs["spec"]


def cluster(engine: RecordingEngine) -> dict[str, Any]:
    return spec(engine)["rayClusterConfig"]


def workers(engine: RecordingEngine) -> dict[str, Any]:
    (group,) = cluster(engine)["workerGroupSpecs"]
    return group


def application(engine: RecordingEngine) -> dict[str, Any]:
    (found,) = yaml.safe_load(spec(engine)["serveConfigV2"])["applications"]
    return found


def llm(engine: RecordingEngine) -> dict[str, Any]:
    (found,) = application(engine)["args"]["llm_configs"]
    return found

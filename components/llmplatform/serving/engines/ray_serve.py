"""Ray Serve with vLLM for a plan: what a worker of its Ray cluster is, and the application that it serves.

KubeRay makes the pods and starts Ray in them, so the server has no command line: `serve_config` has the settings.
Facts and their sources are in `catalog/data/engines/ray_serve.toml`; in the list beside it are the flags of the vLLM in
its image that `engine_kwargs` takes, and a test compares them with those emitted here.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from llmplatform.catalog import engine_flags, engines
from llmplatform.planning.models import ModelPlan
from llmplatform.serving.engines.contract import (
    CACHE_GIB,
    OFFLINE,
    Drain,
    Execute,
    Folder,
    Metrics,
    Port,
    Probe,
    Probes,
    Server,
    drain,
    release,
    settings,
)
from llmplatform.specs.engines import RayServe
from llmplatform.specs.scaling import RayScaling

FACTS = engines.facts("ray_serve").server
API, METRICS = "serve", "metrics"
"""Names of ports by which KubeRay finds Ray Serve's proxy, and Ray's agent its metrics."""
APPLICATION = "llm"
_CACHE = f"{FACTS.home}/.cache"
_COMPILED = f"{_CACHE}/vllm"
SESSION = Folder(path="/tmp/ray", size_gib=10, name="session")  # noqa: S108 where Ray keeps logs and sockets
_AGENT_PORT = 52365
"""Of Ray's agent on each node (KubeRay v1.7.0, controllers/ray/utils/constant.go, DefaultDashboardAgentListenPort)."""
_ASKED = (f"{_AGENT_PORT}/api/local_raylet_healthz", f"{FACTS.ports[API]}/-/healthz")


def server(plan: ModelPlan, *, weights: str) -> Server:
    """A worker of a plan's model, with its GPUs."""
    return Server(
        arguments=(),
        environment=environment(plan),
        ports=(
            Port(name=API, number=FACTS.ports[API]),
            Port(name=METRICS, number=FACTS.ports[METRICS], clients=False),
        ),
        # KubeRay adds the one that asks whether Ray's node lives.
        probes=Probes(readiness=_readiness()),
        metrics=Metrics(port=METRICS, path=FACTS.paths["metrics"], names=plan.spec.engine_metrics),
        user=FACTS.user,
        group=FACTS.group,
        python="python3",
        folders=(
            Folder(path=_CACHE, size_gib=CACHE_GIB, compiled=(_COMPILED,)),
            SESSION,
        ),
        drain=_drain(plan),
    )


def _readiness() -> Probe:
    """What KubeRay would ask a worker: whether Ray's node lives, and whether the proxy on it answers.

    KubeRay leaves a given probe alone. Its own allows two seconds, and takes the worker from the Service after one bad
    answer (KubeRay v1.7.0, controllers/ray/common/pod.go, initLivenessAndReadinessProbe).
    """
    asked = " && ".join(f"wget --tries 1 -T 2 -q -O- http://localhost:{each} | grep success" for each in _ASKED)
    return Probe(ask=Execute(command=("bash", "-c", asked)), period=5, budget=15)


def _drain(plan: ModelPlan) -> Drain:
    """Ray Serve moves the replica of a draining node elsewhere, and gives it no new requests after that.

    The signal itself drains nothing: it ends Ray on the node. Where the head does not answer, the worker only waits.
    """
    told = drain(plan, waits=False)
    asked = (
        "ray drain-node --reason DRAIN_NODE_REASON_PREEMPTION --reason-message 'its pod ends' "
        f"--deadline-remaining-seconds {told.pre_stop}"
    )
    return replace(
        told,
        command=("bash", "-c", f"timeout {plan.drain.pre_stop} {asked}; sleep {told.pre_stop - plan.drain.pre_stop}"),
    )


def environment(plan: ModelPlan) -> Mapping[str, str]:
    """Plain environment variables of head and workers, those of the settings last."""
    return {
        "HF_HOME": f"{_CACHE}/huggingface",
        "VLLM_CACHE_ROOT": _COMPILED,
        **OFFLINE,
        "RAYLLM_ENGINE_START_TIMEOUT_S": str(plan.startup_seconds),
        "VLLM_ENGINE_READY_TIMEOUT_S": str(plan.startup_seconds),
        "VLLM_NO_USAGE_STATS": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
        **release(plan).environment,
        **plan.spec.engine.env,
    }


def serve_config(plan: ModelPlan, *, weights: str) -> dict[str, Any]:
    """The `serveConfigV2` of a plan. `weights`: folder of the model's weights within the workers."""
    model = {
        "model_loading_config": {"model_id": plan.name, "model_source": weights},
        "engine_kwargs": engine_kwargs(plan),
        # A replica is within one worker, which has exactly its GPUs.
        "placement_group_config": {"bundles": [{"GPU": 1}] * plan.gpus, "strategy": "STRICT_PACK"},
        "deployment_config": _deployment(plan),
    }
    application = {
        "name": APPLICATION,
        "route_prefix": "/",
        "import_path": "ray.serve.llm:build_openai_app",
        # A proxy, and what it asks, on every worker.
        "args": {"llm_configs": [model], "ingress_deployment_config": _deployment(plan)},
    }
    return {
        "proxy_location": "EveryNode",
        "http_options": {"host": "0.0.0.0", "port": FACTS.ports[API]},  # noqa: S104 its network policy says who reaches it
        "logging_config": {"encoding": "JSON", "enable_access_log": False},
        "applications": [application],
    }


def _deployment(plan: ModelPlan) -> dict[str, Any]:
    """Options of both deployments: that of the model, and that through which its answers pass.

    Ray's own 20 seconds cut them off (ray 2.60.0, serve/_private/constants.py, DEFAULT_GRACEFUL_SHUTDOWN_TIMEOUT_S).
    """
    return {**_size(plan), "graceful_shutdown_timeout_s": plan.drain.shutdown}


def _size(plan: ModelPlan) -> dict[str, Any]:
    scaling = plan.spec.scaling
    if not isinstance(scaling, RayScaling):
        return {"num_replicas": plan.least_replicas}
    return {
        "autoscaling_config": {
            "min_replicas": plan.least_replicas,
            "max_replicas": plan.most_replicas,
            "target_ongoing_requests": scaling.requests,
            "downscale_delay_s": scaling.idle_seconds,
        }
    }


def engine_kwargs(plan: ModelPlan) -> dict[str, Any]:
    """Arguments of vLLM by the names of its classes' fields, the settings' own last."""
    model, engine = plan.spec, settings(plan.spec.engine, RayServe)
    wanted: dict[str, Any] = {
        # Without it a GPU without bfloat16 arithmetic refuses weights published in it.
        "dtype": "half" if plan.pool.gpu and not plan.pool.gpu.bf16 else None,
        "tensor_parallel_size": plan.gpus,
        "enable_expert_parallel": True if model.expert_parallel else None,
        "trust_remote_code": True if model.trust_remote_code else None,
        "max_model_len": model.context_length,
        "gpu_memory_utilization": engine.gpu_memory_utilization,
        "max_num_seqs": engine.max_num_seqs,
        "kv_cache_dtype": engine.kv_cache_dtype if engine.kv_cache_dtype != "auto" else None,
        "enable_auto_tool_choice": True if engine.tool_call_parser else None,
        "tool_call_parser": engine.tool_call_parser,
        "reasoning_parser": engine.reasoning_parser,
    }
    found = {name: value for name, value in wanted.items() if value is not None}
    kinds = engine_flags.kinds("ray_serve", release(plan).version)
    for argument in engine.extra_args:
        _put(found, argument, kinds)
    return found


def _put(found: dict[str, Any], argument: str, kinds: Mapping[str, str]) -> None:
    """Adds a flag of a command line, as a field and its value."""
    given, equals, text = argument.partition("=")
    flag, *keys = given.split(".")
    value: Any = True
    if flag not in kinds:
        # The form that turns a switch off.
        flag, value = f"--{flag.removeprefix('--no-')}", False
    elif equals:
        value = _within(text) if keys else _value(kinds[flag], text)
    *path, last = (flag.removeprefix("--").replace("-", "_"), *keys)
    place = found
    for key in path:
        place = place.setdefault(key, {})
    place[last] = value


def _within(text: str) -> Any:
    """A value within a structured flag: JSON, else text (vllm/utils/argparse_utils.py, FlexibleArgumentParser)."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _value(kind: str, text: str) -> Any:
    """A flag's value as vLLM's command line reads it."""
    form = kind.partition(" ")[0]
    if text == "None" or (form and not text):
        return None
    match form:
        case "whole":
            return int(text)
        case "number":
            return float(text)
        case "readable":
            return engine_flags.readable(text)
        case _:
            return json.loads(text) if re.match(r"[\[{]", text) else text

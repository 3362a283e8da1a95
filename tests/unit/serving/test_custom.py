"""A server of the user's own: what it is told, how it is asked, and what follows from what its settings leave out."""

from typing import Any

import kubernetes_validate
import pytest
from support.model_servers import DEPLOYMENT, container, pod, policy, served
from support.plans import ON_DEMAND, SPOT_FIRST, model_plan

from llmplatform.planning.fit import model_fit
from llmplatform.planning.models import ModelPlan
from llmplatform.serving.engines import server
from llmplatform.testing import RecordingEngine

WEIGHTS = "/models/huggingface/Qwen/Qwen3-8B/main"
IMAGE = "registry.example.org/team/server:1.4.0"
MONITOR = "kubernetes:monitoring.coreos.com/v1:ServiceMonitor"
CPUS = {"instance_types": ["m7i.2xlarge"], "max": 2}
ALONE: dict[str, Any] = {
    "weights": {"cache": "image"},
    "source": "team/classifier",
    "resources": {"cpu": 2, "memory_gib": 4},
}


def own(**settings: Any) -> dict[str, Any]:
    return {"kind": "custom", "image": IMAGE, "metrics": {}, **settings}


def plan(engine: dict[str, Any] | None = None, pool: dict[str, Any] = SPOT_FIRST, **settings: Any) -> ModelPlan:
    return model_plan(pool, engine=engine or own(), **settings)


def deployed(
    engine: dict[str, Any] | None = None, pool: dict[str, Any] = SPOT_FIRST, **settings: Any
) -> RecordingEngine:
    return served(pool, engine=engine or own(), **settings)


def test_the_image_runs_as_its_settings_say() -> None:
    found = container(deployed(own(command=["python", "-m", "server"], args=["--model=$(MODEL_PATH)"])))
    assert found["image"] == IMAGE
    assert found["command"] == ["python", "-m", "server"]
    assert found["args"] == ["--model=$(MODEL_PATH)"]


def test_without_a_command_it_is_the_images_own() -> None:
    assert "command" not in container(deployed())


def test_its_variables_tell_it_what_it_serves_and_where() -> None:
    settings = {"served_names": ["Qwen/Qwen3-8B"], "trust_remote_code": True}
    variables = server(plan(own(port=9000, drains=True, env={"WORKERS": "2"}), **settings), weights=WEIGHTS).environment
    told = {
        "MODEL_NAME": "chat",
        "SERVED_NAMES": "chat,Qwen/Qwen3-8B",
        "MODEL_PATH": WEIGHTS,
        "CONTEXT_LENGTH": "8192",
        "TRUST_REMOTE_CODE": "true",
        "PORT": "9000",
        "SHUTDOWN_SECONDS": str(plan().drain.shutdown),
        "HF_HUB_OFFLINE": "1",
        "WORKERS": "2",
    }
    assert told.items() <= variables.items()


def test_what_is_not_set_is_not_told() -> None:
    assert not {"TRUST_REMOTE_CODE"} & set(server(plan(), weights=WEIGHTS).environment)


def test_the_kubelet_asks_the_paths_of_the_settings() -> None:
    found = container(deployed(own(health="/live", ready="/ready", port=9000)))
    assert found["startupProbe"]["httpGet"] == found["livenessProbe"]["httpGet"] == {"path": "/live", "port": "http"}
    assert found["readinessProbe"]["httpGet"] == {"path": "/ready", "port": "http"}
    assert found["ports"] == [{"name": "http", "containerPort": 9000, "protocol": "TCP"}]


def test_readiness_is_health_where_there_is_no_other_path() -> None:
    assert container(deployed(own(health="/up")))["readinessProbe"]["httpGet"]["path"] == "/up"


@pytest.mark.parametrize(("drains", "first"), [(True, "pre_stop"), (False, "all")])
def test_a_server_that_does_not_drain_gets_the_signal_last(drains: bool, first: str) -> None:
    found, times = pod(deployed(own(drains=drains), ON_DEMAND)), plan(pool=ON_DEMAND).drain
    wanted = times.pre_stop if first == "pre_stop" else times.pre_stop + times.shutdown
    assert found["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"] == wanted
    assert found["terminationGracePeriodSeconds"] == times.grace


def test_metrics_of_a_port_of_their_own_are_for_the_scraper_alone() -> None:
    engine = deployed(own(metrics={"path": "/prometheus", "port": 9100}))
    (endpoint,) = engine.one(MONITOR).inputs["spec"]["endpoints"]
    assert (endpoint["port"], endpoint["path"]) == ("metrics", "/prometheus")
    clients, scraper = policy(engine)["ingress"]
    assert [port["port"] for port in clients["ports"]] == [8000]
    assert [port["port"] for port in scraper["ports"]] == [9100]


def test_metrics_of_the_api_are_read_at_its_port() -> None:
    (endpoint,) = deployed(own(metrics={})).one(MONITOR).inputs["spec"]["endpoints"]
    assert (endpoint["port"], endpoint["path"]) == ("http", "/metrics")


def test_an_image_without_metrics_is_not_scraped() -> None:
    assert not deployed({"kind": "custom", "image": IMAGE, "without_metrics": True}).all(MONITOR)


def test_its_own_names_are_what_autoscaling_reads() -> None:
    waiting = 'llm_requests{state="waiting"}'
    found = plan(own(metrics={"names": {"requests_waiting": waiting}}))
    assert found.spec.engine_metrics.requests_waiting == waiting
    assert found.spec.engine_metrics.requests_running is None
    metrics = server(found, weights=WEIGHTS).metrics
    assert metrics
    assert metrics.names == found.spec.engine_metrics


def test_it_asks_for_a_key_only_where_it_says_in_which_variable() -> None:
    assert "API_KEY" not in {each["name"] for each in container(deployed())["env"]}
    engine = deployed(own(api_key_variable="API_KEY"))
    (key,) = [each for each in container(engine)["env"] if each["name"] == "API_KEY"]
    assert key["valueFrom"]["secretKeyRef"]["name"] == "chat-api-key"


def test_it_runs_as_its_user_and_never_as_root() -> None:
    security = pod(deployed(own(user=10001, group=0)))["securityContext"]
    assert (security["runAsUser"], security["runAsGroup"], security["runAsNonRoot"]) == (10001, 0, True)


def test_its_weights_have_to_fit_its_gpus_and_no_more_is_known() -> None:
    found = plan()
    assert found.pool.gpu
    fit = model_fit(found.spec, found.pool.gpu)
    assert fit.fits
    assert fit.overhead_gib == fit.kv_tokens == 0
    assert fit.longest_context == fit.context_length
    assert not model_fit(
        plan(tensor_parallel=1).spec.model_copy(update={"source": "Qwen/Qwen3-32B"}), found.pool.gpu
    ).fits


def test_a_server_on_cpus_asks_for_no_gpu_and_for_what_its_settings_say() -> None:
    resources = container(deployed(own(), CPUS, context_length=None, **ALONE))["resources"]
    assert resources == {"requests": {"cpu": "2000m", "memory": "4096Mi"}, "limits": {"memory": "4096Mi"}}


def test_an_image_with_its_weights_has_no_volume_no_job_and_no_download() -> None:
    engine = deployed(own(), CPUS, context_length=None, **ALONE)
    kinds = {each.type.rpartition(":")[2] for each in engine.registered}
    assert not {"Job", "PersistentVolumeClaim", "Weights"} & kinds
    spec = pod(engine)
    assert "initContainers" not in spec
    assert [each["name"] for each in spec["volumes"]] == ["cache", "shared-memory"]
    assert "MODEL_PATH" not in {each["name"] for each in spec["containers"][0]["env"]}
    assert "https" not in str(policy(engine)["egress"])
    assert [port["port"] for rule in policy(engine)["egress"] for port in rule["ports"]] == [53, 53], "DNS alone"


def test_the_api_server_takes_it() -> None:
    engine = deployed(own(api_key_variable="KEY", metrics={"port": 9100}), CPUS, context_length=None, **ALONE)
    for each in engine.registered:
        if each.type.startswith("kubernetes:") and "monitoring.coreos.com" not in each.type:
            kubernetes_validate.validate(each.inputs, "1.35", strict=True)
    assert engine.one(DEPLOYMENT)

"""Everything around a server follows what its engine says, shown with an engine that exists in these tests alone."""

from dataclasses import replace
from typing import Any, cast

import kubernetes_validate
import pytest
from support.made_up_engine import loom, woven
from support.model_servers import DEPLOYMENT, container, pod
from support.plans import model_plan

from llmplatform.base.labels import MODEL_CLIENT
from llmplatform.catalog.engine_metrics import EngineMetrics
from llmplatform.planning.models import ModelPlan
from llmplatform.serving import ModelServer, ModelServerArgs
from llmplatform.serving.engines import ENGINES
from llmplatform.serving.engines.contract import Folder, Metrics, Port, Server
from llmplatform.testing import RecordingEngine

pytestmark = pytest.mark.usefixtures("made_up")


KUBERNETES = "1.35"


def served() -> RecordingEngine:
    args = ModelServerArgs(plan=woven(), namespace="models", monitoring_namespace="monitoring")

    def program() -> dict[str, Any]:
        server = ModelServer("chat", args)
        return {"url": server.url, "secret": server.api_key_secret}

    return RecordingEngine().run(program)


def test_the_container_runs_what_the_engine_says() -> None:
    found = container(served())
    assert found["command"] == ["loom", "run"]
    assert found["args"] == ["--folder=/models/huggingface/Qwen/Qwen3-8B/main"]
    assert found["env"] == [{"name": "LOOM_LOG", "value": "json"}]
    assert found["image"] == "docker.io/example/loom:2.1"
    assert [(port["name"], port["containerPort"]) for port in found["ports"]] == [
        ("http", 9000),
        ("grpc", 9001),
        ("metrics", 9002),
    ]


def test_the_kubelet_asks_by_command_grpc_or_http() -> None:
    found = container(served())
    assert found["startupProbe"]["exec"] == {"command": ["loom", "ready"]}
    assert found["startupProbe"]["failureThreshold"] * 15 == model_plan().startup_seconds
    assert found["readinessProbe"]["grpc"] == {"port": 9001}, "a gRPC probe takes a number alone"
    assert found["livenessProbe"]["httpGet"] == {"path": "/live", "port": "http"}
    assert (found["livenessProbe"]["timeoutSeconds"], found["livenessProbe"]["failureThreshold"]) == (10, 3)


def test_the_pod_has_the_engines_user_and_folders() -> None:
    spec = pod(served())
    security = spec["securityContext"]
    assert (security["runAsUser"], security["runAsGroup"], security["fsGroup"]) == (1000, 1000, 1000)
    volumes = {each["name"]: each for each in spec["volumes"]}
    assert len(volumes) == len(spec["volumes"])
    assert volumes["cache-plans"]["emptyDir"] == {"medium": "Memory", "sizeLimit": "2Gi"}
    assert volumes["cache"]["emptyDir"] == {"sizeLimit": "5Gi"}, "on the node's disk"
    mounts = {each["mountPath"]: each["name"] for each in spec["containers"][0]["volumeMounts"]}
    assert {"/home/loom": "cache", "/var/plans": "cache-plans"}.items() <= mounts.items()


def test_an_engine_that_cuts_answers_off_is_told_to_end_when_there_are_none() -> None:
    spec, times = pod(served()), model_plan().drain
    assert spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"] == times.pre_stop + times.shutdown
    assert spec["terminationGracePeriodSeconds"] == times.grace


def test_an_image_without_python_leaves_the_weights_to_another() -> None:
    (first,) = pod(served())["initContainers"]
    assert first["image"].startswith("docker.io/library/python:")
    assert first["securityContext"]["readOnlyRootFilesystem"] is True
    assert "NVIDIA_VISIBLE_DEVICES" not in {each["name"] for each in first["env"]}


def test_an_engine_without_a_key_has_no_secret() -> None:
    engine = served()
    assert not engine.all("kubernetes:core/v1:Secret")
    assert not engine.all("random:index/randomPassword:RandomPassword")
    annotations = engine.one(DEPLOYMENT).inputs["spec"]["template"]["metadata"]["annotations"]
    assert "llmplatform.dev/secrets" not in annotations
    assert engine.result["secret"] is None


def test_the_service_has_every_port_and_the_address_that_of_the_api() -> None:
    engine = served()
    ports = engine.one("kubernetes:core/v1:Service").inputs["spec"]["ports"]
    assert [(port["name"], port["port"], port["appProtocol"]) for port in ports] == [
        ("http", 9000, "http"),
        ("grpc", 9001, "grpc"),
        ("metrics", 9002, "http"),
    ]
    assert engine.result["url"] == "http://chat.models.svc:9000"


def test_clients_reach_the_api_and_the_scraper_the_metrics() -> None:
    clients, scraper = served().named("chat-network").inputs["spec"]["ingress"]
    assert clients["from"] == [{"podSelector": {"matchLabels": MODEL_CLIENT}}]
    assert [port["port"] for port in clients["ports"]] == [9000, 9001]
    assert "namespaceSelector" in scraper["from"][0]
    assert [port["port"] for port in scraper["ports"]] == [9002]


def test_metrics_are_read_where_the_engine_has_them() -> None:
    monitor = served().one("kubernetes:monitoring.coreos.com/v1:ServiceMonitor").inputs["spec"]
    (endpoint,) = monitor["endpoints"]
    assert (endpoint["port"], endpoint["path"]) == ("metrics", "/prometheus")


def test_an_engine_without_metrics_has_no_monitor(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(plan: ModelPlan, *, weights: str) -> Server:
        return replace(loom(plan, weights=weights), metrics=None)

    monkeypatch.setitem(cast(dict[str, Any], ENGINES), "loom", silent)
    engine = served()
    assert not engine.all("kubernetes:monitoring.coreos.com/v1:ServiceMonitor")
    assert len(engine.named("chat-network").inputs["spec"]["ingress"]) == 1


def test_the_objects_of_another_engine_are_ones_that_the_api_server_takes() -> None:
    objects = [each for each in served().registered if each.type.startswith("kubernetes:") and "kind" in each.inputs]
    built_in = [each for each in objects if "monitoring.coreos.com" not in each.type]
    assert len(built_in) > 8
    for each in built_in:
        kubernetes_validate.validate(each.inputs, KUBERNETES, strict=True)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"user": 0}, "does not run as root"),
        ({"metrics": Metrics(port="9002", path="/", names=EngineMetrics())}, "no port '9002'"),
        ({"ports": (Port(name="http", number=9000),)}, "no port 'grpc'"),
        ({"folders": (Folder(path="/a", size_gib=1), Folder(path="/a/b", size_gib=1, name="b"))}, "/a/b and /a"),
        ({"folders": (Folder(path="/a", size_gib=1), Folder(path="/b", size_gib=1))}, "one name"),
    ],
)
def test_a_server_that_cannot_be_is_refused_where_it_is_written(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        replace(loom(woven(), weights="/models/x"), **change)


@pytest.mark.parametrize("path", ["/models", "/models/cache", "/dev/shm/plans", "/etc/outside", "/etc"])  # noqa: S108
def test_a_folder_that_would_hide_the_platforms_own_is_refused(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def rude(plan: ModelPlan, *, weights: str) -> Server:
        return replace(loom(plan, weights=weights), folders=(Folder(path=path, size_gib=1),))

    monkeypatch.setitem(cast(dict[str, Any], ENGINES), "loom", rude)
    with pytest.raises(ValueError, match="cannot lie within another"):
        served()

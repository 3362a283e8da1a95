"""Everything around a server follows what its engine says, shown with an engine that exists in these tests alone."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import kubernetes_validate
import pytest
from pydantic import TypeAdapter, ValidationError
from support.plans import SPOT_FIRST, model_plan, stack

from llmplatform.base.labels import MODEL_CLIENT
from llmplatform.catalog import engine_flags, engines
from llmplatform.catalog.engines import EngineMetrics
from llmplatform.checks.rules import engine_extras
from llmplatform.checks.rules import engines as rules
from llmplatform.planning.fit import model_fit
from llmplatform.planning.models import ModelPlan
from llmplatform.serving import ModelServer, ModelServerArgs
from llmplatform.serving.engines import ENGINES
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
)
from llmplatform.specs.by_kind import ByKind
from llmplatform.specs.engines import Engine, EngineSettings, GpuUse, Vllm
from llmplatform.specs.stack import Stack
from llmplatform.testing import RecordingEngine

PRODUCT = [Path(engines.__file__).parents[1], Path(__file__).parents[2] / "infra"]
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
KUBERNETES = "1.35"

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


class Loom(EngineSettings):
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
        arguments=(f"--folder={weights}", *plan.spec.engine.extra_args),
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
            Folder(path="/var/plans", size_gib=50, name="plans", compiled=("/var/plans",)),
        ),
        python=None,
        drain=drain(plan, waits=False),
    )


@pytest.fixture(autouse=True)
def made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The engine in the catalog and in the table, and nowhere else."""
    for path in engines.FOLDER.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "loom.toml").write_text(FACTS)
    (tmp_path / "loom-2.1.txt").write_text("--batch whole\n--fast switch\n--workers whole\n")
    monkeypatch.setattr(engines, "FOLDER", tmp_path)
    monkeypatch.setitem(cast(dict[str, Any], ENGINES), "loom", loom)
    engines.facts.cache_clear()
    yield
    engines.facts.cache_clear()


def woven(**settings: Any) -> ModelPlan:
    """A plan as it would be with that engine."""
    plan = model_plan()
    engine = Loom(kind="loom", **settings)
    return replace(plan, spec=plan.spec.model_copy(update={"engine": engine}))


def served() -> RecordingEngine:
    args = ModelServerArgs(plan=woven(), namespace="models", monitoring_namespace="monitoring")

    def program() -> dict[str, Any]:
        server = ModelServer("chat", args)
        return {"url": server.url, "secret": server.api_key_secret}

    return RecordingEngine().run(program)


def with_engine(**settings: Any) -> Stack:
    """A stack whose model has that engine, as far as rules can tell."""
    found = stack({"gpu": SPOT_FIRST}, {"chat": {"source": "Qwen/Qwen3-8B", "pool": "gpu", "context_length": 8192}})
    engine = Loom(kind="loom", **settings)
    models = {name: model.model_copy(update={"engine": engine}) for name, model in found.models.items()}
    return found.model_copy(update={"models": models})


def pod(engine: RecordingEngine) -> dict[str, Any]:
    return engine.one(DEPLOYMENT).inputs["spec"]["template"]["spec"]


def container(engine: RecordingEngine) -> dict[str, Any]:
    (only,) = pod(engine)["containers"]
    return only


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
    assert volumes["cache-plans"]["emptyDir"] == {"sizeLimit": "50Gi"}
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


def test_planning_takes_the_engines_own_figures() -> None:
    plan = woven()
    assert plan.image == "docker.io/example/loom:2.1"
    assert plan.pool.gpu is not None
    fit = model_fit(plan.spec, plan.pool.gpu)
    assert fit.usable_gib == plan.pool.gpu.memory_gib * 0.5
    assert fit.overhead_gib == 1


@pytest.mark.parametrize(
    ("rule", "settings", "says"),
    [
        (rules.engine_is_on_record, {"version": "9"}, "what loom 9 accepts is not on record; use '2.1'"),
        (rules.image_is_of_the_version, {"image": "example.org/x/loom:2.0.1"}, "the image is of loom 2.0.1"),
        (rules.engine_runs_on_gpu, {}, "loom 2.1 has no kernels for the A10G"),
        (engine_extras.extra_arguments_are_the_engines, {"extra_args": ["--workers=2"]}, "set engine.workers"),
        (engine_extras.extra_arguments_are_the_engines, {"extra_args": ["--dtype=half"]}, "loom has no flag '--dtype'"),
        (engine_extras.extra_arguments_are_the_engines, {"extra_args": ["--batch=x"]}, "'x' is not a whole number"),
        (engine_extras.extra_variables_are_free, {"env": {"LOOM_PORT": "1"}}, "set engine.workers"),
        (engine_extras.extra_variables_are_free, {"env": {"HF_HOME": "/x"}}, "a folder that the platform fills"),
    ],
)
def test_rules_ask_the_catalog_about_the_engine(rule: Any, settings: dict[str, Any], says: str) -> None:
    assert says in "\n".join(map(str, rule(with_engine(**settings))))


@pytest.mark.parametrize(
    "rule",
    [
        rules.parsers_exist,
        rules.parsers_are_of_the_models,
        rules.quantization_is_of_the_weights,
        rules.cache_is_of_the_gpu,
        rules.cache_is_likely_to_run,
        engine_extras.extra_arguments_are_the_engines,
        engine_extras.extra_variables_are_free,
    ],
)
def test_rules_about_what_an_engine_does_not_have_are_silent(rule: Any) -> None:
    assert list(rule(with_engine(extra_args=["--fast"]))) == []


BOTH = TypeAdapter[Any](Annotated[Vllm | Loom, ByKind()])


def test_the_kind_chooses_the_engine_and_none_means_the_default() -> None:
    assert isinstance(BOTH.validate_python({"kind": "loom"}), Loom)
    assert isinstance(BOTH.validate_python({"max_num_seqs": 8}), Vllm)
    with pytest.raises(ValidationError, match="union_tag_invalid"):
        BOTH.validate_python({"kind": "tgi"})
    with pytest.raises(ValidationError, match="workers"):
        BOTH.validate_python({"workers": 2})


def test_an_editor_finds_one_engine_for_a_group_of_keys() -> None:
    schema = BOTH.json_schema()
    arms = [schema["$defs"][each["$ref"].rpartition("/")[2]] for each in schema["oneOf"]]
    assert [arm["properties"]["kind"]["const"] for arm in arms if "kind" not in arm.get("required", ())] == ["vllm"], (
        "a group without a kind would be of several engines, or of none"
    )


def test_the_settings_of_a_model_are_a_union_even_of_one() -> None:
    with pytest.raises(ValidationError) as found:
        TypeAdapter[Any](Engine).validate_python({"kind": "none"})
    assert found.value.errors()[0]["type"] == "union_tag_invalid"


@pytest.mark.parametrize("kind", [*ENGINES])
def test_every_engine_of_the_table_is_in_the_settings_and_in_the_catalog(kind: str) -> None:
    assert isinstance(TypeAdapter[Any](Engine).validate_python({"kind": kind}), EngineSettings)
    facts = engines.facts(kind)
    for release in facts.releases:
        exposed = engine_flags.names(kind, release.version, "metric")
        named = {name for name in release.metrics.model_dump().values() if name}
        assert named <= exposed, f"{kind} {release.version} exposes no such series"
        unknown = {*facts.owned_flags, *facts.overridable} - engine_flags.flags(kind, facts.release().version)
        assert unknown <= {"--model"}, "no user can write them (a model may be positional)"


def test_no_engine_is_named_outside_its_modules_and_the_tables() -> None:
    """The tables are the packages' own modules; data of the catalog and generated files may name engines."""
    named = [
        f"{path}:{number}"
        for folder in PRODUCT
        for path in sorted(folder.rglob("*.py"))
        if not (path.parent.name == "engines" and path.stem in (*ENGINES, "__init__"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if any(kind in line.lower() for kind in ENGINES if kind != "loom")
    ]
    assert not named, "the next engine would have to be written there, too"

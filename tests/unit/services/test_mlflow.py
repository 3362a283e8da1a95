"""MLflow: who reaches it and what it reaches, what its pods may do, and that no password is where it can be read."""

import hashlib
import json
from configparser import ConfigParser
from typing import Any

import pytest
from support.conformance.buckets import BUCKETS
from support.conformance.databases import SERVERS
from support.mlflow.components import AGENT, DATABASE, PASSWORD, installed, made, on_a_volume, spec
from support.program import run_program, stack_config
from support.sites import MIRRORED, on_sites, site

from llmplatform.services import Mlflow, mlflow
from llmplatform.services.mlflow.server import hosts
from llmplatform.specs.databases import NewPostgres
from llmplatform.specs.objects import NewStore
from llmplatform.specs.services import Volume
from llmplatform.testing import RecordingEngine, walk

TYPE, NAMESPACE = "llmplatform:services:Mlflow", "kubernetes:core/v1:Namespace"
POLICY, SECRET = "kubernetes:networking.k8s.io/v1:NetworkPolicy", "kubernetes:core/v1:Secret"
DEPLOYMENT, JOB = "kubernetes:apps/v1:Deployment", "kubernetes:batch/v1:Job"
MONITOR = "kubernetes:monitoring.coreos.com/v1:ServiceMonitor"
MANAGED = SERVERS[0]
USERS = {
    "vision": {"experiments": "EDIT", "models": "READ", "namespaces": ["vision", "models"]},
    "search": {"experiments": "DENY", "password_version": 3},
}


def on_its_own_server(**changes: Any) -> Mlflow:
    """On a server of the stack."""
    wanted = spec(database={"kind": "new"}, databases={"users": "logins"})
    return installed(**{"spec": wanted, "database": MANAGED.make(NewPostgres(kind="new"), "none"), **changes})


VARIANTS = on_sites("mlflow", installed) | {
    "mlflow, on a volume": on_a_volume,
    "mlflow, with clients and a host": lambda: installed(
        spec=spec(clients=("pipelines",), hosts=("mlflow.example.org",), replicas=1)
    ),
    "mlflow, with users and a collection": lambda: installed(spec=spec(users=USERS, collection={"enabled": True})),
    "mlflow, on a server of the stack": on_its_own_server,
    "mlflow, without dumps": lambda: installed(spec=spec(dumps={"enabled": False})),
}


def policies(engine: RecordingEngine) -> dict[str, dict[str, Any]]:
    return {each.inputs["metadata"]["name"]: each.inputs["spec"] for each in engine.all(POLICY)}


def server(engine: RecordingEngine) -> dict[str, Any]:
    (container,) = engine.one(DEPLOYMENT).inputs["spec"]["template"]["spec"]["containers"]
    return container


def test_only_named_namespaces_and_prometheus_come_in() -> None:
    inward = {
        name: rules for name, rules in policies(made(spec=spec(clients=("pipelines",)))).items() if "ingress" in rules
    }
    assert set(inward) == {"allow-clients", "allow-metrics", "allow-servers-in"}
    assert inward["allow-servers-in"]["ingress"][0]["from"] == [{"podSelector": {}}], "its own Jobs"
    (rule,) = inward["allow-clients"]["ingress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": 5000}]
    assert rule["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "pipelines"}}}]
    assert "allow-clients" not in policies(made())


def test_it_reaches_its_database_the_store_and_its_credentials_alone() -> None:
    outward = {name: rules["egress"] for name, rules in policies(made()).items() if rules.get("egress")}
    own = {"allow-dns", "allow-servers-out"}
    assert set(outward) == {*own, "allow-database", "allow-https", "allow-credentials"}
    assert outward["allow-database"][0]["ports"] == [{"protocol": "TCP", "port": 5432}]
    assert outward["allow-credentials"] == [
        {"to": [{"ipBlock": {"cidr": AGENT[0]}}], "ports": [{"protocol": "TCP", "port": 80}]}
    ]
    volume = policies(RecordingEngine().run(on_a_volume))
    assert "allow-https" not in volume, "a shared file system is mounted by the node"


def test_a_database_in_the_cluster_is_reached_in_its_namespace() -> None:
    inside = spec(database={"kind": "existing", "host": "pg-rw.databases.svc"})
    (rule,) = policies(made(spec=inside))["allow-database"]["egress"]
    assert rule == {"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "databases"}}}]}


def test_a_second_run_finds_nothing_to_change() -> None:
    """The API server drops empty annotations: with them each update would set them again."""
    objects = [each.inputs["metadata"] for each in made().registered if "metadata" in each.inputs]
    assert [each["name"] for each in objects if each.get("annotations") == {}] == []


def test_servers_start_after_the_tables_and_the_rights() -> None:
    engine = made()
    deployment = engine.one(DEPLOYMENT)
    tables = engine.one(JOB, "mlflow-migration")
    assert engine.waits_for(deployment, tables), "a server refuses to start on older tables"
    assert engine.waits_for(tables, engine.named("mlflow-account"))


def test_both_databases_are_upgraded_and_another_image_is_another_job() -> None:
    job = made().one(JOB, "mlflow-migration").inputs
    pod = job["spec"]["template"]["spec"]
    address = "postgresql+psycopg:///{}"
    (first,), (second,) = pod["initContainers"], pod["containers"]
    assert first["command"] == ["mlflow", "db", "upgrade", address.format("mlflow")]
    assert second["command"][-2:] == ["--url", address.format("mlflow_auth")]
    mirrored = made(mirrors=MIRRORED).one(JOB, "mlflow-migration").inputs
    assert mirrored["metadata"]["name"] != job["metadata"]["name"], "a Job cannot change"


@pytest.mark.parametrize("change", [{"backup_days": 14}, {"password_version": 2}])
def test_neither_backups_nor_a_rotation_make_the_tables_anew(change: dict[str, Any]) -> None:
    def job(**settings: Any) -> Any:
        wanted = spec(database={"kind": "new", **settings}, databases={"users": "logins"})
        return RecordingEngine().run(lambda: on_its_own_server(spec=wanted)).one(JOB, "mlflow-migration").inputs

    assert job(**change) == job()


def test_a_server_of_the_stack_gets_both_databases_and_a_login_before_the_tables() -> None:
    engine = RecordingEngine().run(on_its_own_server)
    preparation = engine.one(JOB, "mlflow-preparation")
    (psql,) = preparation.inputs["spec"]["template"]["spec"]["containers"]
    known = {each["name"]: each.get("value") for each in psql["env"]}
    assert (known["DATABASES"], known["OWNER_RIGHTS"]) == ("mlflow logins", "CREATEDB"), "a restore makes others"
    assert engine.waits_for(engine.one(JOB, "mlflow-migration"), preparation)
    held = {
        each["name"]: each["valueFrom"]["secretKeyRef"]
        for each in server(engine)["env"]
        if each["name"].startswith("PG") and "valueFrom" in each
    }
    assert held == {
        "PGUSER": {"name": "mlflow-login", "key": "username"},
        "PGPASSWORD": {"name": "mlflow-login", "key": "password"},
    }
    outward = {name: rules["egress"] for name, rules in policies(engine).items() if rules.get("egress")}
    (rule,) = outward["allow-database"]
    assert rule["to"] == [{"ipBlock": {"cidr": MANAGED.cidr}}]


def test_no_password_is_in_an_address_a_command_line_a_variable_or_the_configuration() -> None:
    engine = made()
    seen = {
        each.name: json.dumps(each.inputs, default=str)
        for each in engine.registered
        if each.type not in (SECRET, "random:index/randomPassword:RandomPassword")
    }
    assert [name for name, text in seen.items() if PASSWORD in text or "Generated-passw0rd" in text] == []
    assert "password" not in ini(engine)
    held = [
        each.inputs["stringData"] for each in engine.all(SECRET) if "database-password" in each.inputs["stringData"]
    ]
    assert [each["database-password"] for each in held] == [PASSWORD]


def ini(engine: RecordingEngine) -> dict[str, str]:
    config = ConfigParser(interpolation=None)
    (found,) = engine.all("kubernetes:core/v1:ConfigMap")
    config.read_string(found.inputs["data"]["basic_auth.ini"])
    return dict(config["mlflow"])


def test_pods_restart_with_another_password_or_configuration() -> None:
    def marks(**changes: Any) -> dict[str, str]:
        return made(**changes).one(DEPLOYMENT).inputs["spec"]["template"]["metadata"]["annotations"]

    usual = marks()
    assert marks() == usual
    changed = {name for name, mark in marks(database_password="another").items() if mark != usual[name]}
    assert changed == {"llmplatform.dev/database"}
    assert marks(spec=spec(default_permission="EDIT")) != usual
    alone = hashlib.sha256(PASSWORD.encode()).hexdigest()
    assert not alone.startswith(usual["llmplatform.dev/database"]), "a short password could be guessed from its hash"


def test_only_health_is_probed_and_metrics_are_read_with_a_login() -> None:
    engine = made()
    probes = [server(engine)[probe]["httpGet"]["path"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")]
    assert probes == ["/health"] * 3, "every other path asks for a login"
    (endpoint,) = engine.one(MONITOR).inputs["spec"]["endpoints"]
    assert endpoint["basicAuth"] == {key: {"name": "mlflow-admin", "key": key} for key in ("username", "password")}
    assert not made(monitored=False).all(MONITOR)


def test_its_pods_are_restricted_and_write_nothing_but_temporary_files() -> None:
    engine = made()
    assert engine.one(NAMESPACE).inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert server(engine)["securityContext"]["readOnlyRootFilesystem"] is True
    pod = engine.one(DEPLOYMENT).inputs["spec"]["template"]["spec"]
    assert {each["name"] for each in pod["volumes"]} == {"files", "temporary"}


def test_a_server_has_disk_for_artifacts_on_their_way_and_time_to_end_them() -> None:
    """mlflow 3.17.2, server/handlers.py, `_upload_artifact`: for S3 each upload is a whole file first."""
    pod = made(spec=spec(scratch_gib=40)).one(DEPLOYMENT).inputs["spec"]["template"]["spec"]
    (scratch,) = (each for each in pod["volumes"] if each["name"] == "temporary")
    assert scratch["emptyDir"]["sizeLimit"] == "40Gi"
    assert pod["containers"][0]["resources"]["requests"]["ephemeral-storage"] == "40Gi", "else its node has no room"
    assert pod["terminationGracePeriodSeconds"] == 600


def test_two_servers_share_a_volume_that_protection_keeps() -> None:
    engine = RecordingEngine().run(
        lambda: on_a_volume(environment=site().environment.model_copy(update={"protection": "full"}))
    )
    claim = engine.one("kubernetes:core/v1:PersistentVolumeClaim")
    assert claim.inputs["spec"]["accessModes"] == ["ReadWriteMany"]
    assert claim.protect is True
    assert "--artifacts-destination=/artifacts/files" in server(engine)["command"]


@pytest.mark.parametrize(
    ("host", "answered"),
    [
        ("mlflow.mlflow.svc:5000", True),
        ("localhost:5000", True),
        ("10.20.3.4:5000", True),
        ("mlflow.example.org", True),
        ("mlflow.evil.org", False),
        ("rebinding.org:5000", False),
    ],
)
def test_a_request_for_another_host_is_not_answered(host: str, answered: bool) -> None:
    """mlflow 3.17.2, server/security_utils.py, is_allowed_host_header: fnmatch with `*`, else equality."""
    from fnmatch import fnmatch

    allowed = hosts("mlflow", ("mlflow.example.org",))
    assert any(fnmatch(host, each) if "*" in each else host == each for each in allowed) is answered
    assert "*" not in allowed


def test_a_certificate_proves_the_server_where_authorities_are_named() -> None:
    pem = "-----BEGIN CERTIFICATE-----"
    proved = DATABASE.model_copy(update={"certificates": pem})
    engine = made(spec=spec().model_copy(update={"database": proved}))
    assert ini(engine)["database_uri"] == "postgresql+psycopg:///mlflow_auth"
    known = {each["name"]: each.get("value") for each in server(engine)["env"]}
    assert (known["PGHOST"], known["PGPORT"], known["PGUSER"]) == ("pg.example.org", "5432", "mlflow")
    assert (known["PGSSLMODE"], known["PGSSLROOTCERT"]) == ("verify-full", "/etc/mlflow/database.pem")
    usual = {each["name"]: each.get("value") for each in server(made())["env"]}
    assert usual["PGSSLMODE"] == "require"


def test_a_store_of_oss_is_refused() -> None:
    with pytest.raises(ValueError, match="write kind: volume"):
        RecordingEngine().run(lambda: installed(store=BUCKETS[1].make(NewStore(kind="new"), "none")))


def test_it_is_installed_only_where_the_settings_ask_for_it() -> None:
    wanted = spec(artifacts=Volume(kind="volume").model_dump())
    secrets = {"mlflow_database_password": PASSWORD}
    asked = RecordingEngine().run(lambda: mlflow.install(site(sections=(wanted,), secrets=secrets)))
    assert [each.name for each in asked.all(TYPE)] == ["mlflow"]
    assert not RecordingEngine().run(lambda: mlflow.install(site())).registered


@pytest.mark.parametrize(
    ("stack", "artifacts", "bucket"),
    [("dev", {"kind": "new"}, True), ("prod", {"kind": "new"}, True), ("dev-ack", {"kind": "volume"}, False)],
)
def test_a_stack_file_asks_for_it_on_each_cloud(stack: str, artifacts: dict[str, str], bucket: bool) -> None:
    config = stack_config(stack)
    config["llmplatform:services"] = {
        "mlflow": {"enabled": True, "database": {"kind": "existing", "host": "pg.example.org"}, "artifacts": artifacts}
    }
    secrets = config.get("llmplatform:secrets", {})
    config["llmplatform:secrets"] = {**secrets, "mlflow_database_password": PASSWORD}
    engine = run_program(config, stack, may_warn=True)
    assert len(engine.all(TYPE)) == 1
    assert bool(engine.all("aws:s3/bucket:Bucket")) is bucket
    if stack == "dev-ack":
        helper = json.loads(engine.named("addons-managed-aliyun-acr-credential-helper").inputs["config"])
        assert "mlflow" in helper["watchNamespace"].split(","), "else no pod of its can pull an image"
    written = [
        path for path, value in walk(engine.one(DEPLOYMENT, "mlflow-deployment").inputs) if PASSWORD in str(value)
    ]
    assert written == []

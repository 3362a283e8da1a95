"""Jobs of MLflow: what is dumped, tried and restored, what is collected, and which users are made."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from support.milvus_site import in_a_cloud
from support.mlflow.components import PASSWORD, identity, made, on_a_volume, spec
from support.sites import Identity
from support.stores import Store

from llmplatform.base.contracts import Grant
from llmplatform.services import mlflow
from llmplatform.specs.services import MlflowUser
from llmplatform.testing import RecordingEngine

CRON, JOB, SECRET = "kubernetes:batch/v1:CronJob", "kubernetes:batch/v1:Job", "kubernetes:core/v1:Secret"
POSTGRES = "docker.io/library/postgres:18.6-bookworm"
VISION = {"vision": {"experiments": "EDIT", "models": "READ"}}


def cron(engine: RecordingEngine, role: str) -> Mapping[str, Any]:
    return engine.one(CRON, f"mlflow-{role}").inputs["spec"]


def steps(engine: RecordingEngine, role: str) -> list[Mapping[str, Any]]:
    pod = cron(engine, role)["jobTemplate"]["spec"]["template"]["spec"]
    return [*pod.get("initContainers", ()), *pod["containers"]]


def variables(container: Mapping[str, Any]) -> set[str]:
    return {each["name"] for each in container["env"]}


def test_both_databases_are_dumped_before_one_is_stored_and_no_user_can_fetch_it() -> None:
    engine = made()
    *dumps, store = steps(engine, "dump")
    assert [each["name"] for each in dumps] == ["experiments", "users"]
    assert {each["image"] for each in dumps} == {POSTGRES}
    assert store["command"][-2:] == ["s3://weights-bucket/test/mlflow/dumps", "14"], "others may use the bucket"
    assert cron(engine, "dump")["concurrencyPolicy"] == "Forbid"
    *_, store = steps(RecordingEngine().run(on_a_volume), "dump")
    assert store["command"][-2] == "/artifacts/dumps", "servers hand out what is below /artifacts/files"


def test_servers_have_no_rights_in_dumps_and_the_jobs_of_dumps_none_in_artifacts() -> None:
    """A user who talks a server into reading a dump is refused by the cloud, whatever MLflow says."""
    given: dict[str, set[str]] = {}

    @dataclass(frozen=True, kw_only=True)
    class Told(Store):
        def read_write(self, prefix: str = "") -> Grant:
            return Grant(name=prefix, statements=[])

    def identify(name: str, *, namespace: str, service_account: str, grants: Sequence[Grant]) -> Identity:
        given[service_account] = {each.name for each in grants}
        return identity(service_account)

    def program() -> None:
        here = in_a_cloud(spec(), identify, lambda *_: Told())
        mlflow.install(replace(here, secrets={"mlflow_database_password": PASSWORD}))

    engine = RecordingEngine().run(program)
    assert given == {"mlflow": {"test/mlflow/artifacts"}, "mlflow-dumps": {"test/mlflow/dumps"}}
    for role in ("dump", "drill", "restore"):
        pod = cron(engine, role)["jobTemplate"]["spec"]["template"]["spec"]
        assert pod["serviceAccountName"] == "mlflow-dumps"
    server = engine.one("kubernetes:apps/v1:Deployment").inputs["spec"]["template"]["spec"]
    assert server["serviceAccountName"] == "mlflow"
    with pytest.raises(ValueError, match="an identity of their own"):
        made(keeper=None)


def test_a_drill_fetches_the_newest_dump_and_has_no_password_of_the_real_database() -> None:
    engine = made()
    fetch, restore = steps(engine, "drill")
    assert fetch["command"][2:] == ["fetch", "/dumps", "s3://weights-bucket/test/mlflow/dumps", "newest", "48"]
    assert restore["command"][2:] == ["/dumps", "experiments", "users"]
    assert restore["securityContext"]["runAsUser"] == 999, "initdb refuses a user without a name"
    assert "PGPASSWORD" not in variables(fetch) | variables(restore)
    assert cron(engine, "drill")["schedule"] == "17 5 1 * *", "once a month"
    assert "drill" not in str([each.name for each in made(spec=spec(dumps={"drill": {"enabled": False}})).all(CRON)])


def test_a_restore_is_only_started_by_hand_and_makes_databases_of_other_names() -> None:
    moment = "2026-01-31T02-17-09Z"
    engine = made(spec=spec(dumps={"restore": moment}))
    assert cron(engine, "restore")["suspend"] is True
    fetch, restore = steps(engine, "restore")
    assert fetch["command"][-1] == moment, "of any age"
    assert restore["command"][3:] == [
        *("experiments", "mlflow", "mlflow_restored"),
        *("users", "mlflow_auth", "mlflow_auth_restored"),
    ]
    assert {"PGHOST", "PGUSER", "PGPASSWORD"} <= variables(restore)


def test_disks_of_dumps_and_of_servers_are_settings_of_their_own() -> None:
    engine = made(spec=spec(dumps={"scratch_gib": 300}, scratch_gib=50))
    for role in ("dump", "drill", "restore"):
        volumes = cron(engine, role)["jobTemplate"]["spec"]["template"]["spec"]["volumes"]
        sizes = {each["name"]: each["emptyDir"]["sizeLimit"] for each in volumes if "emptyDir" in each}
        assert sizes == {"dumps": "300Gi", "temporary": "10Gi"}
        assert {each["resources"]["requests"]["ephemeral-storage"] for each in steps(engine, role)} == {"300Gi"}
    for job, other in zip(engine.all(JOB), made().all(JOB), strict=True):
        assert job.inputs == other.inputs, "a Job cannot change, and would be made anew"


def test_dumps_can_be_left_to_the_databases_owner_with_all_that_needs_them() -> None:
    assert not made(spec=spec(dumps={"enabled": False})).all(CRON)


def test_a_collection_is_off_until_it_is_asked_for_and_needs_database_and_server() -> None:
    assert "mlflow-collection" not in [each.name for each in made().all(CRON)]
    (collect,) = steps(made(spec=spec(collection={"enabled": True, "older_than_days": 90})), "collection")
    assert collect["command"][:3] == ["mlflow", "gc", "--older-than=90d"]
    assert {"PGPASSWORD", "MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_PASSWORD"} <= variables(collect)
    assert not [word for word in collect["command"] if PASSWORD in word]


def declared(engine: RecordingEngine) -> dict[str, Any]:
    (files,) = engine.all("kubernetes:core/v1:ConfigMap")
    return json.loads(files.inputs["data"]["users.json"])


def test_users_have_what_they_are_given() -> None:
    assert declared(made(spec=spec(users=VISION))) == {
        "vision": {"experiment": "EDIT", "registered_model": "READ", "prompt": "READ"}
    }


def test_users_are_made_by_a_job_after_the_servers_with_passwords_in_files() -> None:
    engine = made(spec=spec(users=VISION))
    job = engine.one(JOB, "mlflow-users")
    assert engine.waits_for(job, engine.one("kubernetes:apps/v1:Deployment"))
    pod = job.inputs["spec"]["template"]["spec"]
    (volume,) = (each for each in pod["volumes"] if each["name"] == "users")
    assert [(each["secret"]["name"], each["secret"]["items"]) for each in volume["projected"]["sources"]] == [
        (f"mlflow-user-{name}", [{"key": "MLFLOW_TRACKING_PASSWORD", "path": name}]) for name in ("vision",)
    ]


@pytest.mark.parametrize(
    ("users", "again"),
    [
        (VISION, False),
        ({"vision": {**VISION["vision"], "password_version": 2}}, True),
        ({"vision": {"experiments": "READ"}}, True),
        ({}, True),
    ],
)
def test_another_job_runs_for_other_users_rights_or_passwords(users: dict[str, Any], again: bool) -> None:
    """Also without any: it deletes those that were there."""

    def name(wanted: Any) -> str:
        return made(spec=spec(users=wanted)).one(JOB, "mlflow-users").inputs["metadata"]["name"]

    assert (name(users) != name(VISION)) is again


def test_a_secret_of_a_user_is_what_a_client_reads_and_stands_in_the_namespaces_that_are_named() -> None:
    engine = made(spec=spec(users={"vision": {"namespaces": ["pipelines"]}}))
    found = {
        each.inputs["metadata"]["namespace"]: each.inputs["stringData"]
        for each in engine.all(SECRET)
        if each.inputs["metadata"]["name"] == "mlflow-user-vision"
    }
    assert set(found) == {"mlflow", "pipelines"}
    assert found["mlflow"] == found["pipelines"]
    assert found["mlflow"]["MLFLOW_TRACKING_URI"] == "http://mlflow.mlflow.svc:5000"
    assert found["mlflow"]["MLFLOW_TRACKING_USERNAME"] == "vision"
    policies = {
        each.inputs["metadata"]["name"]: each for each in engine.all("kubernetes:networking.k8s.io/v1:NetworkPolicy")
    }
    assert "pipelines" in str(policies["allow-clients"].inputs["spec"]), "a namespace with a user calls MLflow"


def test_a_copy_in_the_models_namespace_waits_for_that_namespace() -> None:
    users = {"vision": {"namespaces": ["models"]}}
    engine = made(spec=spec(users=users), models_namespace="that of this stack")
    copy = engine.one(SECRET, "mlflow-user-vision-models-secret")
    assert copy.inputs["metadata"]["namespace"] == "that of this stack"


def test_webhooks_have_a_key_that_all_servers_share() -> None:
    """Fernet takes 32 bytes in URL-safe Base64; without a key each server makes one that no other one knows."""
    import base64

    (keys,) = (each.inputs["stringData"] for each in made().all(SECRET) if "webhook-key" in each.inputs["stringData"])
    assert base64.urlsafe_b64decode(keys["webhook-key"])
    (container,) = made().one("kubernetes:apps/v1:Deployment").inputs["spec"]["template"]["spec"]["containers"]
    assert "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY" in variables(container)


def test_a_user_has_at_least_a_password_of_version_one() -> None:
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        MlflowUser(password_version=0)

"""Milvus' users: their Secrets, and the Job that makes them."""

from typing import Any

import pulumi
from support.milvus_site import CLUSTER, USERS, in_a_cloud, made

from llmplatform.base.outputs import outputs_of
from llmplatform.services import milvus
from llmplatform.specs.platform_ref import MilvusService, Services
from llmplatform.specs.services import Milvus as Spec
from llmplatform.testing import RecordingEngine

JOB, SECRET = "kubernetes:batch/v1:Job", "kubernetes:core/v1:Secret"


def test_each_user_has_a_secret_where_its_clients_are_and_the_job_has_all_of_them() -> None:
    engine = made(spec=USERS)
    found = {each.inputs["metadata"]["name"]: each for each in engine.all(SECRET)}
    search, front = found["milvus-user-search"].inputs, found["milvus-user-front-end"].inputs
    assert (search["metadata"]["namespace"], front["metadata"]["namespace"]) == ("search", "milvus")
    assert search["stringData"]["username"] == "platform_search_a"
    assert front["stringData"]["username"] == "platform_front_end_b", "its version is even"
    assert search["stringData"]["address"] == "https://milvus-milvus.milvus.svc:19530"
    assert found["milvus-logins"].inputs["stringData"].keys() == {"platform_search_a", "platform_front_end_b"}
    assert found["milvus-root"].inputs["stringData"].keys() == {"username", "password", "password-before"}
    for each in found.values():
        assert "stringData" in each.secrets, "it would be readable in the state"


def test_the_job_of_users_has_passwords_in_files_alone_and_runs_anew_with_the_settings() -> None:
    def job(spec: Spec) -> dict[str, Any]:
        return made(spec=spec).one(JOB).inputs

    users, without = job(USERS), job(CLUSTER)
    assert users["metadata"]["name"] != without["metadata"]["name"]
    assert job(USERS)["metadata"]["name"] == users["metadata"]["name"]
    assert users["metadata"]["annotations"] == {"pulumi.com/replaceUnready": "true"}, "a failed one is made again"
    pod = users["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert [each["name"] for each in container["env"]] == ["PYTHONPATH"]
    assert container["command"][3] == "https://milvus-milvus.milvus.svc:8081"
    assert container["command"][6] == "/certificates/ca.crt"
    (secrets,) = (each["projected"]["sources"] for each in pod["volumes"] if each["name"] == "secrets")
    assert secrets[0]["secret"]["items"] == [
        {"key": "password", "path": "root"},
        {"key": "password-before", "path": "root-before"},
    ]
    (authority,) = (each["secret"] for each in pod["volumes"] if each["name"] == "authority")
    assert authority["items"] == [{"key": "ca.crt", "path": "ca.crt"}], "the server's key is no business of it"
    assert made(spec=USERS).one(JOB).parent, "it is a part of Milvus"


def test_a_password_that_is_two_versions_on_has_the_same_login_and_runs_the_job_anew() -> None:
    def version(number: int) -> tuple[str, str]:
        user = USERS.users["search"].model_copy(update={"password_version": number})
        engine = made(spec=USERS.model_copy(update={"users": {**USERS.users, "search": user}}))
        secrets = {each.inputs["metadata"]["name"]: each.inputs for each in engine.all(SECRET)}
        job = engine.one(JOB).inputs["metadata"]["name"]
        return secrets["milvus-user-search"]["stringData"]["username"], job

    (login, job), (later_login, later_job) = version(1), version(3)
    assert login == later_login
    assert job != later_job


def test_without_tls_the_job_asks_the_port_of_clients() -> None:
    plain = made(spec=Spec(enabled=True, tls=False), issuer=None).one(JOB).inputs["spec"]["template"]["spec"]
    assert plain["containers"][0]["command"][3:] == [
        "http://milvus-milvus.milvus.svc:19530",
        "/programs/access.json",
        "/secrets",
        "",
        "2400",
    ]


def test_other_stacks_are_told_of_address_authority_and_secrets() -> None:
    told: dict[str, Any] = {}

    def program() -> None:
        found = milvus.install(in_a_cloud(USERS)).services
        pulumi.Output.from_input(outputs_of(found)).apply(told.update)

    RecordingEngine().run(program)
    assert Services.model_validate(told).milvus == MilvusService(
        address="https://milvus-milvus.milvus.svc:19530",
        clients=("search",),
        namespace="milvus",
        authority_secret="milvus-tls",
        user_secrets={"search": "search/milvus-user-search", "front_end": "milvus/milvus-user-front-end"},
    )

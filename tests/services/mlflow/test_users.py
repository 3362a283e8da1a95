"""Users of MLflow by its real API: made, changed, deleted, and none of those that were made by hand."""

import subprocess
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import pytest
from support.mlflow.postgres import PASSWORD
from support.mlflow.servers import Rendered, Running, rendered

pytestmark = pytest.mark.timeout(1800)
ADMIN = ("admin", "Generated-passw0rd")
API, API3 = "/api/2.0/mlflow", "/api/3.0/mlflow"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def server(mlflow: Rendered) -> Iterator[Running]:
    mlflow.migrate()
    with mlflow.serving("server") as found:
        yield found.wait()


@pytest.fixture(scope="module")
def make(mlflow: Rendered, server: Running, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs the Job as it is rendered for users, with passwords."""

    def run(users: Mapping[str, Mapping[str, Any]], **passwords: str) -> subprocess.CompletedProcess[str]:
        made = rendered(
            tmp_path_factory.mktemp("users"),
            database=mlflow.database,
            password=PASSWORD,
            store=mlflow.store,
            users=users,
        )
        (job,) = made.job("users")
        folder = made.folder / "passwords"
        folder.mkdir()
        for name in users:
            (folder / name).write_text(passwords.get(name, f"password-of-{name}"))
        words = [made.here(word) for word in job["command"][:-1]]
        return made.run(job, *words, str(folder), MLFLOW_TRACKING_URI=server.url)

    return run


def asked(server: Running, who: str, path: str, method: str = "GET", **body: Any) -> httpx.Response:
    login = ADMIN if who == "admin" else (who, f"password-of-{who}")
    return httpx.request(method, server.url + path, auth=login, json=body or None, timeout=60)


def names(server: Running) -> set[str]:
    return {each["username"] for each in asked(server, "admin", f"{API}/users/list").json()["users"]}


def may(server: Running, who: str, experiment: str) -> tuple[bool, bool]:
    """Whether a user may read an experiment, and change it."""
    read = asked(server, who, f"{API}/experiments/get?experiment_id={experiment}").status_code
    tag = {"experiment_id": experiment, "key": "by", "value": who}
    change = asked(server, who, f"{API}/experiments/set-experiment-tag", "POST", **tag).status_code
    assert {read, change} <= {200, 403}
    return read == 200, change == 200


def test_users_are_made_with_their_rights_and_lose_them_and_go(server: Running, make: Run) -> None:
    done = make({"vision": {"experiments": "EDIT"}, "search": {}})
    assert done.returncode == 0, done.stdout
    assert names(server) == {"admin", "search", "vision"}
    made = asked(server, "search", f"{API}/experiments/create", "POST", name="ranking").json()["experiment_id"]
    assert may(server, "search", made) == (True, True), "it manages what it made"
    assert may(server, "vision", made) == (True, True)

    done = make({"vision": {"experiments": "DENY"}, "search": {}})
    assert done.returncode == 0, done.stdout
    assert may(server, "vision", made) == (False, False)
    assert make({"vision": {}, "search": {}}).returncode == 0
    assert may(server, "vision", made) == (True, False), "default_permission is READ"

    done = make({"search": {}})
    assert "deleted vision" in done.stdout
    assert names(server) == {"admin", "search"}
    assert asked(server, "vision", f"{API}/users/current").status_code == 401
    assert may(server, "search", made) == (True, True)


def test_metrics_are_for_administrators_alone(server: Running, make: Run) -> None:
    """So Prometheus has the login of one: a release that lets others in shows here."""
    assert make({"search": {}}).returncode == 0
    assert [asked(server, who, "/metrics").status_code for who in ("admin", "search")] == [200, 403]


def test_another_password_counts_at_once_and_a_repeated_job_changes_nothing(server: Running, make: Run) -> None:
    assert make({"search": {}}).returncode == 0
    roles = asked(server, "admin", f"{API3}/roles/list").json()
    assert make({"search": {}}).returncode == 0
    assert asked(server, "admin", f"{API3}/roles/list").json() == roles
    assert make({"search": {}}, search="another-password").returncode == 0
    assert asked(server, "search", f"{API}/users/current").status_code == 401
    current = httpx.get(f"{server.url}{API}/users/current", auth=("search", "another-password"), timeout=60)
    assert current.json()["user"]["is_admin"] is False


def test_a_user_that_was_made_by_hand_is_left_alone_and_a_declared_one_of_that_name_is_refused(
    server: Running, make: Run
) -> None:
    by_hand = {"username": "visitor", "password": "password-of-visitor"}
    assert asked(server, "admin", f"{API}/users/create", "POST", **by_hand).status_code == 200
    assert make({}).returncode == 0
    assert names(server) == {"admin", "visitor"}
    done = make({"visitor": {}, "search": {}}, visitor="a-stolen-password")
    assert done.returncode != 0
    assert "made by hand, and left alone: visitor" in done.stdout
    assert names(server) == {"admin", "search", "visitor"}, "the others are made"
    assert asked(server, "visitor", f"{API}/users/current").status_code == 200, "its password is its own"

"""The Job of Milvus' users and roles as it is rendered: its files, its passwords, its command.

Milvus itself does not run here, and milvus-lite has no users: a stand-in answers, whose rules are those of Milvus'
source, cited beside them.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.environments import interpreter
from support.milvus_rest.access import FIELDS, Access
from support.milvus_rest.serving import Certificate, Fault, certificate, served

from llmplatform.services.milvus.access import login, wanted
from llmplatform.services.milvus.pods import PACKAGE, program_files
from llmplatform.specs.services import Milvus
from llmplatform.specs.vocabulary.milvus import LEVELS

EXAMPLE = Path(__file__).parents[2] / "examples" / "milvus"
SETTINGS: dict[str, Any] = {
    "enabled": True,
    "databases": ["search"],
    "clients": ["search"],
    "roles": {
        "reader": {"grants": [{"database": "search", "privileges": ["CollectionReadOnly", "DatabaseReadOnly"]}]},
        "writer": {
            "grants": [
                {"database": "search", "collection": "documents", "privileges": ["CollectionReadWrite"]},
                {"database": "*", "privileges": ["ListDatabases"]},
            ]
        },
    },
    "users": {"search": {"roles": ["reader"]}, "indexer": {"roles": ["reader", "writer"]}},
}


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("authority"))


@dataclass
class Job:
    """The Job's pod, run here."""

    folder: Path
    tls: Certificate
    access: Access
    passwords: dict[str, str] = field(default_factory=dict[str, str])
    denied: Callable[[str, int], bool] = lambda user, number: False
    """Whether a right password is denied: a user, and the number of the request of that user."""
    seen: dict[str, int] = field(default_factory=dict[str, int])

    def known(self, user: str) -> str | None:
        """The password that Milvus takes now."""
        self.seen[user] = self.seen.get(user, 0) + 1
        return None if self.denied(user, self.seen[user]) else self.access.passwords.get(user)

    def run(self, settings: Mapping[str, Any], *, ca: Path | None = None) -> subprocess.CompletedProcess[str]:
        spec = Milvus.model_validate(settings)
        programs, secrets = self.folder / "programs", self.folder / "secrets"
        package = programs / PACKAGE.replace(".", "/")
        package.mkdir(parents=True, exist_ok=True)
        secrets.mkdir(exist_ok=True)
        for name, text in program_files().items():
            (package / name).write_text(text)
        (programs / "access.json").write_text(json.dumps(wanted(spec)))
        for each in secrets.iterdir():
            each.unlink()
        for name, user in spec.users.items():
            current = login(name, user.password_version)
            self.passwords.setdefault(f"{name} {user.password_version}", f"secret-{name}-{user.password_version}")
            (secrets / current).write_text(self.passwords[f"{name} {user.password_version}"])
        version = spec.root_password_version
        (secrets / "root").write_text(f"root-password-{version}")
        if version > 1:
            (secrets / "root-before").write_text(f"root-password-{version - 1}")
        self.seen.clear()
        with served(self.known, self.access, FIELDS.__contains__, self.tls) as address:
            trusted = ca or self.tls.certificate
            words = [address, str(programs / "access.json"), str(secrets), str(trusted), "3"]
            return subprocess.run(
                [sys.executable, "-m", f"{PACKAGE}.access", *words],
                env={"PYTHONPATH": str(programs), "PYTHONDONTWRITEBYTECODE": "1"},
                capture_output=True,
                text=True,
                check=False,
            )

    def done(self, settings: Mapping[str, Any]) -> list[str]:
        """What a successful run has changed."""
        self.access.changes.clear()
        ended = self.run(settings)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert not [each for each in self.passwords.values() if each in ended.stdout + ended.stderr]
        return list(self.access.changes)


@pytest.fixture
def job(tmp_path: Path, tls: Certificate) -> Job:
    return Job(tmp_path, tls, Access("root-password-1"))


def changed(**changes: Any) -> dict[str, Any]:
    return {**SETTINGS, **changes}


def test_the_first_run_makes_databases_roles_and_users_and_the_second_changes_nothing(job: Job) -> None:
    assert job.done(SETTINGS)
    assert job.access.databases == {"default", "search"}
    assert job.access.roles["platform_reader"] == {
        ("CollectionReadOnly", "search", "*"),
        ("DatabaseReadOnly", "search", "*"),
    }
    assert job.access.roles["platform_writer"] == {
        ("CollectionReadWrite", "search", "documents"),
        ("ListDatabases", "*", "*"),
    }
    assert job.access.given["platform_search_a"] == {"platform_reader"}
    assert job.access.given["platform_indexer_a"] == {"platform_reader", "platform_writer"}
    assert job.access.passwords["platform_search_a"] == "secret-search-1"
    assert job.done(SETTINGS) == []


def test_a_user_and_a_role_that_the_file_no_longer_names_are_removed_and_those_of_others_stay(job: Job) -> None:
    job.access.passwords |= {"analyst": "made-by-hand", "platform": "made-by-hand"}
    job.access.given |= {"analyst": {"auditor"}, "platform": set()}
    job.access.roles["auditor"] = {("Query", "default", "*")}
    job.done(SETTINGS)
    job.done(changed(users={"search": {"roles": ["reader"]}}, roles={"reader": SETTINGS["roles"]["reader"]}))
    assert job.access.passwords.keys() == {"root", "analyst", "platform", "platform_search_a"}
    assert job.access.roles.keys() == {"admin", "public", "auditor", "platform_reader"}
    assert job.access.given["analyst"] == {"auditor"}
    job.done({"enabled": True})
    assert job.access.passwords.keys() == {"root", "analyst", "platform"}
    assert job.access.roles.keys() == {"admin", "public", "auditor"}
    assert "search" in job.access.databases, "its collections would go with it"


def test_a_changed_role_gains_and_loses_privileges_alone(job: Job) -> None:
    job.done(SETTINGS)
    fewer = {"grants": [{"database": "search", "privileges": ["CollectionReadOnly", "CollectionReadWrite"]}]}
    assert job.done(changed(roles={**SETTINGS["roles"], "reader": fewer})) == [
        "roles/grant_privilege_v2",
        "roles/revoke_privilege_v2",
    ]


def test_a_new_password_is_of_another_login_and_the_one_before_works_until_the_next(job: Job) -> None:
    def version(number: int) -> dict[str, Any]:
        return changed(users={**SETTINGS["users"], "search": {"roles": ["writer"], "password_version": number}})

    job.done(SETTINGS)
    job.done(version(2))
    assert job.access.passwords["platform_search_a"] == "secret-search-1"
    assert job.access.passwords["platform_search_b"] == "secret-search-2"
    assert job.access.given["platform_search_a"] == job.access.given["platform_search_b"] == {"platform_writer"}
    job.done(version(3))
    assert job.access.passwords["platform_search_a"] == "secret-search-3"
    assert job.access.passwords["platform_search_b"] == "secret-search-2"
    assert job.access.given["platform_search_a"] == {"platform_writer"}
    assert job.done(version(3)) == []


def test_the_password_of_root_changes_from_the_one_before_and_a_run_that_was_cut_off_is_repeated(job: Job) -> None:
    job.done(SETTINGS)
    assert job.done(changed(root_password_version=2)) == ["users/update_password"]
    assert job.access.passwords["root"] == "root-password-2"
    assert job.done(changed(root_password_version=2)) == []
    ended = job.run(changed(root_password_version=4))
    assert ended.returncode == 1
    assert "the password of 'root' is neither that of the Secret nor the one before it" in ended.stderr
    assert job.access.passwords["root"] == "root-password-2"


def test_a_right_password_that_is_denied_while_milvus_starts_is_tried_again(job: Job) -> None:
    """A proxy denies everyone while its coordinator does not answer."""
    job.denied = lambda user, number: number == 1
    assert job.done(SETTINGS)
    assert job.access.passwords["root"] == "root-password-1"


@pytest.mark.parametrize("coordinator", ["answers again", "still fails"])
def test_a_login_is_not_made_anew_because_the_coordinator_did_not_answer(job: Job, coordinator: str) -> None:
    job.done(SETTINGS)

    class Failing(Access):
        def users_list(self) -> list[str]:
            if job.seen.get("platform_search_a") and coordinator == "still fails":
                raise Fault("the coordinator does not answer")
            return super().users_list()

    job.access.__class__ = Failing
    job.denied = lambda user, number: user == "platform_search_a" and number == 1
    job.access.changes.clear()
    ended = job.run(SETTINGS)
    assert ended.returncode == (1 if coordinator == "still fails" else 0), ended.stderr
    assert job.access.changes == [], "no client is locked out"


def test_a_server_with_another_certificate_gets_no_password(job: Job, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    ended = job.run(SETTINGS, ca=certificate(tmp_path / "other").certificate)
    assert ended.returncode == 1
    assert "CERTIFICATE_VERIFY_FAILED" in ended.stderr
    assert not job.access.changes


def test_without_the_authority_the_job_waits_and_sends_no_password(job: Job, tmp_path: Path) -> None:
    ended = job.run(SETTINGS, ca=tmp_path / "not-there-yet.crt")
    assert ended.returncode == 1
    assert "waiting: collections/list" in ended.stdout
    assert "No such file" in ended.stderr
    assert not job.access.changes


def test_what_milvus_refuses_is_the_last_line_of_the_job(job: Job) -> None:
    class Full(Access):
        def roles_create(self, roleName: str) -> None:
            raise Fault("unable to create role because the number of roles has reached the limit")

    job.access = Full("root-password-1")
    ended = job.run(SETTINGS)
    assert ended.returncode == 1
    assert ended.stderr.strip().splitlines()[-1] == (
        "roles/create: unable to create role because the number of roles has reached the limit"
    )


def test_every_privilege_is_one_of_the_protocol() -> None:
    """`ObjectPrivilege` of the client's protocol names a privilege `PrivilegeQuery`, a group `PrivilegeGroup…`."""
    asked = "from pymilvus.grpc_gen.common_pb2 import ObjectPrivilege as p; print(*p.keys())"
    python = interpreter("milvus-client", EXAMPLE / "requirements" / "test.txt", used="milvus_lite, pymilvus")
    known = set(subprocess.run([python, "-c", asked], capture_output=True, text=True, check=True).stdout.split())
    assert not [each for each in LEVELS if not {f"Privilege{each}", f"PrivilegeGroup{each}"} & known]
    rights = ("ReadOnly", "ReadWrite", "Admin")
    groups = {f"{level}{right}" for level in ("Collection", "Database", "Cluster") for right in rights}
    assert groups <= LEVELS.keys()
    assert all(group.lower().startswith(LEVELS[group]) for group in groups)

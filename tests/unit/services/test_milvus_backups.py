"""Backups of Milvus: what the tool is told, and what its pods may do."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from support.milvus_site import AGENT, USERS, identity, in_a_cloud, made
from support.sites import Identity
from support.stores import OSS, Store

from llmplatform.base.contracts import Grant
from llmplatform.services import milvus
from llmplatform.specs.services import Milvus as Spec
from llmplatform.testing import RecordingEngine

CRON_JOB, CONFIG_MAP = "kubernetes:batch/v1:CronJob", "kubernetes:core/v1:ConfigMap"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
KEYS = {
    "log": {"level", "console", "file.filename"},
    "milvus": {"address", "port", "user", "tlsMode", "caCertPath", "serverName"},
    "minio": {
        *("storageType", "address", "port", "region", "useSSL", "useIAM", "bucketName", "rootPath"),
        *("backupStorageType", "backupAddress", "backupPort", "backupRegion", "backupUseSSL", "backupUseIAM"),
        *("backupBucketName", "backupRootPath", "crossStorage"),
    },
    "backup": {"gcPause.enable", "gcPause.address"},
}
"""Keys that the tool reads: milvus-backup v0.5.16, internal/cfg/cfg.go. It takes no notice of any other."""


def cron_jobs(**changes: Any) -> dict[str, dict[str, Any]]:
    return {each.inputs["metadata"]["name"]: each.inputs["spec"] for each in made(**changes).all(CRON_JOB)}


def settings(**changes: Any) -> dict[str, Any]:
    found = {each.inputs["metadata"]["name"]: each.inputs["data"] for each in made(**changes).all(CONFIG_MAP)}
    return json.loads(found["milvus-backup"]["backup.yaml"])


def flat(found: dict[str, Any], start: str = "") -> set[str]:
    names: set[str] = set()
    for key, value in found.items():
        names |= flat(value, f"{start}{key}.") if isinstance(value, dict) else {f"{start}{key}"}
    return names


@pytest.mark.parametrize("store", [{}, OSS])
def test_the_tool_is_told_of_both_buckets_and_knows_every_key(store: dict[str, Any]) -> None:
    found = settings(store=store, spec=USERS)
    assert {section: flat(keys) for section, keys in found.items()} == KEYS
    minio = found["minio"]
    assert (minio["bucketName"], minio["rootPath"]) == ("vectors-0a1b", "test/milvus"), "as Milvus itself has it"
    assert (minio["backupBucketName"], minio["backupRootPath"]) == ("backups-1b2c", "test/milvus-backups")
    assert minio["storageType"] == minio["backupStorageType"] == store.get("provider", "aws")
    assert minio["useIAM"] is minio["backupUseIAM"] is minio["backupUseSSL"] is True
    assert found["milvus"]["address"] == found["milvus"]["serverName"] == "milvus-milvus.milvus.svc"
    assert found["milvus"]["tlsMode"] == 1


def test_without_tls_the_tool_is_told_of_no_certificate() -> None:
    plain = settings(spec=Spec(enabled=True, tls=False), issuer=None)["milvus"]
    assert (plain["tlsMode"], plain["caCertPath"]) == (0, "")


def test_its_password_comes_from_the_secret_and_is_nowhere_else() -> None:
    for name, spec in cron_jobs(spec=USERS).items():
        pod = spec["jobTemplate"]["spec"]["template"]["spec"]
        for container in [*pod.get("initContainers", ()), *pod["containers"]]:
            named = {each["name"]: each.get("valueFrom") for each in container["env"]}
            if container["image"].startswith("docker.io/milvusdb/milvus-backup:"):
                secret = {"name": "milvus-root", "key": "password"}
                assert named["MILVUS_PASSWORD"] == {"secretKeyRef": secret}, (name, container["name"])
            else:
                assert "MILVUS_PASSWORD" not in named
    assert "password" not in settings(spec=USERS)["milvus"]


def test_a_backup_knows_the_password_of_root_before_too_and_a_drill_has_time_to_drop_its_copies() -> None:
    pods = {name: spec["jobTemplate"]["spec"]["template"]["spec"] for name, spec in cron_jobs(spec=USERS).items()}
    for pod in pods.values():
        (secret,) = (each["secret"] for each in pod["volumes"] if each["name"] == "secrets")
        assert [each["path"] for each in secret["items"]] == ["root", "root-before"]
    assert {name: pod.get("terminationGracePeriodSeconds") for name, pod in pods.items()} == {
        "milvus-backup": None,
        "milvus-restore": None,
        "milvus-drill": 600,
    }


def test_who_backs_up_cannot_restore_and_a_restore_waits_for_a_hand() -> None:
    found = cron_jobs(spec=USERS)
    accounts = {
        name: spec["jobTemplate"]["spec"]["template"]["spec"]["serviceAccountName"] for name, spec in found.items()
    }
    restore = "milvus-restore"
    assert accounts == {"milvus-backup": "milvus-backup", restore: restore, "milvus-drill": restore}
    assert {name: spec.get("suspend", False) for name, spec in found.items()} == {
        "milvus-backup": False,
        "milvus-restore": True,
        "milvus-drill": False,
    }
    assert all(spec["concurrencyPolicy"] == "Forbid" for spec in found.values())
    assert "milvus-drill" not in cron_jobs(), "it takes memory of the live server"
    assert not cron_jobs(backups=None)


def test_who_backs_up_may_not_write_the_data_and_who_restores_may_not_write_backups() -> None:
    given: dict[str, set[str]] = {}

    @dataclass(frozen=True, kw_only=True)
    class Named(Store):
        name: str

        def read(self) -> Grant:
            return Grant(name=f"read {self.name}", statements=[])

        def read_write(self, prefix: str = "") -> Grant:
            return Grant(name=f"write {self.name}", statements=[])

    def identify(name: str, *, namespace: str, service_account: str, grants: Sequence[Grant]) -> Identity:
        given[service_account] = {each.name for each in grants}
        return identity(service_account)

    RecordingEngine().run(lambda: milvus.install(in_a_cloud(USERS, identify, lambda name, _: Named(name=name))))
    assert given == {
        "milvus": {"write milvus-data"},
        "milvus-backup": {"read milvus-data", "write milvus-backups"},
        "milvus-restore": {"write milvus-data", "read milvus-backups"},
    }


def test_its_pods_alone_reach_the_port_that_keeps_old_segments() -> None:
    found = {each.inputs["metadata"]["name"]: each.inputs["spec"] for each in made(spec=USERS).all(POLICY)}
    (rule,) = found["allow-backup-in"]["ingress"]
    assert rule["from"][0]["podSelector"]["matchLabels"]["app.kubernetes.io/name"] == "milvus-backup"
    assert found["allow-credentials"]["egress"][0]["to"] == [{"ipBlock": {"cidr": AGENT[0]}}]
    chosen = found["allow-backup-out"]["podSelector"]["matchLabels"]
    for spec in cron_jobs(spec=USERS).values():
        assert chosen.items() <= spec["jobTemplate"]["spec"]["template"]["metadata"]["labels"].items()

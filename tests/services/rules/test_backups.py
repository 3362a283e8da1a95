"""Alerts about backups: each fires when none came for too long, and resolves with the next, in the real promtool."""

from pathlib import Path

from support.rules import ENVIRONMENT, PAGES, Case, hold

from llmplatform.planning.backups import Backup, Backups
from llmplatform.planning.platform_rules import platform_rules


def backup(namespace: str, name: str, oldest_hours: int) -> Backup:
    return Backup(namespace=namespace, name=name, oldest_hours=oldest_hours, setting="", schedule="0 * * * *")


GROUPS = platform_rules(
    (),
    [],
    environment=ENVIRONMENT,
    runbooks=PAGES,
    backups=Backups(
        jobs=(backup("milvus", "milvus-backup", 2), backup("mlflow", "mlflow-dump", 3)),
        servers=(backup("cnpg", "mlflow", 2),),
    ),
)
MILVUS, MLFLOW = 'namespace="milvus",cronjob="milvus-backup"', 'namespace="mlflow",cronjob="mlflow-dump"'
SUCCEEDED = "kube_cronjob_status_last_successful_time{%s}"
MADE = "kube_cronjob_created{%s}"
SERVER = 'namespace="cnpg",cnpg_io_cluster="mlflow",pod="mlflow-%d"'
COPIED = "barman_cloud_cloudnative_pg_io_last_available_backup_timestamp{%s}"
OLD = "The newest backup of server mlflow is 3h 20m 0s old, or there is none."
ARCHIVED, FAILED = "cnpg_pg_stat_archiver_last_archived_time{%s}", "cnpg_pg_stat_archiver_last_failed_time{%s}"


def old(cron_job: str, namespace: str, age: str) -> dict[str, dict[str, str]]:
    says = f"{cron_job} has made no backup for {age}."
    return {"BackupTooOld": {"namespace": namespace, "cronjob": cron_job, "says": says}}


def server(name: str, says: str) -> dict[str, dict[str, str]]:
    return {name: {"namespace": "cnpg", "cnpg_io_cluster": "mlflow", "says": says}}


CASES = [
    Case(
        "each is younger than its own bound",
        {SUCCEEDED % MILVUS: "0x100 6000x200", SUCCEEDED % MLFLOW: "0x170 10200x200"},
        {"0m": {}, "170m": {}, "230m": {}},
    ),
    Case(
        "one fails for too long, and succeeds again",
        {MADE % MILVUS: "0x300", SUCCEEDED % MILVUS: "600x180 10860x120", SUCCEEDED % MLFLOW: "0x170 10200x200"},
        {"140m": {}, "150m": old("milvus-backup", "milvus", "2h 20m 0s"), "182m": {}},
    ),
    Case(
        "one has never succeeded since it was made",
        {MADE % MLFLOW: "_x10 600x300"},
        {"200m": {}, "210m": old("mlflow-dump", "mlflow", "3h 20m 0s")},
    ),
    Case(
        "those of other namespaces are not ours",
        {SUCCEEDED % 'namespace="shop",cronjob="milvus-backup"': "0x300", COPIED % 'namespace="shop"': "0x300"},
        {"250m": {}},
    ),
    Case(
        "a server has no copy for too long; each instance tells of the same ones",
        {COPIED % (SERVER % number): "0x240 14400x100" for number in (1, 2)},
        {
            "150m": {},
            "200m": server("PostgresBackupTooOld", OLD),
            "245m": {},
        },
    ),
    Case(
        "a log does not arrive, and does again",
        {ARCHIVED % (SERVER % 1): "-1x10 600x60 4500x60", FAILED % (SERVER % 1): "-1x30 1800x120"},
        {
            "20m": {},
            "44m": {},
            "50m": server(
                "PostgresLogNotArchived",
                "The log of server mlflow does not arrive in its bucket: what is written now would be lost.",
            ),
            "75m": {},
        },
    ),
]


def test_each_alert_fires_and_resolves_as_backups_fail_and_succeed(tmp_path: Path) -> None:
    hold(GROUPS, CASES, tmp_path)

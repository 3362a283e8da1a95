"""Rules about managed servers of Postgres, wherever a stack asks for one."""

from collections.abc import Iterator
from math import ceil

from llmplatform.catalog.databases import APSARADB_CLASSES, RDS_CLASSES, rds_authority
from llmplatform.checks.problems import Problem
from llmplatform.checks.rules.rule import whole
from llmplatform.specs.databases import ExistingPostgres, NewPostgres
from llmplatform.specs.stack import AlicloudStack, Stack

LEAST_GROWTH_PERCENT = 10
"""RDS refuses a limit that is not a tenth above the storage (RDS user guide, "Managing capacity automatically with
Amazon RDS storage autoscaling")."""
_MOST_GIB = 64000
APSARADB_STEP_GIB = 5
"""terraform-provider-alicloud, docs of alicloud_db_instance, `instance_storage`."""
APSARADB_LEAST_DAYS = 7
"""ApsaraDB RDS API reference, ModifyBackupPolicy."""


def servers(stack: Stack) -> Iterator[tuple[str, NewPostgres]]:
    """Managed servers that services ask for, with their paths."""
    mlflow = stack.services.mlflow
    if mlflow.enabled and isinstance(mlflow.database, NewPostgres):
        yield "services.mlflow.database", mlflow.database


def classes_are_of_the_cloud(stack: Stack) -> Iterator[Problem]:
    """A class has the form of its cloud. Whether a region sells it, no list says: the cloud answers in the update."""
    wanted = APSARADB_CLASSES if isinstance(stack, AlicloudStack) else RDS_CLASSES
    for path, server in servers(stack):
        if server.instance_class and not server.instance_class.startswith(wanted):
            yield Problem(
                f"{path}.instance_class",
                f"'{server.instance_class}' is a class of another cloud",
                f"write one that begins with '{wanted}', or remove it for a small one",
            )


def standbys_have_a_zone(stack: Stack) -> Iterator[Problem]:
    """A standby is in another zone; and RDS wants two zones for every server."""
    for path, server in servers(stack):
        if not server.zones:
            continue
        strange = [zone for zone in server.zones if zone not in stack.cloud.zones]
        if strange:
            yield Problem(
                f"{path}.zones",
                f"{', '.join(strange)} is no zone of the stack",
                f"write zones of cloud.zones: {', '.join(stack.cloud.zones)}",
            )
        elif len(set(server.zones)) < 2 and not isinstance(stack, AlicloudStack):
            yield Problem(
                f"{path}.zones",
                f"RDS wants two zones of every server, and {server.zones[0]} is one",
                "write two zones, or remove it",
            )
        elif len(set(server.zones)) < 2 and server.standby:
            yield Problem(
                f"{path}.zones",
                f"a server in {server.zones[0]} alone has no zone for a standby",
                "write two zones, or standby: false",
            )


def storage_can_grow(stack: Stack) -> Iterator[Problem]:
    """The limit is above the storage."""
    for path, server in servers(stack):
        limit, least = server.storage_limit_gib, ceil(server.storage_gib * (100 + LEAST_GROWTH_PERCENT) / 100)
        if limit is not None and limit < least:
            yield Problem(
                f"{path}.storage_limit_gib",
                f"{server.storage_gib} GiB cannot grow to {limit}",
                f"write at least {least}, or null if it is not to grow" if least <= _MOST_GIB else "write null",
            )


def windows_are_apart(stack: Stack) -> Iterator[Problem]:
    """RDS refuses a backup within the window of maintenance."""
    for path, server in servers(stack):
        if server.backup_hour == server.maintenance_hour:
            yield Problem(
                f"{path}.backup_hour",
                f"hour {server.backup_hour} is that of the maintenance as well",
                "write another hour for one of the two",
            )


def apsaradb_gets_what_it_needs(stack: Stack) -> Iterator[Problem]:
    """A key for a new disk, a size that is sold, and a week of backups."""
    if not isinstance(stack, AlicloudStack):
        return
    for path, server in servers(stack):
        if server.kms_key is None:
            yield Problem(
                f"{path}.kms_key",
                "ApsaraDB encrypts a new disk with a key of KMS alone, and none is named",
                "write the id of a key of the region",
            )
        if server.storage_gib % APSARADB_STEP_GIB:
            below = server.storage_gib // APSARADB_STEP_GIB * APSARADB_STEP_GIB
            yield Problem(
                f"{path}.storage_gib",
                f"ApsaraDB sells disks in steps of {APSARADB_STEP_GIB} GB",
                f"write {below} or {below + APSARADB_STEP_GIB}",
            )
        if server.backup_days < APSARADB_LEAST_DAYS:
            yield Problem(
                f"{path}.backup_days",
                f"ApsaraDB keeps backups for {APSARADB_LEAST_DAYS} days at least, and not for {server.backup_days}",
                f"write {APSARADB_LEAST_DAYS} or more",
            )


def rds_has_its_own_key(stack: Stack) -> Iterator[Problem]:
    """On AWS one key encrypts all data of a stack."""
    for path, server in servers(stack):
        if server.kms_key is not None and not isinstance(stack, AlicloudStack):
            yield Problem(
                f"{path}.kms_key",
                "it is a key of Alibaba Cloud; on AWS cloud.data_key encrypts the disk",
                "remove it, and write cloud.data_key",
            )


def a_servers_name_can_be_proved(stack: Stack) -> Iterator[Problem]:
    """Advice: without authorities a client cannot tell the server from another one."""
    ack = isinstance(stack, AlicloudStack)
    bundle = "ApsaraDB-CA-Chain.pem of its console" if ack else f"{stack.cloud.region}-bundle.pem of the RDS user guide"
    for path, server in servers(stack):
        if server.certificates is None and (ack or rds_authority(stack.cloud.region) is None):
            yield Problem(
                f"{path}.certificates",
                "clients encrypt, and cannot tell the server from another one",
                f"write {bundle}",
            )
    mlflow = stack.services.mlflow
    if mlflow.enabled and isinstance(mlflow.database, ExistingPostgres) and mlflow.database.certificates is None:
        yield Problem(
            "services.mlflow.database.certificates",
            "clients encrypt, and cannot tell the server from another one",
            "write the authorities that sign its certificate, as PEM",
        )


PROBLEMS = whole(
    classes_are_of_the_cloud,
    standbys_have_a_zone,
    storage_can_grow,
    windows_are_apart,
    apsaradb_gets_what_it_needs,
    rds_has_its_own_key,
)
ADVICE = whole(a_servers_name_can_be_proved)

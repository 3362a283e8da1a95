"""Servers of Postgres, read from what each cloud's components register, in words that all clouds share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from llmplatform import alicloud, aws
from llmplatform.base.contracts import Database
from llmplatform.specs.databases import NewPostgres
from llmplatform.testing import RecordingEngine
from support import alicloud_platform, aws_platform


@dataclass(frozen=True, kw_only=True)
class Server:
    """One server, in words that all clouds share."""

    encrypted: bool
    public: bool
    """Whether it has an address on the internet."""
    without_tls: bool
    """Whether a connection without TLS is answered."""
    open_to: frozenset[str]
    """Security groups and ranges that may connect; their ports are 5432 alone."""
    standby: bool
    zones: tuple[str, ...]
    """Zones that it may be in."""
    machine: str
    storage: tuple[int, int | None]
    """GiB, and the GiB that it grows to."""
    backup: tuple[int, str]
    """Days that it can be restored to, and the hour of the daily backup in UTC."""
    minors: bool
    """Whether minor versions come by themselves."""
    protected: bool
    refuses_deletion: bool
    """Whether the cloud itself refuses."""
    last_backup: bool
    tags: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, eq=False)
class Servers:
    """How one cloud makes servers, and how to read them."""

    name: str
    zones: tuple[str, str]
    nodes: frozenset[str]
    """What the test platform's nodes connect from."""
    cidr: str
    """Range that a network policy opens."""
    make: Callable[[NewPostgres, str], Database]
    """A server named `tables` with those settings and protection."""
    instance: str
    """Type of the instance."""
    read: Callable[[RecordingEngine], Server]
    password: Callable[[RecordingEngine], tuple[Any, bool]]
    """The administrator's password as it is registered, and whether it is a secret there."""
    small: tuple[str, str]
    """The usual machine, with a standby and without."""

    def __str__(self) -> str:
        """Name of the cloud, for the names of tests."""
        return self.name


class User(pulumi.CustomResource):
    """Something that connects."""

    def __init__(self, value: pulumi.Input[Any]) -> None:
        super().__init__("test:index:User", "user", {"value": value})


_RDS = "aws:rds/instance:Instance"
GROUP = "aws:rds/parameterGroup:ParameterGroup"


def _aws_read(engine: RecordingEngine) -> Server:
    found, group = engine.one(_RDS), engine.one("aws:ec2/securityGroup:SecurityGroup").inputs
    it = found.inputs
    parameters = engine.one(GROUP, it["parameterGroupName"]).inputs
    assert parameters["family"] == f"postgres{it['engineVersion']}"
    assert it["vpcSecurityGroupIds"] == ["tables-postgres-id"]
    assert group["egress"] == []
    assert {(rule["protocol"], rule["fromPort"], rule["toPort"]) for rule in group["ingress"]} == {("tcp", 5432, 5432)}
    begin, end = it["backupWindow"].split("-")
    assert int(end[:2]) == (int(begin[:2]) + 1) % 24
    forced = {each["name"]: each["value"] for each in parameters["parameters"]}
    return Server(
        encrypted=it["storageEncrypted"],
        public=it["publiclyAccessible"],
        without_tls=forced.get("rds.force_ssl") != "1",
        open_to=frozenset(one for rule in group["ingress"] for one in rule["securityGroups"]),
        standby=it["multiAz"],
        zones=tuple(
            one.removeprefix("subnet-") for one in engine.one("aws:rds/subnetGroup:SubnetGroup").inputs["subnetIds"]
        ),
        machine=it["instanceClass"],
        storage=(it["allocatedStorage"], it.get("maxAllocatedStorage")),
        backup=(it["backupRetentionPeriod"], begin),
        minors=it["autoMinorVersionUpgrade"],
        protected=found.protect,
        refuses_deletion=it["deletionProtection"],
        last_backup=not it["skipFinalSnapshot"],
        tags=it["tags"],
    )


def aws_args(spec: NewPostgres, protection: str, key: str | None = None) -> aws.PostgresArgs:
    """Inputs of a server in the test platform."""
    settings = aws_platform.on(data_key=key)
    return aws.PostgresArgs(
        spec=spec,
        environment=settings.environment.model_copy(update={"protection": protection}),
        cloud=settings.cloud,
        network_id="vpc-1",
        cidr="10.0.0.0/16",
        subnet_ids={zone: f"subnet-{zone}" for zone in aws_platform.ZONES},
        security_group_id="sg-nodes",
        tags=aws_platform.TAGS,
    )


def _aws_password(engine: RecordingEngine) -> tuple[Any, bool]:
    found = engine.one(_RDS)
    return found.inputs["password"], "password" in found.secrets


_APSARADB = "alicloud:rds/instance:Instance"
KEY = "key-hzz65f1c2d3e4f5a6b7c8"


def _ack_read(engine: RecordingEngine) -> Server:
    found = engine.one(_APSARADB)
    it, backups = found.inputs, engine.one("alicloud:rds/backupPolicy:BackupPolicy").inputs
    account = engine.one("alicloud:rds/rdsAccount:RdsAccount").inputs
    assert (account["accountName"], account["accountType"]) == ("platform", "Super")
    assert it["port"] == "5432"
    assert len(backups["preferredBackupPeriods"]) == 7
    assert backups["logBackupRetentionPeriod"] == backups["backupRetentionPeriod"], "to any moment"
    rows = it["pgHbaConfs"]
    zones = tuple(it[name] for name in ("zoneId", "zoneIdSlaveA") if name in it)
    assert it["vswitchId"] == ",".join(f"vsw-{zone}" for zone in zones)
    return Server(
        encrypted=it["encryptionKey"] == KEY,
        # An instance has a public address only by a resource of its own.
        public=bool(engine.all("alicloud:rds/connection:Connection")),
        without_tls=it["sslAction"] != "Open" or any(row["type"] != "hostssl" for row in rows) or not rows,
        open_to=frozenset(it["securityIps"]),
        standby=it["category"] == "HighAvailability" and "zoneIdSlaveA" in it,
        zones=zones,
        machine=it["instanceType"],
        storage=(it["instanceStorage"], it.get("storageUpperBound") if it["storageAutoScale"] == "Enable" else None),
        backup=(backups["backupRetentionPeriod"], backups["preferredBackupTime"][:5]),
        minors=it["autoUpgradeMinorVersion"] == "Auto",
        protected=found.protect,
        refuses_deletion=it["deletionProtection"],
        last_backup=False,
        tags=it["tags"],
    )


def alicloud_args(spec: NewPostgres | None = None, protection: str = "none") -> alicloud.PostgresArgs:
    """Inputs of a server in the test platform."""
    settings = alicloud_platform.stack()
    return alicloud.PostgresArgs(
        spec=(spec or NewPostgres(kind="new")).model_copy(update={"kms_key": KEY}),
        environment=settings.environment.model_copy(update={"protection": protection}),
        cloud=settings.cloud,
        network_id="vpc-1",
        cidr="10.0.0.0/16",
        subnet_ids={zone: f"vsw-{zone}" for zone in alicloud_platform.ZONES},
        client_cidrs=("10.0.0.0/22", "10.0.64.0/19"),
        tags=alicloud_platform.TAGS,
    )


def _ack_password(engine: RecordingEngine) -> tuple[Any, bool]:
    found = engine.one("alicloud:rds/rdsAccount:RdsAccount")
    return found.inputs["accountPassword"], "accountPassword" in found.secrets


SERVERS = (
    Servers(
        name="aws",
        zones=aws_platform.ZONES,
        nodes=frozenset({"sg-nodes"}),
        cidr="10.0.0.0/16",
        make=lambda spec, protection: aws.Postgres("tables", aws_args(spec, protection)),
        instance=_RDS,
        read=_aws_read,
        password=_aws_password,
        small=("db.t4g.medium", "db.t4g.medium"),
    ),
    Servers(
        name="alicloud",
        zones=alicloud_platform.ZONES,
        nodes=frozenset({"10.0.0.0/22", "10.0.64.0/19"}),
        cidr="10.0.0.0/16",
        make=lambda spec, protection: alicloud.Postgres("tables", alicloud_args(spec, protection)),
        instance=_APSARADB,
        read=_ack_read,
        password=_ack_password,
        small=("pg.n2.2c.2m", "pg.n2.2c.1m"),
    ),
)

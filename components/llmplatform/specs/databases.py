"""Databases: the servers of Postgres that capabilities keep their tables in."""

from collections.abc import Sequence
from typing import Annotated, Literal, get_args

from pydantic import Field

from llmplatform.specs.objects import ExistingStore, NewStore, ObjectStore
from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.addresses import CertificateBundle, Host, PortNumber
from llmplatform.specs.vocabulary.alicloud import KmsKeyId
from llmplatform.specs.vocabulary.names import (
    DatabaseClass,
    EnvironmentName,
    ParameterName,
    ParameterValue,
    PoolName,
    ServerName,
    Zone,
)
from llmplatform.specs.vocabulary.times import Moment, Timestamp

Hour = Annotated[int, Field(ge=0, le=23)]
"""Beginning of a window of one hour, in UTC."""
Version = Literal[15, 16, 17]
VERSIONS: tuple[int, ...] = get_args(Version)
"""Major versions of Postgres that both clouds make."""


class PreparedPostgres(Section):
    """A Postgres whose databases and logins the stack makes."""

    password_version: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """Raise it by one to rotate the password. Two logins take turns: the other one gets a new password and the pods
    change to it, while the old one works on until the next time."""


class NewPostgres(PreparedPostgres):
    """A server of this stack, managed by the cloud: RDS on AWS, ApsaraDB RDS on Alibaba Cloud.

    It is encrypted, backed up, without a public address, and reached from the nodes of the cluster over TLS alone.
    """

    kind: Literal["new"]
    version: Version = 17
    """Major version of Postgres. A change upgrades the server, which takes it down for minutes, and cannot be undone:
    make a snapshot before. On Alibaba Cloud it is made at once, whatever `changes` says. The cloud upgrades the minor
    version by itself."""
    instance_class: DatabaseClass | None = None
    """Machine of the server. Empty: a small one with 4 GiB, `db.t4g.medium` on AWS, `pg.n2.2c.2m` on Alibaba Cloud, or
    `pg.n2.2c.1m` there without a standby."""
    standby: bool = True
    """Whether a second server in another zone takes over when the first fails. On Alibaba Cloud it counts when the
    server is made: that of an existing one is changed in the console."""
    zones: Annotated[tuple[Zone, ...], Field(max_length=6)] = ()
    """Zones of the stack that it may be in, at least two: on Alibaba Cloud the server is in the first, and its standby
    in the second, when it is made. Empty: all, the home zone first. Set it where a zone does not sell the class."""
    storage_gib: Annotated[int, Field(ge=20, le=64000)] = 20
    """Size of the disk. It cannot shrink."""
    storage_limit_gib: Annotated[int, Field(ge=20, le=64000)] | None = 100
    """Size that a full disk grows to by itself. Empty: it does not grow."""
    backup_days: Annotated[int, Field(ge=1, le=35)] = 7
    """The server can be restored to any moment of so many days. On Alibaba Cloud at least 7."""
    backup_hour: Hour = 2
    """Hour of the daily backup, in UTC."""
    maintenance_day: Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"] = "sun"
    """Day of the window for upgrades and other maintenance. On Alibaba Cloud the window is every day."""
    maintenance_hour: Hour = 4
    """Hour of that window, in UTC."""
    changes: Literal["in_window", "at_once"] = "in_window"
    """When a change that may interrupt connections is made, e.g. of the class: in the window, or at once. On Alibaba
    Cloud another `version` is made at once."""
    last_backup: bool | None = None
    """Whether a deletion leaves a last snapshot in the account, on AWS. Empty: in a protected environment. ApsaraDB
    keeps none of a Postgres."""
    admin_password_version: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """Raise it for another password of the administrator, who makes roles and databases and nothing else."""
    kms_key: KmsKeyId | None = None
    """Id of the KMS key that encrypts the disk, on Alibaba Cloud, where a new one takes no other. On AWS it is
    `cloud.data_key`, or the account's own key for RDS."""
    certificates: CertificateBundle | None = None
    """Authorities that sign the server's certificate, as PEM: with them it proves its name, without them the connection
    is encrypted alone. On AWS the region's is known, but for newer regions. On Alibaba Cloud write the chain that the
    console of ApsaraDB RDS offers."""

    def placed(self, home: str, zones: Sequence[str]) -> tuple[str, ...]:
        """Its zones, that of the server first. `home`: the first of the stack's `zones` for this."""
        return self.zones or (home, *(zone for zone in zones if zone != home))


class ClusterBackups(Section):
    """Backups of a server within the cluster to a bucket, on AWS.

    They are a copy on a schedule, and its log of writes all the time: it can be restored to any moment since a copy.
    """

    store: ObjectStore = NewStore(kind="new")
    """Bucket of the backups. It outlives the server."""
    schedule: Moment = "47 1 * * *"
    """When a copy is made, in UTC: minute, hour, day, month and weekday. The first one is made at once."""
    keep_days: Annotated[int, Field(ge=1, le=3650)] = 14
    """The server can be restored to any moment of so many days."""
    oldest_hours: Annotated[int, Field(ge=1, le=8784)] = 48
    """Age of the newest copy, in hours, from which on an alert fires."""


class Restore(Section):
    """A server of this stack or of another one, from whose backups a new server is made."""

    server: ServerName
    """Its name, which is also that of its folder in the bucket."""
    environment: EnvironmentName | None = None
    """`environment.name` of its stack. Empty: that of this stack."""
    store: ExistingStore | None = None
    """Bucket of its backups. Empty: that of `backups`."""
    until: Timestamp | None = None
    """Moment up to which it is restored, in UTC, like '2026-11-30T12:00:00Z'. A log that ends before it, or has a gap,
    ends the restore with an error. Empty: up to the end of the log, and a gap is taken for that."""
    storage_gib: Annotated[int, Field(ge=1, le=65536)] | None = None
    """Size of its volume, in GiB, which the new one must have as well. Empty: it is not compared."""


class InClusterPostgres(PreparedPostgres):
    """A server within the cluster, which `addons.cnpg` makes. Clients reach it over TLS alone."""

    kind: Literal["in_cluster"]
    name: ServerName | None = None
    """Name of the server. Another name is another server, with nothing in it unless it is restored. Empty: that of the
    service."""
    instances: Annotated[int, Field(ge=1, le=9)] = 1
    """Instances, each on a node of its own with a volume of its own: one takes writes, and the others follow it and
    take its place when it is lost."""
    synchronous: Annotated[int, Field(ge=0, le=8)] | None = None
    """Followers that confirm a write before a client hears of it, so that no confirmed write is lost with an instance.
    Empty: 1 with three or more instances, else 0."""
    storage_gib: Annotated[int, Field(ge=1, le=65536)] = 10
    """Volume of each instance, in GiB. It can grow, and cannot shrink."""
    wal_gib: Annotated[int, Field(ge=4, le=65536)] | None = None
    """Volume of its own for the log of writes, in GiB: while backups fail, the log grows until it is full. Empty: the
    log is on the other volume. Once it is set it stays."""
    memory_gib: Annotated[int, Field(ge=1, le=4096)] = 1
    """Memory of each instance, in GiB. A quarter of it is Postgres' own cache."""
    millicores: Annotated[int, Field(ge=50, le=256_000)] = 250
    """CPU that each instance asks for, in thousandths. It takes more where there is more."""
    parameters: Annotated[dict[ParameterName, ParameterValue], Field(max_length=100)] = Field(default_factory=dict)
    """Further parameters of Postgres, like `max_connections: "200"`."""
    pool: PoolName | None = None
    """Pool of its pods. Empty: any node without taints."""
    backups: ClusterBackups | None = None
    """Backups to a bucket. Empty: none; a service may still dump its databases by itself."""
    restore_from: Restore | None = None
    """Makes the server from backups instead of empty. It counts when the server is made, which needs another `name`
    than the lost one's."""

    @property
    def confirmed_by(self) -> int:
        """Followers that confirm each write."""
        return self.synchronous if self.synchronous is not None else int(self.instances >= 3)


class ExistingPostgres(Section):
    """A server that exists, reached with TLS."""

    kind: Literal["existing"]
    host: Host
    """Its host name. Pods in the cluster have the form SERVICE.NAMESPACE.svc."""
    port: PortNumber = 5432
    certificates: CertificateBundle | None = None
    """Authorities that sign the server's certificate, as PEM, e.g. the bundle of Amazon RDS. With them the server
    proves its name; without them the connection is encrypted alone."""

"""Databases: the servers of Postgres that capabilities keep their tables in."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.addresses import CertificateBundle, Host, PortNumber
from llmplatform.specs.vocabulary.alicloud import KmsKeyId
from llmplatform.specs.vocabulary.names import DatabaseClass, Zone

Hour = Annotated[int, Field(ge=0, le=23)]
"""Beginning of a window of one hour, in UTC."""


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
    version: Literal[15, 16, 17] = 17
    """Major version of Postgres. A change upgrades the server, which takes it down for minutes, and cannot be undone:
    make a snapshot before. The cloud upgrades the minor version by itself."""
    instance_class: DatabaseClass | None = None
    """Machine of the server. Empty: a small one with 4 GiB, `db.t4g.medium` on AWS, `pg.n2.2c.2m` on Alibaba Cloud, or
    `pg.n2.2c.1m` there without a standby."""
    standby: bool = True
    """Whether a second server in another zone takes over when the first fails."""
    zones: Annotated[tuple[Zone, ...], Field(max_length=6)] = ()
    """Zones of the stack that it may be in, at least two: on Alibaba Cloud the server is in the first, and its standby
    in the second. Empty: all, the home zone first. Set it where a zone does not sell the class."""
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
    """When a change that may interrupt connections is made, e.g. of the class: in the window, or at once."""
    last_backup: bool = True
    """Whether a deletion leaves a last snapshot in the account, on AWS. ApsaraDB keeps none of a Postgres."""
    admin_password_version: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """Raise it for another password of the administrator, who makes roles and databases and nothing else."""
    kms_key: KmsKeyId | None = None
    """Id of the KMS key that encrypts the disk, on Alibaba Cloud, where a new one takes no other. On AWS it is
    `cloud.data_key`, or the account's own key for RDS."""
    certificates: CertificateBundle | None = None
    """Authorities that sign the server's certificate, as PEM: the bundle of the region from the RDS user guide, or the
    one that the console of ApsaraDB RDS offers. With them the server proves its name; without them the connection is
    encrypted alone."""

    def placed(self, home: str, zones: Sequence[str]) -> tuple[str, ...]:
        """Its zones, that of the server first. `home`: the first of the stack's `zones` for this."""
        return self.zones or (home, *(zone for zone in zones if zone != home))


class ExistingPostgres(Section):
    """A server that exists, reached with TLS."""

    kind: Literal["existing"]
    host: Host
    """Its host name. Pods in the cluster have the form SERVICE.NAMESPACE.svc."""
    port: PortNumber = 5432
    certificates: CertificateBundle | None = None
    """Authorities that sign the server's certificate, as PEM, e.g. the bundle of Amazon RDS. With them the server
    proves its name; without them the connection is encrypted alone."""

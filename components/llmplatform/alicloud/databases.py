"""A server of Postgres, by ApsaraDB RDS.

Makes: the instance on an ESSD disk that is encrypted with a key of KMS, with a standby in a second zone, its backups
and the account of the administrator. It has no public address, admits the ranges of nodes and pods alone, and takes
only connections with TLS (`hostssl` in its pg_hba.conf).
Does not: read replicas, collection of statements, a last backup after its deletion, which ApsaraDB keeps for MySQL.
Replacing the instance loses its data: nothing of the settings does it. Class, storage, windows, passwords and the key
change in place; standby and zones do not change here. A higher version is an upgrade at once, whatever `changes` says,
and never goes back. Full protection refuses a deletion, as ApsaraDB does then.
While the storage grows by itself the provider ignores another `storage_gib`: raise the limit in its place.
Unverified, since no page says it: that `hostssl` rows leave ApsaraDB's own connections as they are.
Source: terraform-provider-alicloud 2.0, resource_alicloud_db_instance.go (`instance_storage`, buildDBCreateRequest,
`UpgradeDBInstanceMajorVersion` with `SwitchTimeMode` Immediate,
ModifyPgHbaConfig after ModifyDBInstanceSSL), docs of alicloud_db_instance (`encryption_key`: a new disk takes the id of
a key and no service key; `pg_hba_conf`; `released_keep_policy`; `collect_stat_mode`), resource_alicloud_rds_account.go,
resource_alicloud_db_backup_policy.go; ApsaraDB RDS for PostgreSQL, "Primary instance types", and its page on accounts
(help.aliyun.com/document_detail/26159), whose high-privilege account makes roles with CREATEDB.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_alicloud as alicloud

from llmplatform.base.component import PlatformComponent
from llmplatform.base.contracts import Admin, Databases, Network
from llmplatform.base.network_policy import Allow, addresses
from llmplatform.base.ordering import after
from llmplatform.base.passwords import rotated
from llmplatform.catalog.databases import ADMIN, APSARADB_CLASS, PORT
from llmplatform.specs.cloud import Alicloud
from llmplatform.specs.databases import NewPostgres
from llmplatform.specs.environment import Environment

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_FULL_PERCENT = 10
"""Free storage at which it grows."""
_BORN_WITH = ("category", "vswitchId", "zoneId", "zoneIdSlaveA")
"""What only the console changes. Another standby's zone or vSwitch would replace the instance by an empty one; so would
the zones after a failover, which the provider reads from the instance. Another edition is not sent, unless it is a
serverless one (terraform-provider-alicloud 2.0, resource_alicloud_db_instance.go: the schema's ForceNew, Read, and
`Category` with `serverless_config` in Update)."""


def _reads_keys(account: str) -> str:
    """Role by which ApsaraDB uses a key.

    A request that names a key has to name the role as well (provider, website/docs/r/db_instance.html.markdown,
    `role_arn`; in the form of its findKmsRoleArn).
    """
    return f"acs:ram::{account}:role/aliyunrdsinstanceencryptiondefaultrole"


@dataclass(frozen=True, kw_only=True)
class PostgresArgs:
    """Inputs of a server. The component needs an Alibaba Cloud and a random provider."""

    spec: NewPostgres
    environment: Environment
    cloud: Alicloud
    network_id: pulumi.Input[str]
    cidr: str
    """Range of the network's addresses."""
    subnet_ids: Mapping[str, pulumi.Input[str]]
    """Zone to vSwitch of nodes."""
    client_cidrs: Sequence[str]
    """Address ranges of nodes and pods, which alone may connect."""
    tags: Mapping[str, str]

    @property
    def zones(self) -> tuple[str, ...]:
        """Zone of the server, and that of its standby."""
        return self.spec.placed(self.cloud.home, self.cloud.zones)[: 1 + self.spec.standby]

    def __post_init__(self) -> None:
        if self.spec.kms_key is None:
            raise ValueError("database.kms_key: ApsaraDB encrypts a new disk with a key of KMS alone; write its id")


class Postgres(PlatformComponent):
    """A server of Postgres."""

    host: pulumi.Output[str]
    """Its host name in the network. Depends on its account and its backups."""
    port: pulumi.Output[int]
    """5432."""
    certificates: pulumi.Output[str] | None
    """The authorities in the settings."""

    def __init__(self, name: str, args: PostgresArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:alicloud:Postgres", name, opts)
        self._prefix, self._args = name, args
        spec = args.spec
        password = rotated(f"{name}-admin", spec.admin_password_version, self.child(), valid=1).current
        instance = self._instance(spec)
        settings = [self._account(instance, password), self._backups(spec, instance)]
        self.host = after(instance.connection_string, *settings)
        self.port = instance.port.apply(int)
        self.certificates = pulumi.Output.from_input(spec.certificates) if spec.certificates else None
        self.admin: Admin = Admin(user=pulumi.Output.from_input(ADMIN), password=password)
        """Its administrator."""
        self.opening: Allow = Allow(direction="Egress", peers=(addresses(args.cidr),), ports=(PORT,))
        """The way to it, for network policies."""
        self.finish()

    def _instance(self, spec: NewPostgres) -> alicloud.rds.Instance:
        args, kept = self._args, self._args.environment.protected
        zones = args.zones
        grows = spec.storage_limit_gib is not None
        return alicloud.rds.Instance(
            f"{self._prefix}-instance",
            instance_name=f"{args.environment.name}-{self._prefix}",
            engine="PostgreSQL",
            engine_version=f"{spec.version}.0",
            # Of a major upgrade, which it has to be said for.
            collect_stat_mode="Before",
            auto_upgrade_minor_version="Auto",
            category="HighAvailability" if spec.standby else "Basic",
            instance_type=spec.instance_class or APSARADB_CLASS[spec.standby],
            instance_charge_type="Postpaid",
            db_instance_storage_type="cloud_essd",
            instance_storage=spec.storage_gib,
            storage_auto_scale="Enable" if grows else "Disable",
            storage_threshold=_FULL_PERCENT if grows else None,
            storage_upper_bound=spec.storage_limit_gib,
            encryption_key=spec.kms_key,
            role_arn=_reads_keys(args.cloud.account_id) if spec.kms_key else None,
            vpc_id=args.network_id,
            vswitch_id=pulumi.Output.all(*(args.subnet_ids[zone] for zone in zones)).apply(",".join),
            zone_id=zones[0],
            zone_id_slave_a=zones[1] if spec.standby else None,
            port=str(PORT),
            security_ips=list(args.client_cidrs),
            ssl_action="Open",
            ca_type="aliyun",
            pg_hba_confs=[
                alicloud.rds.InstancePgHbaConfArgs(
                    type="hostssl",
                    database="all",
                    user="all",
                    address="0.0.0.0/0",
                    # With SCRAM for every password that is kept so (PostgreSQL documentation, pg_hba.conf).
                    method="md5",
                    priority_id=0,
                )
            ],
            maintain_time=_hour(spec.maintenance_hour),
            effective_time="Immediate" if spec.changes == "at_once" else "MaintainTime",
            deletion_protection=kept,
            tags=args.tags,
            opts=self.child(protect=kept, ignore_changes=list(_BORN_WITH)),
        )

    def _account(self, instance: alicloud.rds.Instance, password: pulumi.Output[str]) -> pulumi.Resource:
        return alicloud.rds.RdsAccount(
            f"{self._prefix}-administrator",
            db_instance_id=instance.id,
            account_name=ADMIN,
            account_password=password,
            account_type="Super",
            # Postgres deletes no role that has granted others.
            opts=self.child(deleted_with=instance),
        )

    def _backups(self, spec: NewPostgres, instance: alicloud.rds.Instance) -> pulumi.Resource:
        return alicloud.rds.BackupPolicy(
            f"{self._prefix}-backups",
            instance_id=instance.id,
            preferred_backup_periods=list(_DAYS),
            preferred_backup_time=_hour(spec.backup_hour),
            backup_retention_period=spec.backup_days,
            enable_backup_log=True,
            log_backup_retention_period=spec.backup_days,
            opts=self.child(deleted_with=instance),
        )


def databases(
    environment: Environment,
    cloud: Alicloud,
    network: Network,
    cidr: str,
    client_cidrs: Sequence[str],
    tags: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> Databases:
    """Makes the servers of an environment, in a network with that range. `client_cidrs`: of nodes and pods."""

    def database(name: str, spec: NewPostgres, /) -> Postgres:
        args = PostgresArgs(
            spec=spec,
            environment=environment,
            cloud=cloud,
            network_id=network.network_id,
            cidr=cidr,
            subnet_ids=network.private_subnet_ids,
            client_cidrs=client_cidrs,
            tags=tags,
        )
        return Postgres(name, args, opts)

    return database


def _hour(hour: int) -> str:
    """A window of one hour, `02:00Z-03:00Z`."""
    return f"{hour:02}:00Z-{(hour + 1) % 24:02}:00Z"

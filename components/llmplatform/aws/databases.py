"""A server of Postgres, by RDS.

Makes: the instance with its subnet group, security group and parameter group, and the administrator's password. It is
encrypted, backed up and without a public address; it refuses connections without TLS, and all but those of nodes.
Does not: read replicas, Performance Insights (not every class has them), exports of logs (their group would outlive the
instance).
Replacing the instance loses its data, but for its last snapshot. Another encryption key replaces it; class, storage,
standby, windows and passwords change in place. A major version never goes back. Full protection refuses a deletion.
Storage that RDS has grown is no change: the provider ignores a smaller size below the limit (terraform-provider-aws
6.58, internal/service/rds, resourceInstance, `allocated_storage`), and a major version stands for its minors
(compareActualEngineVersion).
Source: RDS user guide, "Using SSL with a PostgreSQL DB instance", "Managing capacity automatically with Amazon RDS
storage autoscaling"; RDS API reference, CreateDBInstance.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from llmplatform.aws.firewall import from_nodes
from llmplatform.base.component import PlatformComponent
from llmplatform.base.contracts import Admin, Databases
from llmplatform.base.network_policy import Allow, addresses
from llmplatform.base.passwords import rotated
from llmplatform.catalog.databases import ADMIN, PORT, RDS_AUTHORITY, RDS_CLASS, rds_authority
from llmplatform.specs.cloud import Aws
from llmplatform.specs.databases import VERSIONS, NewPostgres
from llmplatform.specs.environment import Environment


@dataclass(frozen=True, kw_only=True)
class PostgresArgs:
    """Inputs of a server. The component needs an AWS and a random provider."""

    spec: NewPostgres
    environment: Environment
    cloud: Aws
    network_id: pulumi.Input[str]
    cidr: str
    """Range of the network's addresses."""
    subnet_ids: Mapping[str, pulumi.Input[str]]
    """Zone to private subnet."""
    security_group_id: pulumi.Input[str]
    """Security group of the nodes, which alone may connect."""
    tags: Mapping[str, str]


class Postgres(PlatformComponent):
    """A server of Postgres."""

    host: pulumi.Output[str]
    """Its host name in the network."""
    port: pulumi.Output[int]
    """5432."""
    certificates: pulumi.Output[str] | None
    """The authorities in the settings, or that of RDS in the region."""

    def __init__(self, name: str, args: PostgresArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:aws:Postgres", name, opts)
        self._prefix, self._args = name, args
        spec = args.spec
        password = rotated(f"{name}-admin", spec.admin_password_version, self.child(), valid=1).current
        instance = self._instance(spec, password)
        self.host, self.port = instance.address, instance.port
        authorities = spec.certificates or rds_authority(args.cloud.region)
        self.certificates = pulumi.Output.from_input(authorities) if authorities else None
        self.admin = Admin(user=pulumi.Output.from_input(ADMIN), password=password)
        """Its administrator."""
        self.opening = Allow(direction="Egress", peers=(addresses(args.cidr),), ports=(PORT,))
        """The way to it, for network policies."""
        self.finish()

    def _subnets(self) -> aws.rds.SubnetGroup:
        cloud = self._args.cloud
        wanted = self._args.spec.placed(cloud.home, cloud.zones)
        return aws.rds.SubnetGroup(
            f"{self._prefix}-subnets",
            subnet_ids=[self._args.subnet_ids[zone] for zone in wanted],
            tags=self._args.tags,
            opts=self.child(),
        )

    def _security_group(self) -> aws.ec2.SecurityGroup:
        args = self._args
        return from_nodes(
            f"{self._prefix}-postgres",
            "Postgres",
            PORT,
            network_id=args.network_id,
            nodes=args.security_group_id,
            tags=args.tags,
            opts=self.child(),
        )

    def _parameters(self) -> Mapping[int, aws.rds.ParameterGroup]:
        """A group for each major version up to the server's.

        An upgrade that waits for its window needs the old one: RDS refuses to delete a group in use, and the update
        would fail after three minutes (terraform-provider-aws 6.58, internal/service/rds/parameter_group.go,
        resourceParameterGroupDelete). Groups cost nothing.
        """

        def of(version: int) -> aws.rds.ParameterGroup:
            return aws.rds.ParameterGroup(
                f"{self._prefix}-parameters-{version}",
                family=f"postgres{version}",
                parameters=[
                    # A new instance starts with it; a running one takes it when it restarts.
                    aws.rds.ParameterGroupParameterArgs(name="rds.force_ssl", value="1", apply_method="pending-reboot")
                ],
                tags=self._args.tags,
                opts=self.child(),
            )

        return {version: of(version) for version in VERSIONS if version <= self._args.spec.version}

    def _instance(self, spec: NewPostgres, password: pulumi.Output[str]) -> aws.rds.Instance:
        kept, tags = self._args.environment.protected, self._args.tags
        parameters = self._parameters()
        last = kept if spec.last_backup is None else spec.last_backup
        return aws.rds.Instance(
            f"{self._prefix}-instance",
            engine="postgres",
            engine_version=str(spec.version),
            # The settings name the version: a higher one asks for the upgrade.
            allow_major_version_upgrade=True,
            auto_minor_version_upgrade=True,
            instance_class=spec.instance_class or RDS_CLASS,
            multi_az=spec.standby,
            storage_type="gp3",
            allocated_storage=spec.storage_gib,
            max_allocated_storage=spec.storage_limit_gib,
            storage_encrypted=True,
            kms_key_id=self._args.cloud.data_key,
            db_subnet_group_name=self._subnets().name,
            vpc_security_group_ids=[self._security_group().id],
            publicly_accessible=False,
            port=PORT,
            username=ADMIN,
            password=password,
            parameter_group_name=parameters[spec.version].name,
            ca_cert_identifier=RDS_AUTHORITY,
            backup_retention_period=spec.backup_days,
            backup_window=f"{spec.backup_hour:02}:00-{(spec.backup_hour + 1) % 24:02}:00",
            maintenance_window=maintenance(spec),
            apply_immediately=spec.changes == "at_once",
            copy_tags_to_snapshot=True,
            deletion_protection=kept,
            skip_final_snapshot=not last,
            final_snapshot_identifier=self._last_snapshot() if last else None,
            delete_automated_backups=True,
            tags=tags,
            # Each of them may be the one that is in use: they go after it.
            opts=self.child(protect=kept, depends_on=[*parameters.values()]),
        )

    def _last_snapshot(self) -> pulumi.Output[str]:
        """Snapshots outlive their instance: each instance needs another name for its own."""
        args = self._args
        ending = random.RandomId(
            f"{self._prefix}-last", byte_length=4, keepers={"key": args.cloud.data_key or ""}, opts=self.child()
        )
        return ending.hex.apply(f"{args.environment.name}-{self._prefix}-last-{{}}".format)


def databases(
    environment: Environment,
    cloud: Aws,
    network_id: pulumi.Input[str],
    cidr: str,
    subnet_ids: Mapping[str, pulumi.Input[str]],
    security_group_id: pulumi.Input[str],
    tags: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> Databases:
    """Makes the servers of an environment, in a network."""

    def database(name: str, spec: NewPostgres, /) -> Postgres:
        args = PostgresArgs(
            spec=spec,
            environment=environment,
            cloud=cloud,
            network_id=network_id,
            cidr=cidr,
            subnet_ids=subnet_ids,
            security_group_id=security_group_id,
            tags=tags,
        )
        return Postgres(name, args, opts)

    return database


def maintenance(spec: NewPostgres) -> str:
    """The weekly window, `sun:04:00-sun:05:00`."""
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    end = spec.maintenance_hour + 1
    last = days[(days.index(spec.maintenance_day) + end // 24) % 7]
    return f"{spec.maintenance_day}:{spec.maintenance_hour:02}:00-{last}:{end % 24:02}:00"

"""A cache: ElastiCache for Valkey, with one shard.

Makes: a replication group over the zones, its subnets, its parameters, a security group that admits the cluster's nodes
alone, and a user whose generated passwords are rotated without an interruption.
Does not: delivery of logs, because entries of the slow log have the arguments of commands, and so prompts; shards,
because many clients know no cluster mode; automatic minor upgrades: once one has happened, the version in the settings
would be a downgrade, for which the provider replaces the group (terraform-provider-aws, internal/service/elasticache,
engineVersionForceNewOnDowngrade). Patches come by themselves.
Users and not a token (AUTH): a user has two passwords, and rights that end before administration. A token would be
rotated by two updates, ROTATE and SET, and has every right.
Replaced, with all data, if its encryption, its key, its subnets' group or its name changes, or its version falls. Full
protection refuses to delete it.
Source: ElastiCache user guide, "Role-Based Access Control", "In-transit encryption", "Minimizing downtime: Multi-AZ",
and API reference, CreateReplicationGroup; the shapes as botocore has them. A group of users without the user `default`
closes that user; only the engine `redis` demands it (aws/aws-cdk, aws-elasticache-alpha, lib/user-group.ts).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from llmplatform.aws.firewall import from_nodes
from llmplatform.base.component import PlatformComponent
from llmplatform.base.contracts import CACHE_RIGHTS, CACHE_USER, Caches, Network
from llmplatform.base.naming import unique
from llmplatform.base.ordering import after
from llmplatform.base.passwords import Passwords, rotated
from llmplatform.specs.caches import NewCache
from llmplatform.specs.cloud import Aws
from llmplatform.specs.environment import Environment
from llmplatform.specs.vocabulary.times import Weekday

PORT = 6379
ENGINE = "valkey"


@dataclass(frozen=True, kw_only=True)
class CacheArgs:
    """Inputs of a cache. The component needs an AWS and a random provider."""

    spec: NewCache
    environment: Environment
    cloud: Aws
    network_id: pulumi.Input[str]
    subnet_ids: Mapping[str, pulumi.Input[str]]
    """Zone to private subnet."""
    security_group_id: pulumi.Input[str]
    """Security group of the nodes, which alone may connect."""
    tags: Mapping[str, str]

    @property
    def zones(self) -> tuple[str, ...]:
        """Zones of its nodes, the primary's first."""
        return self.spec.placed(self.cloud.home, self.cloud.zones)

    def __post_init__(self) -> None:
        for zone in self.zones:
            if zone not in self.subnet_ids:
                raise ValueError(f"cache: no private subnet in {zone}; there are {', '.join(self.subnet_ids)}")


class Cache(PlatformComponent):
    """A Valkey server with its replicas."""

    host: pulumi.Output[str]
    """Name of the primary, wherever it is. Depends on its users and its network."""
    port: pulumi.Output[int]
    """6379."""
    certificates: pulumi.Output[str] | None
    """None, unless the settings have some: those of Amazon Trust Services are public."""
    user: pulumi.Output[str]
    """The only user, without rights of administration."""
    password: pulumi.Output[str]
    """A secret. Depends on the server's knowledge of it."""

    def __init__(self, name: str, args: CacheArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:aws:Cache", name, opts)
        self._prefix, self._args = name, args
        spec = args.spec
        passwords = rotated(f"{name}-password", spec.password_version, self.child())
        user = self._user(passwords)
        group = self._group(self._admitted(user))
        self.host = group.primary_endpoint_address
        self.port = group.port.apply(lambda known: known or PORT)
        self.certificates = pulumi.Output.from_input(spec.certificates) if spec.certificates else None
        self.user = after(user.user_name, group)
        self.password = after(passwords.current, user, group)
        self.finish()

    def _user(self, passwords: Passwords) -> aws.elasticache.User:
        name = f"{self._args.environment.name}-{self._prefix}"
        return aws.elasticache.User(
            f"{self._prefix}-user",
            user_id=unique(f"{self._prefix}-user", name, self.child()),
            user_name=CACHE_USER,
            engine=ENGINE,
            access_string=f"on {CACHE_RIGHTS}",
            passwords=list(passwords.valid),
            tags=self._args.tags,
            opts=self.child(),
        )

    def _admitted(self, user: aws.elasticache.User) -> aws.elasticache.UserGroup:
        return aws.elasticache.UserGroup(
            f"{self._prefix}-users",
            user_group_id=user.user_id,
            engine=ENGINE,
            user_ids=[user.user_id],
            tags=self._args.tags,
            opts=self.child(),
        )

    def _group(self, users: aws.elasticache.UserGroup) -> aws.elasticache.ReplicationGroup:
        spec, args = self._args.spec, self._args
        nodes = spec.replicas + 1
        several = spec.failover and spec.replicas > 0
        last = args.environment.protected if spec.last_backup is None else spec.last_backup
        return aws.elasticache.ReplicationGroup(
            f"{self._prefix}-group",
            description=f"Cache of {args.environment.name}",
            engine=ENGINE,
            engine_version=spec.version,
            node_type=spec.node_type,
            # These machines alone keep values on a disk, and only so.
            data_tiering_enabled=".r6gd." in spec.node_type or None,
            port=PORT,
            parameter_group_name=self._parameters().name,
            num_cache_clusters=nodes,
            preferred_cache_cluster_azs=[args.zones[number % len(args.zones)] for number in range(nodes)],
            automatic_failover_enabled=several,
            multi_az_enabled=several and len(args.zones) > 1,
            subnet_group_name=self._subnets().name,
            security_group_ids=[self._firewall().id],
            transit_encryption_enabled=True,
            transit_encryption_mode="required",
            at_rest_encryption_enabled=True,
            kms_key_id=args.cloud.data_key,
            user_group_ids=[users.user_group_id],
            snapshot_retention_limit=spec.backup_days,
            snapshot_window=f"{spec.backup_hour:02}:00-{(spec.backup_hour + 1) % 24:02}:00",
            maintenance_window=maintenance_window(spec),
            final_snapshot_identifier=self._last_snapshot() if last else None,
            auto_minor_version_upgrade=False,
            # Otherwise a change would wait for the window, and an update would claim that it is made.
            apply_immediately=True,
            tags=args.tags,
            opts=self.child(protect=args.environment.protected),
        )

    def _last_snapshot(self) -> pulumi.Output[str]:
        """Snapshots outlive their group: what replaces it gives it another name for its own."""
        args = self._args
        replaced_by = {"key": args.cloud.data_key or "", "version": args.spec.version}
        ending = random.RandomId(f"{self._prefix}-last", byte_length=4, keepers=replaced_by, opts=self.child())
        return ending.hex.apply(f"{args.environment.name}-{self._prefix}-last-{{}}".format)

    def _parameters(self) -> aws.elasticache.ParameterGroup:
        family = f"valkey{self._args.spec.version.partition('.')[0]}"
        return aws.elasticache.ParameterGroup(
            f"{self._prefix}-parameters",
            family=family,
            description=f"Cache of {self._args.environment.name}",
            parameters=[
                aws.elasticache.ParameterGroupParameterArgs(name="maxmemory-policy", value=self._args.spec.eviction)
            ],
            tags=self._args.tags,
            opts=self.child(),
        )

    def _subnets(self) -> aws.elasticache.SubnetGroup:
        return aws.elasticache.SubnetGroup(
            f"{self._prefix}-subnets",
            description=f"Cache of {self._args.environment.name}",
            subnet_ids=[self._args.subnet_ids[zone] for zone in self._args.zones],
            tags=self._args.tags,
            opts=self.child(),
        )

    def _firewall(self) -> aws.ec2.SecurityGroup:
        args = self._args
        return from_nodes(
            f"{self._prefix}-clients",
            "Valkey",
            PORT,
            network_id=args.network_id,
            nodes=args.security_group_id,
            tags=args.tags,
            opts=self.child(),
        )


def caches(
    environment: Environment,
    cloud: Aws,
    network: Network,
    security_group_id: pulumi.Input[str],
    tags: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> Caches:
    """Makes the caches of an environment. `security_group_id`: of the nodes that may connect."""

    def cache(name: str, spec: NewCache, /) -> Cache:
        args = CacheArgs(
            spec=spec,
            environment=environment,
            cloud=cloud,
            network_id=network.network_id,
            subnet_ids=network.private_subnet_ids,
            security_group_id=security_group_id,
            tags=tags,
        )
        return Cache(name, args, opts)

    return cache


def maintenance_window(spec: NewCache) -> str:
    """An hour of the week, as ElastiCache writes it: `sun:04:00-sun:05:00`."""
    days = get_args(Weekday)
    day, hour = days.index(spec.maintenance_day), spec.maintenance_hour
    ends = days[(day + (hour == 23)) % 7]
    return f"{days[day][:3].lower()}:{hour:02}:00-{ends[:3].lower()}:{(hour + 1) % 24:02}:00"

"""A cache: Tair, memory-optimized, with one replica. It speaks Redis' protocol, which clients of Valkey share.

Makes: an instance over two zones, encrypted on its way and on its disks, which admits the addresses of nodes and pods
alone, and two accounts for clients, so that a password is rotated without an interruption: the other account gets a new
one and becomes the clients'.
Does not: the times of backups, which Tair makes once a day and keeps for seven days, and the cloud's own protection
against a release: the provider's resource has neither. Its classic instance (alicloud_kvstore_instance) has both, but
TDE, which encrypts the files, is for memory-optimized Tair alone. Full protection refuses to delete it.
The account of the instance itself has a password of its own, which is in the state alone.
Nothing of the settings replaces it. Its zones are those in which it was made: Tair moves no instance with TLS.
Source: terraform-provider-alicloud 2.0, resource_alicloud_redis_tair_instance.go, resource_alicloud_kvstore_account.go;
Tair user guide, "Enable TLS encryption" (of instances with a replica), "Enable TLS (SSL) encrypted connections" (with
it clients connect by TLS and within the VPC alone), "Enable TDE" (memory-optimized, 6.0 or later); API reference,
CreateAccount (passwords of 8 to 32 characters, of three kinds), ModifyBackupPolicy (7 days by default).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_alicloud as alicloud

from llmplatform.base.component import PlatformComponent
from llmplatform.base.contracts import Caches, Network
from llmplatform.base.ordering import after
from llmplatform.base.passwords import Passwords, rotated
from llmplatform.catalog.versions import TAIR_REDIS
from llmplatform.specs.caches import NewCache
from llmplatform.specs.cloud import Alicloud
from llmplatform.specs.environment import Environment

PORT = 6379
_BORN_WITH = ("secondaryZoneId", "vswitchId", "zoneId")
"""What is decided when it is made. The provider reads it from the instance, so that a failover, which exchanges the
zones, would replace it by an empty one (terraform-provider-alicloud 2.0, resource_alicloud_redis_tair_instance.go, Read
and the schema's ForceNew)."""
ACCOUNTS = ("app_a", "app_b")
"""Accounts of clients, which take turns."""


@dataclass(frozen=True, kw_only=True)
class CacheArgs:
    """Inputs of a cache. The component needs an Alibaba Cloud and a random provider."""

    spec: NewCache
    environment: Environment
    cloud: Alicloud
    network_id: pulumi.Input[str]
    subnet_ids: Mapping[str, pulumi.Input[str]]
    """Zone to vSwitch of nodes; the instance is in that of the primary's zone."""
    client_cidrs: Sequence[str]
    """Address ranges of nodes and pods, which alone may connect."""
    tags: Mapping[str, str]

    @property
    def zones(self) -> tuple[str, ...]:
        """Zones of the primary and of the replica."""
        return self.spec.placed(self.cloud.home, self.cloud.zones)[:2]

    def __post_init__(self) -> None:
        for zone in self.zones:
            if zone not in self.subnet_ids:
                raise ValueError(f"cache: no vSwitch in {zone}; there are {', '.join(self.subnet_ids)}")


class Cache(PlatformComponent):
    """A Tair instance with its replica."""

    host: pulumi.Output[str]
    """Name within the VPC. Depends on its accounts."""
    port: pulumi.Output[int]
    """6379."""
    certificates: pulumi.Output[str] | None
    """Those of the settings: Tair's authority is its own."""
    user: pulumi.Output[str]
    """The account of the password's version, with the right to read and write."""
    password: pulumi.Output[str]
    """A secret. Depends on the server's knowledge of it."""

    def __init__(self, name: str, args: CacheArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:alicloud:Cache", name, opts)
        self._prefix, self._args = name, args
        spec = args.spec
        passwords = rotated(f"{name}-password", spec.password_version, self.child())
        instance = self._instance()
        accounts = self._accounts(instance, passwords)
        self.host = after(instance.connection_domain, *accounts)
        self.port = instance.port
        self.certificates = pulumi.Output.from_input(spec.certificates) if spec.certificates else None
        self.user = after(ACCOUNTS[spec.password_version % len(ACCOUNTS)], *accounts)
        self.password = after(passwords.current, *accounts)
        self.finish()

    def _instance(self) -> alicloud.redis.TairInstance:
        spec, args = self._args.spec, self._args
        zones = args.zones
        own = rotated(f"{self._prefix}-own-password", 1, self.child(), valid=1)
        return alicloud.redis.TairInstance(
            f"{self._prefix}-instance",
            tair_instance_name=f"{args.environment.name}-{self._prefix}",
            instance_type="tair_rdb",
            instance_class=spec.node_type,
            engine_version=TAIR_REDIS,
            node_type="MASTER_SLAVE",
            payment_type="PayAsYouGo",
            vpc_id=args.network_id,
            vswitch_id=args.subnet_ids[zones[0]],
            zone_id=zones[0],
            secondary_zone_id=zones[1] if len(zones) > 1 else None,
            port=PORT,
            password=own.current,
            vpc_auth_mode="Open",
            ssl_enabled="Enable",
            tde_status="enabled",
            security_ips=",".join(args.client_cidrs),
            config={"maxmemory-policy": spec.eviction},
            maintain_start_time=f"{spec.maintenance_hour:02}:00Z",
            maintain_end_time=f"{(spec.maintenance_hour + 1) % 24:02}:00Z",
            tags=args.tags,
            opts=self.child(protect=args.environment.protected, ignore_changes=list(_BORN_WITH)),
        )

    def _accounts(
        self, instance: alicloud.redis.TairInstance, passwords: Passwords
    ) -> Sequence[alicloud.kvstore.Account]:
        return [
            alicloud.kvstore.Account(
                f"{self._prefix}-{account.replace('_', '-')}",
                instance_id=instance.id,
                account_name=account,
                account_password=password,
                account_type="Normal",
                account_privilege="RoleReadWrite",
                opts=self.child(),
            )
            for account, password in zip(ACCOUNTS, passwords.valid, strict=True)
        ]


def caches(
    environment: Environment,
    cloud: Alicloud,
    network: Network,
    client_cidrs: Sequence[str],
    tags: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> Caches:
    """Makes the caches of an environment. `client_cidrs`: of nodes and pods, which may connect."""

    def cache(name: str, spec: NewCache, /) -> Cache:
        args = CacheArgs(
            spec=spec,
            environment=environment,
            cloud=cloud,
            network_id=network.network_id,
            subnet_ids=network.private_subnet_ids,
            client_cidrs=client_cidrs,
            tags=tags,
        )
        return Cache(name, args, opts)

    return cache

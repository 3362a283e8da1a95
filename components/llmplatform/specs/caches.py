"""Caches: the Valkey and Redis servers that capabilities and teams share."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from llmplatform.catalog.versions import ELASTICACHE_VALKEY
from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.addresses import CertificateBundle, Host, PortNumber
from llmplatform.specs.vocabulary.names import CacheNodeType, CacheUser, Name, Zone
from llmplatform.specs.vocabulary.times import Weekday

Hour = Annotated[int, Field(ge=0, le=23)]
Eviction = Literal[
    "volatile-lru",
    "volatile-lfu",
    "volatile-ttl",
    "volatile-random",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "noeviction",
]


class NewCache(Section):
    """A cache of this stack in its cloud: ElastiCache for Valkey on AWS, Tair on Alibaba Cloud.

    Encrypted, reached from the cluster alone, over TLS and with a generated password, and backed up every day.
    """

    kind: Literal["new"]
    node_type: CacheNodeType
    """Type of its nodes, like `cache.t4g.small`, or `tair.rdb.1g` on Alibaba Cloud."""
    replicas: Annotated[int, Field(ge=0, le=5)] = 1
    """Copies of the primary, which has all writes. On Alibaba Cloud one."""
    failover: bool = True
    """Whether a replica takes over from a primary that fails. It needs a replica and two zones."""
    zones: Annotated[tuple[Zone, ...], Field(max_length=6)] = ()
    """Zones of its nodes, the primary's first. Empty: those of the stack. They count when it is made."""
    version: Literal["8.2", "9.0", "9.1"] = ELASTICACHE_VALKEY
    """Version of Valkey on AWS. A higher one upgrades it; a lower one replaces it, with all data."""
    eviction: Eviction = "volatile-lru"
    """What is deleted when its memory is full. `volatile`: only keys with a time to live, so that counters stay."""
    backup_days: Annotated[int, Field(ge=1, le=35)] = 7
    """Days that its daily backups are kept. On Alibaba Cloud 7."""
    backup_hour: Hour = 2
    """Hour of UTC in which the daily backup begins, on AWS."""
    last_backup: bool | None = None
    """Whether a deletion leaves a last snapshot in the account, on AWS. Empty: in a protected environment. Tair keeps
    none that is of use."""
    maintenance_day: Weekday = "Sunday"
    """Day of UTC on which the cloud may patch and restart nodes, on AWS. On Alibaba Cloud every day."""
    maintenance_hour: Hour = 4
    """Hour of UTC in which it may."""
    certificates: CertificateBundle | None = None
    """Authorities that sign its certificate, as PEM, on Alibaba Cloud: `ApsaraDB-CA-Chain.pem` of the console. Those of
    AWS are public, and every client knows them."""
    password_version: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """A higher number by one rotates the password. The one before stays valid until the next rotation."""

    def placed(self, home: str, zones: Sequence[str]) -> tuple[str, ...]:
        """Zones of its nodes in turn, the primary's first. `home`: the first of the stack's `zones` for this."""
        return self.zones or (home, *(zone for zone in zones if zone != home))


class InClusterValkey(Section):
    """One Valkey in the cluster, with a disk: for development. It has no replica: it is away while its node drains.

    Reached over TLS and with a generated password. It needs `addons.cert_manager`.
    """

    kind: Literal["in_cluster"]
    memory_gib: Annotated[int, Field(ge=1, le=128)] = 1
    """Memory for data. Its pod asks for twice as much: while its file is written anew, what changes is there twice."""
    eviction: Eviction = "volatile-lru"
    """What is deleted when its memory is full. `volatile`: only keys with a time to live, so that counters stay."""
    clients: Annotated[tuple[Name, ...], Field(max_length=50)] = ()
    """Namespaces whose pods may call it."""
    password_version: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """A higher number by one rotates the password. The one before stays valid until the next rotation."""

    @property
    def disk_gib(self) -> int:
        """Its file, and the new one while it is written. Alibaba Cloud sells no smaller disk than 20 GiB."""
        return max(20, 4 * self.memory_gib)


class ExistingCache(Section):
    """A cache that exists, reached over TLS. `secrets.cache_password` is the password of its user."""

    kind: Literal["existing"]
    host: Host
    """Its host name. Pods in the cluster have the form SERVICE.NAMESPACE.svc."""
    port: PortNumber = 6379
    tls: bool = True
    """Always: a server without TLS is refused."""
    user: CacheUser = "default"
    certificates: CertificateBundle | None = None
    """Authorities that sign the server's certificate, as PEM. Empty: public ones, which every client knows."""


CacheServer = Annotated[NewCache | InClusterValkey | ExistingCache, Field(discriminator="kind")]
"""A cache: `new` in the cloud, `in_cluster`, or an `existing` one."""

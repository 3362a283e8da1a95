"""Caches, read from what each cloud's components register, in words that all clouds share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from llmplatform import alicloud, aws
from llmplatform.base import contracts
from llmplatform.specs.caches import NewCache
from llmplatform.testing import RecordingEngine
from support import alicloud_platform, aws_platform

KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@dataclass(frozen=True, kw_only=True)
class Cache:
    """One cache, in words that all clouds share."""

    tls_alone: bool
    encrypted: bool
    anonymous: bool
    """Whether a client without a password is served."""
    admits: frozenset[str]
    """Sources of connections that it admits."""
    administers: bool
    """Whether clients may change the server, or delete everything at once."""
    passwords: tuple[str, ...]
    """Passwords that clients may use, in an order that stays."""
    replicas: int
    fails_over: bool
    zones: tuple[str, ...]
    eviction: str
    backup_days: int
    maintenance_hour: int
    protected: bool
    tags: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, eq=False)
class Caches:
    """How one cloud makes caches, and how to read them."""

    name: str
    node_type: str
    clients: frozenset[str]
    """What the test platform's nodes and pods are known by."""
    types: frozenset[str]
    """Types of all that makes a cache what it is."""
    make: Callable[[NewCache, str], contracts.Cache]
    """A cache named `cache` with those settings and that protection."""
    read: Callable[[RecordingEngine], Cache]
    logins: Callable[[RecordingEngine], Mapping[str, list[str]]]
    """User to the passwords of it."""

    def __str__(self) -> str:
        """Name of the cloud, for the names of tests."""
        return self.name


def _made_passwords(engine: RecordingEngine, role: str) -> tuple[str, ...]:
    made = engine.all("random:index/randomPassword:RandomPassword")
    return tuple(each.inputs["keepers"]["version"] for each in made if each.name.startswith(role))


def _aws_read(engine: RecordingEngine) -> Cache:
    group = engine.one("aws:elasticache/replicationGroup:ReplicationGroup")
    user = engine.one("aws:elasticache/user:User").inputs
    users = engine.one("aws:elasticache/userGroup:UserGroup").inputs
    (rule,) = engine.one("aws:ec2/securityGroup:SecurityGroup").inputs["ingress"]
    (parameter,) = engine.one("aws:elasticache/parameterGroup:ParameterGroup").inputs["parameters"]
    given = group.inputs
    # CreateUser: without NoPasswordRequired, and with passwords. A group of Valkey closes the user `default`.
    admitted = users["userIds"] == [user["userId"]] and given["userGroupIds"] == [users["userGroupId"]]
    rights = user["accessString"].split()
    return Cache(
        tls_alone=given["transitEncryptionEnabled"] and given["transitEncryptionMode"] == "required",
        encrypted=given["atRestEncryptionEnabled"],
        anonymous=not admitted or user.get("noPasswordRequired", False) or len(user["passwords"]) != 2,
        admits=frozenset(rule["securityGroups"]) if rule["fromPort"] == rule["toPort"] == 6379 else frozenset({"*"}),
        administers=not {"-@admin", "-@dangerous"} <= set(rights) or "+@all" not in rights,
        passwords=_made_passwords(engine, "cache-password"),
        replicas=given["numCacheClusters"] - 1,
        fails_over=given["automaticFailoverEnabled"],
        zones=tuple(given["preferredCacheClusterAzs"]),
        eviction=parameter["value"] if parameter["name"] == "maxmemory-policy" else "",
        backup_days=given["snapshotRetentionLimit"],
        maintenance_hour=int(given["maintenanceWindow"].split(":")[1]),
        protected=group.protect,
        tags=given["tags"],
    )


def _ack_read(engine: RecordingEngine) -> Cache:
    found = engine.one("alicloud:redis/tairInstance:TairInstance")
    given = found.inputs
    accounts = [each.inputs for each in engine.all("alicloud:kvstore/account:Account")]
    return Cache(
        tls_alone=given["sslEnabled"] == "Enable",
        encrypted=given["tdeStatus"] == "enabled",
        anonymous=given["vpcAuthMode"] != "Open" or not all(each["accountPassword"] for each in accounts),
        admits=frozenset(given["securityIps"].split(",")),
        administers=any(each["accountPrivilege"] != "RoleReadWrite" for each in accounts),
        passwords=_made_passwords(engine, "cache-password"),
        replicas=1 if given["nodeType"] == "MASTER_SLAVE" else 0,
        fails_over=given["nodeType"] == "MASTER_SLAVE",
        zones=(given["zoneId"], given["secondaryZoneId"]),
        eviction=given["config"]["maxmemory-policy"],
        # Tair's own, which the provider's resource cannot change.
        backup_days=7,
        maintenance_hour=int(given["maintainStartTime"].split(":")[0]),
        protected=found.protect,
        tags=given["tags"],
    )


def _aws_logins(engine: RecordingEngine) -> Mapping[str, list[str]]:
    user = engine.one("aws:elasticache/user:User").inputs
    return {user["userName"]: user["passwords"]}


def _ack_logins(engine: RecordingEngine) -> Mapping[str, list[str]]:
    accounts = [each.inputs for each in engine.all("alicloud:kvstore/account:Account")]
    return {each["accountName"]: [each["accountPassword"]] for each in accounts}


def _aws_make(spec: NewCache, protection: str, key: str | None = None) -> contracts.Cache:
    settings = aws_platform.on(data_key=key)
    args = aws.CacheArgs(
        spec=spec,
        environment=settings.environment.model_copy(update={"protection": protection}),
        cloud=settings.cloud,
        network_id="vpc-1",
        subnet_ids={zone: f"subnet-{zone}" for zone in aws_platform.ZONES},
        security_group_id="sg-nodes",
        tags=aws_platform.TAGS,
    )
    return aws.Cache("cache", args)


def encrypted_with_a_key(spec: NewCache) -> contracts.Cache:
    """A cache of ElastiCache in an account with a key of its own, `KEY`."""
    return _aws_make(spec, "none", KEY)


def _ack_make(spec: NewCache, protection: str) -> contracts.Cache:
    settings = alicloud_platform.stack()
    args = alicloud.CacheArgs(
        spec=spec,
        environment=settings.environment.model_copy(update={"protection": protection}),
        cloud=settings.cloud,
        network_id="vpc-1",
        subnet_ids={zone: f"vsw-{zone}" for zone in alicloud_platform.ZONES},
        client_cidrs=("10.0.0.0/22", "10.0.64.0/19"),
        tags=alicloud_platform.TAGS,
    )
    return alicloud.Cache("cache", args)


CACHES = (
    Caches(
        name="aws",
        node_type="cache.t4g.small",
        clients=frozenset({"sg-nodes"}),
        types=frozenset(
            {
                "aws:ec2/securityGroup:SecurityGroup",
                "aws:elasticache/parameterGroup:ParameterGroup",
                "aws:elasticache/replicationGroup:ReplicationGroup",
                "aws:elasticache/subnetGroup:SubnetGroup",
                "aws:elasticache/user:User",
                "aws:elasticache/userGroup:UserGroup",
            }
        ),
        make=_aws_make,
        read=_aws_read,
        logins=_aws_logins,
    ),
    Caches(
        name="alicloud",
        node_type="tair.rdb.1g",
        clients=frozenset({"10.0.0.0/22", "10.0.64.0/19"}),
        types=frozenset({"alicloud:redis/tairInstance:TairInstance", "alicloud:kvstore/account:Account"}),
        make=_ack_make,
        read=_ack_read,
        logins=_ack_logins,
    ),
)

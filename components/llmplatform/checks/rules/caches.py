"""Rules about caches: what their cloud offers, and replicas that can take over.

That a region sells a node type is known to the cloud alone: neither publishes a list by region in a form to read.
"""

import re
from collections.abc import Iterator

from llmplatform.checks.problems import Problem
from llmplatform.checks.rules.rule import whole
from llmplatform.checks.rules.server_classes import AWS_SIZE
from llmplatform.specs.caches import ExistingCache, InClusterValkey, NewCache
from llmplatform.specs.stack import AlicloudStack, Stack

_HERE = "services.cache.server"
_AWS_TYPE = re.compile(rf"cache\.(?!(t1|m[123]|c1|r3)\.)[a-z0-9]+\.{AWS_SIZE}")
"""ElastiCache API reference, CreateReplicationGroup, `CacheNodeType`: without those of the previous generation."""
_TAIR_TYPE = re.compile(r"tair\.rdb\.(1|2|4|8|16|24|32|64)g")
"""Tair documentation, "Memory-optimized instance types", of the standard architecture
(alibabacloud.com/help/en/redis/product-overview/enhanced-performance)."""
_OF_AWS = ("version", "backup_days", "backup_hour", "last_backup", "maintenance_day")
_TAIR_ZONES = 2


def _wanted(stack: Stack) -> NewCache | InClusterValkey | ExistingCache | None:
    wanted = stack.services.cache
    return wanted.server if wanted.enabled and stack.platform.kind == "new" else None


def _new(stack: Stack) -> NewCache | None:
    server = _wanted(stack)
    return server if isinstance(server, NewCache) else None


def an_existing_cache_has_a_password(stack: Stack) -> Iterator[Problem]:
    """The password of its user is a secret of the file."""
    if isinstance(_wanted(stack), ExistingCache) and stack.secrets.cache_password is None:
        yield Problem(
            _HERE,
            "its user needs a password, and secrets.cache_password is not set",
            "run pulumi config set --secret --path 'llmplatform:secrets.cache_password'",
        )


def every_cache_speaks_tls(stack: Stack) -> Iterator[Problem]:
    """Passwords and data cross no network in clear text."""
    server = _wanted(stack)
    if isinstance(server, ExistingCache) and not server.tls:
        yield Problem(
            f"{_HERE}.tls",
            "passwords and data would cross the network in clear text",
            "write true, or name a server that speaks TLS",
        )


def a_cache_in_the_cluster_has_a_certificate(stack: Stack) -> Iterator[Problem]:
    """Its TLS needs cert-manager."""
    if isinstance(_wanted(stack), InClusterValkey) and not stack.addons.cert_manager.enabled:
        yield Problem(
            _HERE,
            "without addons.cert_manager it has no certificate, and there is no cache without TLS",
            "set addons.cert_manager.enabled to true, or write another kind",
        )


def the_node_type_is_of_the_cloud(stack: Stack) -> Iterator[Problem]:
    """Each cloud has node types of its own form."""
    spec = _new(stack)
    if spec is None:
        return
    if isinstance(stack, AlicloudStack):
        form, example = _TAIR_TYPE, "tair.rdb.1g, 2g, 4g, 8g, 16g, 24g, 32g or 64g"
    else:
        form, example = _AWS_TYPE, "cache.t4g.small"
    if not form.fullmatch(spec.node_type):
        yield Problem(
            f"{_HERE}.node_type", f"'{spec.node_type}' is no type of this cloud's", f"write one like {example}"
        )


def a_replica_takes_over(stack: Stack) -> Iterator[Problem]:
    """Failover needs a replica, and another zone for it."""
    spec = _new(stack)
    if spec is None:
        return
    if isinstance(stack, AlicloudStack):
        if len(spec.zones) == 1:
            yield Problem(f"{_HERE}.zones", "a replica in the zone of the primary fails with it", "write two zones")
    elif spec.failover and spec.replicas == 0:
        yield Problem(
            f"{_HERE}.failover", "there is no replica that could take over", "write replicas: 1, or failover: false"
        )
    elif spec.failover and len(spec.zones) == 1:
        yield Problem(
            f"{_HERE}.zones",
            "a replica in the zone of the primary fails with it",
            "write two zones, or failover: false",
        )


def zones_are_those_of_the_stack(stack: Stack) -> Iterator[Problem]:
    """The network has a subnet in each zone of the stack, and in no other."""
    spec = _new(stack)
    for number, zone in enumerate(spec.zones if spec else ()):
        if zone not in stack.cloud.zones:
            yield Problem(
                f"{_HERE}.zones[{number}]",
                f"the network has no subnet in {zone}",
                f"write one of {', '.join(stack.cloud.zones)}",
            )


def settings_are_of_the_cloud(stack: Stack) -> Iterator[Problem]:
    """What one cloud decides by itself is no setting there."""
    spec = _new(stack)
    if spec is None:
        return
    if not isinstance(stack, AlicloudStack):
        if spec.certificates is not None:
            yield Problem(f"{_HERE}.certificates", "those of ElastiCache are public", "remove it")
        return
    for name in _OF_AWS:
        if getattr(spec, name) != NewCache.model_fields[name].default:
            yield Problem(f"{_HERE}.{name}", "on Alibaba Cloud Tair decides that itself", "remove it")
    for name, only in (("replicas", 1), ("failover", True)):
        if getattr(spec, name) != only:
            yield Problem(
                f"{_HERE}.{name}",
                "Tair speaks TLS only with one replica that takes over",
                f"write {str(only).lower()}, or remove it",
            )
    if len(spec.zones) > _TAIR_ZONES:
        yield Problem(f"{_HERE}.zones", "Tair has a primary and one replica", "write two zones")


def windows_are_apart(stack: Stack) -> Iterator[Problem]:
    """ElastiCache refuses a backup within the window of maintenance."""
    spec = _new(stack)
    if spec and not isinstance(stack, AlicloudStack) and spec.backup_hour == spec.maintenance_hour:
        yield Problem(
            f"{_HERE}.backup_hour",
            f"hour {spec.backup_hour} is that of the maintenance as well",
            "write another hour for one of the two",
        )


def the_servers_name_can_be_proved(stack: Stack) -> Iterator[Problem]:
    """A warning: Tair's certificates are of an authority of its own."""
    spec = _new(stack)
    if spec and isinstance(stack, AlicloudStack) and spec.certificates is None:
        yield Problem(
            f"{_HERE}.certificates",
            "clients encrypt, and cannot tell Tair from another server",
            "write ApsaraDB-CA-Chain.pem of the console",
        )


def a_lasting_cache_has_a_replica(stack: Stack) -> Iterator[Problem]:
    """A warning: a protected environment is no place for one pod."""
    if isinstance(_wanted(stack), InClusterValkey) and stack.environment.protected:
        yield Problem(
            _HERE,
            "one pod in the cluster is away while its node is drained, and this environment is protected",
            "write kind: new, or accept that",
        )


PROBLEMS = whole(
    every_cache_speaks_tls,
    an_existing_cache_has_a_password,
    a_cache_in_the_cluster_has_a_certificate,
    the_node_type_is_of_the_cloud,
    a_replica_takes_over,
    zones_are_those_of_the_stack,
    settings_are_of_the_cloud,
    windows_are_apart,
)
WARNINGS = whole(the_servers_name_can_be_proved, a_lasting_cache_has_a_replica)

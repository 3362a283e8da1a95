"""Caches mean the same on every cloud: closed, encrypted, kept, and rotated while clients use them."""

from collections.abc import Mapping
from typing import Any

import pytest
from support.conformance.buckets import User
from support.conformance.caches import CACHES, KEY, Cache, Caches, encrypted_with_a_key

from llmplatform.specs.caches import NewCache
from llmplatform.testing import RecordingEngine

RANDOM = "random:index/randomPassword:RandomPassword"
each_cloud = pytest.mark.parametrize("caches", CACHES, ids=str)


def _spec(caches: Caches, **settings: Any) -> NewCache:
    return NewCache(kind="new", node_type=caches.node_type, **settings)


def _made(caches: Caches, protection: str = "none", **settings: Any) -> RecordingEngine:
    def program() -> Mapping[str, Any]:
        made = caches.make(_spec(caches, **settings), protection)
        return {"host": made.host, "port": made.port, "user": made.user, "password": made.password}

    return RecordingEngine().run(program)


def _read(caches: Caches, **settings: Any) -> Cache:
    return caches.read(_made(caches, **settings))


@each_cloud
def test_a_cache_is_encrypted_private_and_serves_no_client_without_a_login(caches: Caches) -> None:
    found = _read(caches)
    assert (found.tls_alone, found.encrypted) == (True, True)
    assert found.anonymous is False
    assert found.admits == caches.clients, "nodes and pods of the cluster alone"
    assert found.administers is False


@each_cloud
def test_a_cache_is_backed_up_every_day(caches: Caches) -> None:
    assert _read(caches).backup_days == 7


@each_cloud
def test_a_cache_carries_the_tags_that_recovery_and_cost_ask_for(caches: Caches) -> None:
    found = _read(caches)
    assert found.tags["llmplatform:environment"] == "dev"
    assert "cache-" in found.tags["llmplatform:resource"], "recovery finds it by this"


@each_cloud
@pytest.mark.parametrize(("protection", "kept"), [("none", False), ("full", True)])
def test_protection_keeps_a_cache(caches: Caches, protection: str, kept: bool) -> None:
    assert caches.read(_made(caches, protection)).protected is kept


@each_cloud
def test_a_replica_in_another_zone_takes_over(caches: Caches) -> None:
    found = _read(caches)
    assert (found.replicas, found.fails_over) == (1, True)
    assert len(set(found.zones)) == 2


@each_cloud
def test_settings_reach_the_cloud(caches: Caches) -> None:
    usual = _read(caches)
    asked = _read(caches, eviction="allkeys-lfu", maintenance_hour=23, zones=usual.zones[::-1])
    assert (usual.eviction, usual.maintenance_hour) == ("volatile-lru", 4)
    assert (asked.eviction, asked.maintenance_hour, asked.zones) == ("allkeys-lfu", 23, usual.zones[::-1])


@each_cloud
@pytest.mark.parametrize("version", [1, 2, 3, 8])
def test_a_rotation_makes_one_password_anew_and_the_one_before_stays_valid(caches: Caches, version: int) -> None:
    before, after = _read(caches, password_version=version), _read(caches, password_version=version + 1)
    made = [new for old, new in zip(before.passwords, after.passwords, strict=True) if old != new]
    assert made == [str(version + 1)]
    assert str(version) in after.passwords, "clients have it until they start again"


@each_cloud
@pytest.mark.parametrize("version", [1, 2, 7])
def test_clients_get_the_newest_password_and_a_user_that_has_it(caches: Caches, version: int) -> None:
    def program() -> Mapping[str, Any]:
        made = caches.make(_spec(caches, password_version=version), "none")
        return {"login": (made.user, made.password)}

    answers = {RANDOM: lambda it: {"result": f"password {it.inputs['keepers']['version']} of {it.name}"}}
    engine = RecordingEngine(outputs=answers).run(program)
    user, password = engine.result["login"]
    assert password.startswith(f"password {version} of cache-password")
    assert password in caches.logins(engine)[user]


@each_cloud
def test_every_password_is_kept_encrypted(caches: Caches) -> None:
    engine = _made(caches)
    given = [(each, name) for each in engine.registered for name in each.inputs if "password" in name.lower()]
    assert given, "the user's"
    assert [(each.name, name) for each, name in given if name not in each.secrets] == []


@each_cloud
def test_no_client_comes_before_its_login_and_its_network(caches: Caches) -> None:
    def program() -> Mapping[str, Any]:
        return {"user": User(caches.make(_spec(caches), "none").password).urn}

    engine = RecordingEngine().run(program)
    made = [each for each in engine.registered if each.type in caches.types]
    assert {each.type for each in made} == caches.types
    assert all(engine.waits_for(engine.named("user"), each) for each in made)


@each_cloud
def test_a_zone_without_a_subnet_is_refused_before_anything_is_made(caches: Caches) -> None:
    with pytest.raises(ValueError, match=r"cache: no .* in eu-west-9z"):
        caches.make(_spec(caches, zones=("eu-west-9z",)), "none")


def test_a_key_of_the_accounts_encrypts_a_cache_of_aws() -> None:
    spec = NewCache(kind="new", node_type="cache.t4g.small")
    engine = RecordingEngine().run(lambda: {"host": encrypted_with_a_key(spec).host})
    assert engine.one("aws:elasticache/replicationGroup:ReplicationGroup").inputs["kmsKeyId"] == KEY


def test_a_cache_of_one_node_on_aws_has_neither_failover_nor_several_zones() -> None:
    (aws, _) = CACHES
    engine = _made(aws, replicas=0, failover=False)
    given = engine.one("aws:elasticache/replicationGroup:ReplicationGroup").inputs
    assert (given["numCacheClusters"], given["automaticFailoverEnabled"], given["multiAzEnabled"]) == (1, False, False)


@pytest.mark.parametrize(
    ("day", "hour", "window"),
    [
        ("Sunday", 4, "sun:04:00-sun:05:00"),
        ("Sunday", 23, "sun:23:00-mon:00:00"),
        ("Friday", 23, "fri:23:00-sat:00:00"),
    ],
)
def test_a_maintenance_window_of_aws_ends_an_hour_later(day: str, hour: int, window: str) -> None:
    (aws, _) = CACHES
    engine = _made(aws, maintenance_day=day, maintenance_hour=hour)
    given = engine.one("aws:elasticache/replicationGroup:ReplicationGroup").inputs
    assert given["maintenanceWindow"] == window


def test_a_failover_of_tair_does_not_replace_it() -> None:
    (_, tair) = CACHES
    kept = _made(tair).one("alicloud:redis/tairInstance:TairInstance").ignore_changes
    assert set(kept) == {"secondaryZoneId", "vswitchId", "zoneId"}, "the new one would be empty"


def test_a_deleted_cache_of_a_protected_environment_leaves_a_snapshot_on_aws() -> None:
    (aws, _) = CACHES
    group = "aws:elasticache/replicationGroup:ReplicationGroup"
    random = {"random:index/randomId:RandomId": {"hex": "1a2b3c4d"}}
    engine = RecordingEngine(outputs=random).run(lambda: {"host": aws.make(_spec(aws), "full").host})
    assert engine.one(group).inputs["finalSnapshotIdentifier"] == "dev-cache-last-1a2b3c4d"
    (ending,) = (each for each in engine.all("random:index/randomId:RandomId") if each.name == "cache-last")
    (older,) = (
        each for each in _made(aws, version="8.2", last_backup=True).all(ending.type) if each.name == "cache-last"
    )
    assert ending.inputs["keepers"] != older.inputs["keepers"], "a fall of the version replaces it: each has its own"
    assert "finalSnapshotIdentifier" not in _made(aws).one(group).inputs

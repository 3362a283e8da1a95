"""Servers of Postgres mean the same on every cloud: encrypted, private, over TLS alone, backed up and kept."""

import ssl
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pulumi_kubernetes as kubernetes
import pytest
from support.conformance.databases import GROUP, SERVERS, Servers, User, alicloud_args
from support.sites import site

from llmplatform.base.network_policy import opening
from llmplatform.specs.databases import NewPostgres
from llmplatform.testing import RecordingEngine

each_cloud = pytest.mark.parametrize("servers", SERVERS, ids=str)


def _made(servers: Servers, protection: str = "none", **settings: Any) -> RecordingEngine:
    spec = NewPostgres.model_validate({"kind": "new", **settings})
    return RecordingEngine().run(lambda: {"host": servers.make(spec, protection).host})


@each_cloud
@pytest.mark.parametrize("protection", ["none", "full"])
def test_a_server_is_encrypted_private_and_speaks_tls_alone(servers: Servers, protection: str) -> None:
    found = servers.read(_made(servers, protection))
    assert found.encrypted is True
    assert (found.public, found.without_tls) == (False, False)
    assert found.tags["llmplatform:environment"] == "dev"
    assert found.tags["llmplatform:resource"].endswith("tables-instance"), "recovery finds it by this"


@each_cloud
def test_only_nodes_connect(servers: Servers) -> None:
    assert servers.read(_made(servers)).open_to == servers.nodes


@each_cloud
@pytest.mark.parametrize(("protection", "kept"), [("none", False), ("full", True)])
def test_protection_keeps_a_server_and_so_does_the_cloud(servers: Servers, protection: str, kept: bool) -> None:
    found = servers.read(_made(servers, protection))
    assert (found.protected, found.refuses_deletion) == (kept, kept)
    assert found.last_backup is (kept and servers.name == "aws"), "ApsaraDB keeps none of a deleted Postgres"
    assert servers.read(_made(servers, protection, last_backup=True)).last_backup is (servers.name == "aws")
    assert servers.read(_made(servers, protection, last_backup=False)).last_backup is False


@each_cloud
def test_it_is_backed_up_grows_and_gets_minor_versions_as_asked(servers: Servers) -> None:
    usual = servers.read(_made(servers))
    assert (usual.backup, usual.storage, usual.minors) == ((7, "02:00"), (20, 100), True)
    asked = servers.read(_made(servers, backup_days=30, backup_hour=23, storage_gib=200, storage_limit_gib=None))
    assert (asked.backup, asked.storage) == ((30, "23:00"), (200, None))


@each_cloud
def test_a_standby_is_in_another_zone(servers: Servers) -> None:
    usual = servers.read(_made(servers))
    assert (usual.standby, usual.machine) == (True, servers.small[0])
    assert set(usual.zones) == set(servers.zones)
    alone = servers.read(_made(servers, standby=False))
    assert (alone.standby, alone.machine) == (False, servers.small[1])


@each_cloud
def test_its_administrators_password_is_a_secret_and_another_version_is_another_one(servers: Servers) -> None:
    engine = _made(servers)
    assert servers.password(engine) == ("Generated-passw0rd", True)
    (first,), (second,) = (
        _made(servers, admin_password_version=version).all("random:index/randomPassword:RandomPassword")
        for version in (1, 2)
    )
    assert first.urn == second.urn
    assert first.inputs["keepers"] != second.inputs["keepers"], "a changed keeper makes a new value"


@each_cloud
def test_users_of_a_server_wait_for_it(servers: Servers) -> None:
    engine = RecordingEngine().run(lambda: User(servers.make(NewPostgres(kind="new"), "none").host).urn)
    user = engine.named("user")
    made = [each for each in engine.registered if each.custom and each.name != "user"]
    assert [each.name for each in made if not engine.waits_for(user, each)] == []


@each_cloud
def test_a_network_policy_opens_the_way_to_it_alone(servers: Servers) -> None:
    def program() -> Mapping[str, Any]:
        made = servers.make(NewPostgres(kind="new"), "none")
        kubernetes.networking.v1.NetworkPolicy("way", spec=opening(made.opening))
        return {"port": made.port}

    engine = RecordingEngine().run(program)
    assert engine.result["port"] == 5432
    assert engine.named("way").inputs["spec"]["egress"] == [
        {"to": [{"ipBlock": {"cidr": servers.cidr}}], "ports": [{"protocol": "TCP", "port": 5432}]}
    ]


@each_cloud
def test_certificates_of_the_settings_prove_its_name(servers: Servers) -> None:
    pem = "-----BEGIN CERTIFICATE-----"
    proved = NewPostgres(kind="new").model_copy(update={"certificates": pem})
    found = RecordingEngine().run(lambda: {"with": servers.make(proved, "none").certificates})
    assert found.result["with"] == pem


def test_rds_proves_its_name_by_the_authority_of_its_region_and_apsaradb_by_none() -> None:
    def program() -> Mapping[str, Any]:
        return {each.name: each.make(NewPostgres(kind="new"), "none").certificates for each in SERVERS}

    found = RecordingEngine().run(program).result
    (aws, ack) = (found[each.name] for each in SERVERS)
    assert ack is None
    (authority,) = ssl.create_default_context(cadata=aws).get_ca_certs()
    assert ("commonName", "Amazon RDS us-east-1 Root CA RSA2048 G1") in [each for (each,) in authority["subject"]]


@pytest.mark.parametrize("version", [15, 16])
def test_an_upgrade_of_rds_that_waits_for_its_window_leaves_the_parameters_in_use(version: int) -> None:
    (aws, _) = SERVERS
    before, after = ({each.urn for each in _made(aws, version=each).all(GROUP)} for each in (version, 17))
    assert before < after, "RDS refuses to delete a group in use"
    engine = _made(aws, version=17)
    assert all(engine.waits_for(engine.one(aws.instance), group) for group in engine.all(GROUP)), "they go after it"


def test_apsaradb_is_told_by_which_role_it_uses_a_key() -> None:
    (_, ack) = SERVERS
    key = "key-hzz5f0a1b2c3d4e5f6"
    assert _made(ack, kms_key=key).one(ack.instance).inputs["roleArn"].startswith("acs:ram::")


def test_neither_a_failover_nor_a_standby_replaces_an_instance_of_apsaradb() -> None:
    (_, ack) = SERVERS
    kept = _made(ack).one(ack.instance).ignore_changes
    assert set(kept) == {"category", "vswitchId", "zoneId", "zoneIdSlaveA"}, "the new one would be empty"


def test_a_disk_of_apsaradb_needs_a_key() -> None:
    args = alicloud_args()
    with pytest.raises(
        ValueError, match=r"kms_key: ApsaraDB encrypts a new disk with a key of KMS alone; write its id"
    ):
        replace(args, spec=args.spec.model_copy(update={"kms_key": None}))


def test_a_site_without_a_cloud_that_makes_them_says_so() -> None:
    with pytest.raises(ValueError, match="tables: nothing here makes databases; write kind: existing"):
        site().database("tables", NewPostgres(kind="new"), client="apps")

"""A server of Postgres within the cluster: what the operator is given, who reaches it, and how it comes back."""

from typing import Any

import pytest
from pydantic import ValidationError
from support.plans import environment
from support.postgres_servers import AGENT, LASTING, RESTORED, SMALL, served
from support.sites import MIRRORED
from support.stores import OSS

from llmplatform.base.derived_authority import authority
from llmplatform.specs.addons import Cnpg
from llmplatform.specs.databases import ClusterBackups, InClusterPostgres, Restore
from llmplatform.specs.objects import ExistingStore
from llmplatform.testing import RecordingEngine, walk

CLUSTER, SCHEDULE = "kubernetes:postgresql.cnpg.io/v1:Cluster", "kubernetes:postgresql.cnpg.io/v1:ScheduledBackup"
OBJECTS, MONITOR = "kubernetes:barmancloud.cnpg.io/v1:ObjectStore", "kubernetes:monitoring.coreos.com/v1:PodMonitor"
SECRET, POLICY = "kubernetes:core/v1:Secret", "kubernetes:networking.k8s.io/v1:NetworkPolicy"


def made(spec: InClusterPostgres = SMALL, **changes: Any) -> RecordingEngine:
    return RecordingEngine().run(lambda: served(spec, **changes))


def resource(spec: InClusterPostgres = SMALL, **changes: Any) -> dict[str, Any]:
    return made(spec, **changes).one(CLUSTER).inputs["spec"]


def policies(spec: InClusterPostgres = SMALL) -> dict[str, dict[str, Any]]:
    return {each.inputs["metadata"]["name"]: each.inputs["spec"] for each in made(spec).all(POLICY)}


def test_a_small_one_is_one_instance_on_the_clusters_disks() -> None:
    found = resource()
    assert found["instances"] == 1
    assert found["storage"] == {"size": "10Gi", "resizeInUseVolumes": True, "storageClass": "block"}
    assert not {"walStorage", "plugins", "externalClusters", "topologySpreadConstraints"} & set(found)
    assert found["enablePDB"] is False, "its budget would keep its node from ever being drained"


def test_three_are_on_three_nodes_and_over_zones_and_one_of_them_goes_at_a_time() -> None:
    found = resource(LASTING)
    assert found["affinity"]["podAntiAffinityType"] == "required"
    assert found["affinity"]["topologyKey"] == "kubernetes.io/hostname"
    assert found["topologySpreadConstraints"][0]["topologyKey"] == "topology.kubernetes.io/zone"
    assert found["enablePDB"] is True
    assert (found["primaryUpdateStrategy"], found["primaryUpdateMethod"]) == ("unsupervised", "switchover")
    assert found["walStorage"]["size"] == "8Gi"


def test_its_pods_are_on_the_pool_that_is_asked_for() -> None:
    found = resource(InClusterPostgres(kind="in_cluster", pool="gpu"))["affinity"]
    assert found["nodeSelector"] == {"llmplatform.dev/pool": "gpu"}
    assert [each["key"] for each in found["tolerations"]] == ["nvidia.com/gpu"]
    assert "nodeSelector" not in resource()["affinity"]


@pytest.mark.parametrize(
    ("instances", "asked", "confirmed"), [(1, None, 0), (2, None, 0), (3, None, 1), (5, 2, 2), (3, 0, 0)]
)
def test_a_write_is_confirmed_by_a_follower_where_there_are_two_of_them(
    instances: int, asked: int | None, confirmed: int
) -> None:
    """docs/src/replication.md and failover.md: no confirmed write is lost, and failover waits for a quorum."""
    found = resource(InClusterPostgres(kind="in_cluster", instances=instances, synchronous=asked))["postgresql"]
    if not confirmed:
        assert "synchronous" not in found
        return
    assert found["synchronous"] == {
        "method": "any",
        "number": confirmed,
        "dataDurability": "required",
        "failoverQuorum": True,
    }


def test_memory_is_divided_and_a_parameter_of_yours_counts() -> None:
    spec = InClusterPostgres(kind="in_cluster", memory_gib=4, parameters={"max_connections": "200"})
    found = resource(spec)
    assert found["postgresql"]["parameters"] == {
        "shared_buffers": "1024MB",
        "effective_cache_size": "3072MB",
        "max_connections": "200",
    }
    assert found["resources"]["limits"] == {"memory": "4Gi"}


def test_a_connection_without_tls_is_refused_and_clients_can_verify_the_name() -> None:
    """docs/src/postgresql_conf.md: the operator's last rule takes every password, encrypted or not."""
    engine = made()
    found = engine.one(CLUSTER).inputs["spec"]
    assert found["postgresql"]["pg_hba"] == ["hostnossl all all all reject"]
    assert found["certificates"] == {"serverCASecret": "mlflow-authority"}
    secrets = {each.inputs["metadata"]["name"]: each.inputs["stringData"] for each in engine.all(SECRET)}
    assert secrets["mlflow-authority"] == {
        "ca.crt": authority("Generated-passw0rd", "mlflow").certificate,
        "ca.key": authority("Generated-passw0rd", "mlflow").key,
    }


def test_its_administrator_makes_roles_and_databases_and_is_no_superuser() -> None:
    found = resource()
    (admin,) = found["managed"]["roles"]
    assert (admin["superuser"], admin["createdb"], admin["createrole"]) == (False, True, True)
    assert found["enableSuperuserAccess"] is False
    assert found["bootstrap"]["initdb"]["secret"] == admin["passwordSecret"] == {"name": "mlflow-admin"}


def test_passwords_and_keys_are_in_secrets_alone_and_encrypted_in_the_state() -> None:
    engine = made(LASTING)
    key = authority("Generated-passw0rd", "mlflow").key
    for each in engine.registered:
        found = {path for path, value in walk(each.inputs) if value in ("Generated-passw0rd", key)}
        assert found <= {"stringData.password", "stringData.ca.key"}, each.urn
        assert not found or "stringData" in each.secrets, "it would be readable in the state"


def test_clients_of_one_namespace_reach_it_and_the_operator_and_itself() -> None:
    found = policies(LASTING)
    own = {"matchLabels": {"cnpg.io/cluster": "mlflow"}}
    (clients,) = found["mlflow-clients"]["ingress"]
    assert clients["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "mlflow"}}}]
    assert [each["port"] for each in clients["ports"]] == [5432]
    (inward,) = found["mlflow-instances-in"]["ingress"]
    assert [each["podSelector"]["matchLabels"] for each in inward["from"]] == [
        {"cnpg.io/cluster": "mlflow"},
        {"app.kubernetes.io/name": "cloudnative-pg"},
    ]
    assert [each["port"] for each in inward["ports"]] == [5432, 8000]
    (agent,) = found["mlflow-credentials"]["egress"]
    assert agent["to"] == [{"ipBlock": {"cidr": AGENT[0]}}]
    assert all(spec["podSelector"] == own for name, spec in found.items() if name.startswith("mlflow-"))
    assert "mlflow-credentials" not in policies(), "without backups it has no rights in the cloud"


def test_what_it_promises_to_clients() -> None:
    def program() -> None:
        made = served()
        assert made.opening.ports == (5432,)
        assert made.certificates is not None
        for output, expected in ((made.host, "mlflow-rw.cnpg.svc"), (made.port, 5432), (made.admin.user, "admin")):
            output.apply(lambda found, expected=expected: found == expected or pytest.fail(f"{found}"))  # type: ignore[misc]

    RecordingEngine().run(program)


def test_backups_are_copies_on_a_schedule_and_the_log_all_the_time() -> None:
    engine = made(LASTING)
    objects = engine.one(OBJECTS).inputs
    assert objects["spec"]["configuration"]["destinationPath"] == "s3://vectors-0a1b/test"
    assert objects["spec"]["configuration"]["s3Credentials"] == {"inheritFromIAMRole": True}, "no key"
    assert objects["spec"]["retentionPolicy"] == "14d"
    (plugin,) = engine.one(CLUSTER).inputs["spec"]["plugins"]
    assert plugin["isWALArchiver"] is True
    assert plugin["parameters"] == {"barmanObjectName": "mlflow-backups", "serverName": "mlflow"}
    schedule = engine.one(SCHEDULE).inputs["spec"]
    assert schedule["schedule"] == "0 47 1 * * *", "its cron begins with seconds"
    assert schedule["immediate"] is True
    assert schedule["method"] == "plugin"
    assert objects["metadata"]["name"] == "mlflow-backups"


def test_a_restored_server_has_another_name_and_reads_the_old_ones_folder() -> None:
    engine = made(RESTORED)
    found = engine.one(CLUSTER).inputs
    assert found["metadata"]["name"] == "mlflow-2"
    recovery = found["spec"]["bootstrap"]["recovery"]
    assert recovery["recoveryTarget"] == {"targetTime": "2026-11-30T12:00:00Z"}
    (source,) = found["spec"]["externalClusters"]
    assert recovery["source"] == source["name"]
    assert source["plugin"]["parameters"] == {"barmanObjectName": "mlflow-2-source", "serverName": "mlflow"}
    assert found["spec"]["plugins"][0]["parameters"]["serverName"] == "mlflow-2", "an archive refuses a second server"
    stores = {each.inputs["metadata"]["name"]: each.inputs["spec"] for each in engine.all(OBJECTS)}
    assert "retentionPolicy" not in stores["mlflow-2-source"], "it would delete the backups of the other server"


def test_the_backups_of_another_stack_are_read_from_its_bucket_and_its_folder() -> None:
    there = ExistingStore(kind="existing", bucket="elsewhere")
    spec = SMALL.model_copy(update={"restore_from": Restore(server="mlflow", environment="prod", store=there)})
    engine = made(spec)
    (objects,) = engine.all(OBJECTS)
    assert objects.inputs["spec"]["configuration"]["destinationPath"] == "s3://vectors-0a1b/prod"
    assert not engine.all(SCHEDULE)
    assert "plugins" not in engine.one(CLUSTER).inputs["spec"]


@pytest.mark.parametrize(("protection", "kept"), [("full", True), ("none", False)])
def test_full_protection_refuses_to_delete_the_server(protection: str, kept: bool) -> None:
    assert bool(made(environment=environment(protection)).one(CLUSTER).protect) is kept


def test_its_image_comes_from_the_mirror_with_the_login() -> None:
    found = resource(mirrors=MIRRORED)
    assert found["imageName"].startswith("registry.example.org/ghcr.io/cloudnative-pg/postgresql:18.")
    assert found["imagePullSecrets"] == [{"name": "registry-login"}]


@pytest.mark.parametrize("monitored", [True, False])
def test_it_is_scraped_where_metrics_are(monitored: bool) -> None:
    found = made(monitored=monitored).all(MONITOR)
    assert [each.inputs["spec"]["selector"]["matchLabels"] for each in found] == (
        [{"cnpg.io/cluster": "mlflow"}] if monitored else []
    )


def test_what_cannot_be_backed_up_is_refused() -> None:
    with pytest.raises(ValueError, match=r"barman_cloud to true"):
        made(LASTING, addon=Cnpg(enabled=True, barman_cloud=False))
    with pytest.raises(ValueError, match=r"no bucket of OSS"):
        made(LASTING, store=OSS)
    with pytest.raises(ValueError, match=r"gives no buckets"):
        made(LASTING, cloud=None)


def test_a_moment_of_a_restore_is_in_utc() -> None:
    """docs/src/recovery.md: a moment without a zone would be taken for one."""
    with pytest.raises(ValidationError, match="write a moment in UTC"):
        Restore(server="mlflow", until="2026-11-30 12:00:00")
    assert ClusterBackups().keep_days == 14

"""Milvus: what its operator is given, who reaches it, and what outlives it."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest
from support.milvus_site import AGENT, CLUSTER, MILVUS, USERS, installed, made, policies, resource
from support.plans import environment, pool_plans
from support.sites import MIRRORED, on_sites, site
from support.stores import OSS

from llmplatform.services import milvus
from llmplatform.specs.services import Milvus as Spec
from llmplatform.specs.services import MilvusEtcd
from llmplatform.testing import RecordingEngine, walk

RELEASE, SECRET = "kubernetes:helm.sh/v3:Release", "kubernetes:core/v1:Secret"
BUDGET = "kubernetes:policy/v1:PodDisruptionBudget"
SPACE = "kubernetes:core/v1:Namespace"
MONITOR = "kubernetes:monitoring.coreos.com/v1:PodMonitor"
CERTIFICATE = "kubernetes:cert-manager.io/v1:Certificate"
PARTS = ("proxy", "mixCoord", "queryNode", "dataNode", "streamingNode")


VARIANTS = {
    **on_sites("milvus, standalone", installed),
    **on_sites("milvus, cluster", partial(installed, spec=USERS, store=OSS)),
}


def test_the_first_password_is_in_a_secret_and_nowhere_else() -> None:
    """pkg/config/env_source.go: a setting is a variable in capitals; the operator's ConfigMap is plain."""
    engine = made(spec=CLUSTER)
    for each in engine.registered:
        found = [path for path, value in walk(each.inputs) if value == "Generated-passw0rd"]
        assert found == (["stringData.password"] if each.urn.endswith("milvus-root-secret") else []), each.urn
    secret = next(each for each in engine.all(SECRET) if each.urn.endswith("milvus-root-secret"))
    assert "stringData" in secret.secrets, "it would be readable in the state"
    named = {"secretKeyRef": {"name": "milvus-root", "key": "password"}}
    parts = resource(spec=CLUSTER)["components"]
    assert parts["mixCoord"]["env"] == [{"name": "COMMON_SECURITY_DEFAULTROOTPASSWORD", "valueFrom": named}]
    knowing = [part for part in PARTS if "COMMON_SECURITY_DEFAULTROOTPASSWORD" in str(parts[part])]
    assert knowing == ["mixCoord"], "none but it creates users"


def test_clients_log_in_and_speak_over_tls() -> None:
    config = resource()["config"]
    assert config["common"]["security"] == {"authorizationEnabled": True, "tlsMode": 1}
    assert config["proxy"]["http"] == {"enabled": True, "port": 8081}, (
        "gRPC with TLS shares its port with no HTTP: it would not start"
    )
    assert resource()["components"]["standalone"]["serviceRestfulPort"] == 8081
    cluster = resource(spec=CLUSTER)["components"]
    assert [part for part in PARTS if "serviceRestfulPort" in cluster[part]] == ["proxy"]
    server = resource()["components"]["standalone"]
    (mount,) = (each for each in server["volumeMounts"] if each["name"] == "certificates")
    assert {each.rpartition("/")[0] for each in config["tls"].values()} == {mount["mountPath"]}
    names = {each.inputs["metadata"]["name"]: each.inputs["spec"] for each in made().all(CERTIFICATE)}
    assert names["milvus-authority"]["isCA"]
    assert names["milvus-tls"]["dnsNames"] == [
        "milvus-milvus.milvus",
        "milvus-milvus.milvus.svc",
        "milvus-milvus.milvus.svc.cluster.local",
    ]


def test_without_tls_there_is_no_certificate_and_with_it_cert_manager_is_needed() -> None:
    plain = Spec(enabled=True, tls=False)
    assert not made(spec=plain, issuer=None).all(CERTIFICATE)
    assert resource(spec=plain, issuer=None)["config"]["common"]["security"]["tlsMode"] == 0
    with pytest.raises(ValueError, match=r"services\.milvus\.tls: certificates need addons\.cert_manager"):
        made(issuer=None)


@pytest.mark.parametrize(
    ("store", "expected"),
    [
        ({}, {"cloudProvider": "aws", "region": "us-east-1", "useVirtualHost": False}),
        (OSS, {"cloudProvider": "aliyun", "region": "cn-hangzhou", "useVirtualHost": True}),
    ],
)
def test_its_data_is_in_the_bucket_with_the_rights_of_its_service_account(
    store: Mapping[str, Any], expected: Mapping[str, Any]
) -> None:
    """milvus.yaml, `minio`; the operator copies a key of a `secretRef` into a ConfigMap (`updateConfigMap`)."""
    found = resource(store=store)
    assert found["config"]["minio"] == {
        "bucketName": "vectors-0a1b",
        "rootPath": "test/milvus",
        "useSSL": True,
        "useIAM": True,
        **expected,
    }
    storage = found["dependencies"]["storage"]
    endpoint = store.get("endpoint", "s3.us-east-1.amazonaws.com")
    assert storage == {"external": True, "type": "S3", "endpoint": f"{endpoint}:443"}
    assert found["components"]["serviceAccountName"] == "milvus"


def test_writes_are_logged_in_the_bucket_and_by_nothing_else_that_has_disks() -> None:
    for spec in (Spec(enabled=True), CLUSTER):
        found = resource(spec=spec)
        assert found["dependencies"]["msgStreamType"] == "woodpecker", (
            "the operator's own choice is Pulsar for a cluster"
        )
        assert found["config"]["woodpecker"]["storage"] == {"type": "minio"}
        assert found["dependencies"].keys() == {"msgStreamType", "etcd", "storage"}


def test_the_resource_sets_nothing_that_the_operator_takes_out_again() -> None:
    """`deleteUnsettableConf`, apis/milvus.io/v1beta1/milvus_webhook.go: every update would put it back."""
    config = resource(spec=CLUSTER)["config"]
    for section, key in (("minio", "address"), ("minio", "port"), ("etcd", "endpoints"), ("pulsar", "address")):
        assert key not in config.get(section, {})


def test_it_takes_every_role_and_login_of_the_settings_twice_while_all_get_new_names() -> None:
    """Milvus takes 10 and 100: internal/rootcoord/meta_table.go, with `admin`, `public` and `root` among them."""
    grant = {"privileges": ["CollectionReadOnly"]}
    several = {f"r{number}": {"grants": [grant]} for number in range(100)}
    users = {f"u{number}": {"roles": ["r0"]} for number in range(100)}
    proxy = resource(spec=Spec.model_validate({"enabled": True, "roles": several, "users": users}))["config"]["proxy"]
    assert proxy["http"]["port"] == 8081
    assert proxy["maxRoleNum"] >= 2 * len(several) + 2
    assert proxy["maxUserNum"] >= 2 * 2 * len(users) + 1
    assert "maxRoleNum" not in resource()["config"]["proxy"]


def test_every_part_of_a_cluster_outlives_the_loss_of_a_node() -> None:
    engine, parts = made(spec=CLUSTER), resource(spec=CLUSTER)["components"]
    budgets = {each.inputs["metadata"]["name"]: each.inputs["spec"] for each in engine.all(BUDGET)}
    assert budgets.keys() == {*(f"milvus-{part.lower()}" for part in PARTS), "milvus-etcd"}
    for part in PARTS:
        labels = {"app.kubernetes.io/instance": "milvus", "app.kubernetes.io/component": part.lower()}
        assert parts[part]["replicas"] >= 2
        assert budgets[f"milvus-{part.lower()}"] == {"maxUnavailable": 1, "selector": {"matchLabels": labels}}
        spread = parts[part]["topologySpreadConstraints"]
        assert [each["topologyKey"] for each in spread] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
        assert {each["labelSelector"]["matchLabels"]["app.kubernetes.io/component"] for each in spread} == {
            part.lower()
        }
    etcd = resource(spec=CLUSTER)["dependencies"]["etcd"]["inCluster"]["values"]
    assert (etcd["replicaCount"], etcd["podAntiAffinityPreset"], etcd["pdb"]) == (3, "hard", {"create": False})


def test_one_server_can_be_drained() -> None:
    assert not made().all(BUDGET), "a budget for one pod blocks every drain"


def test_its_pods_drop_all_rights_and_the_namespace_lets_the_operators_own_container_be() -> None:
    """`renderInitContainer`, pkg/controllers/deployments.go: runAsNonRoot alone, and no setting adds to it."""
    engine = made()
    space = next(each for each in engine.all("kubernetes:core/v1:Namespace"))
    assert space.inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "baseline"
    common = resource()["components"]
    assert common["runAsNonRoot"]
    assert common["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    for part in PARTS:
        found = resource(spec=CLUSTER)["components"][part]
        assert {"name": "data", "mountPath": "/milvus/data"} in found["volumeMounts"], "its own folder is root's"


def test_clients_reach_the_proxies_alone_and_management_is_for_prometheus() -> None:
    """milvus#50763: port 9091 stops a server for everyone who reaches it."""
    found = policies(spec=Spec(enabled=True, clients=("search",)), models_namespace="models")
    inward = {name: spec for name, spec in found.items() if spec.get("ingress")}
    ports = {
        name: [port["port"] for rule in spec["ingress"] for port in rule["ports"]] for name, spec in inward.items()
    }
    assert ports == {
        "allow-clients": [19530],
        "allow-servers-in": [19530, 8081, 19529, 53100, 19531, 13333, 21123, 21124, 22222, 2379, 2380],
        "allow-backup-in": [9091],
        "allow-metrics": [9091, 2381, 8080],
    }
    (rule,) = inward["allow-clients"]["ingress"]
    spaces = [peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for peer in rule["from"]]
    assert spaces == ["models", "search"]
    assert inward["allow-clients"]["podSelector"] == {"matchLabels": {"milvus.io/service": "true"}}
    assert inward["allow-servers-in"]["ingress"][0]["from"] == [{"podSelector": {}}]
    (peer,) = inward["allow-metrics"]["ingress"][0]["from"]
    assert peer["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": "prometheus"}}
    assert "allow-metrics" not in policies(monitored=False)


def test_its_pods_get_credentials_from_the_agent_of_their_node() -> None:
    (rule,) = policies()["allow-credentials"]["egress"]
    assert rule["to"] == [{"ipBlock": {"cidr": AGENT[0]}}]
    assert [port["port"] for port in rule["ports"]] == [AGENT[1]]


def test_prometheus_reads_servers_and_etcd_each_at_its_own_port() -> None:
    engine = made()
    found = {each.inputs["metadata"]["name"]: each.inputs["spec"] for each in engine.all(MONITOR)}
    assert found["milvus-servers"]["podMetricsEndpoints"][0]["port"] == "metrics"
    (endpoint,) = found["milvus-etcd"]["podMetricsEndpoints"]
    assert endpoint["port"] == "client", "etcd's pods declare `client` and `peer`, and Prometheus finds no other port"
    (rule,) = endpoint["relabelings"]
    assert rule["targetLabel"] == "__address__"
    address = re.sub(f"^{rule['regex']}$", rule["replacement"].replace("$1", r"\1"), "10.0.3.4")
    assert (rule["sourceLabels"], address) == (["__meta_kubernetes_pod_ip"], "10.0.3.4:2381")
    etcd = resource()["dependencies"]["etcd"]["inCluster"]["values"]["extraEnvVars"]
    assert {"name": "ETCD_LISTEN_METRICS_URLS", "value": "http://0.0.0.0:2381"} in etcd
    assert resource()["components"]["disableMetric"], "the operator's own monitor would read the servers twice"
    assert not made(monitored=False).all(MONITOR)


@pytest.mark.parametrize(("protection", "policy", "deleted"), [("full", "Retain", False), ("none", "Delete", True)])
def test_with_full_protection_etcd_outlives_the_resource(protection: str, policy: str, deleted: bool) -> None:
    etcd = resource(environment=environment(protection))["dependencies"]["etcd"]["inCluster"]
    assert (etcd["deletionPolicy"], etcd["pvcDeletion"]) == (policy, deleted)


@pytest.mark.parametrize(("protection", "kept"), [("full", True), ("none", False)])
def test_full_protection_refuses_to_delete_the_resource_and_the_volumes_of_etcd(protection: str, kept: bool) -> None:
    engine = made(environment=environment(protection))
    assert bool(engine.one(MILVUS).protect) is kept
    assert bool(engine.one(SPACE).protect) is kept, "its PersistentVolumeClaims go with it"


def test_it_has_time_to_end() -> None:
    """Query nodes move their segments while they stop; the provider alone waits for ten minutes."""
    engine = made()
    assert [engine.one(kind).ends for kind in (MILVUS, SPACE)] == ["45m", "45m"]


@pytest.mark.parametrize(("store", "fence"), [({}, None), (OSS, {"conditionWrite": "disable"})])
def test_servers_on_oss_take_a_lock_because_versions_switch_its_fence_off(
    store: Mapping[str, Any], fence: dict[str, str] | None
) -> None:
    """OSS API reference, PutObject: `x-oss-forbid-overwrite` is without effect in a bucket with versions."""
    assert resource(store=store)["config"]["woodpecker"].get("logstore", {}).get("fencePolicy") == fence


@pytest.mark.parametrize(("mode", "part"), [("standalone", "standalone"), ("cluster", "queryNode")])
def test_an_index_on_disk_is_loaded_within_the_volume_of_its_part(mode: str, part: str) -> None:
    """milvus.yaml, `queryNode.enableDisk`; without LOCAL_STORAGE_SIZE it counts on the whole disk of the node."""
    wanted = {"enabled": True, "mode": mode, "vectors": 40_000_000, "index": {"kind": "diskann"}}
    found = resource(spec=Spec.model_validate(wanted))
    holding = found["components"][part]
    (volume,) = (each for each in holding["volumes"] if each["name"] == "data")
    variables = {each["name"]: each.get("value") for each in holding["env"]}
    assert found["config"]["queryNode"] == {"enableDisk": True}
    assert f"{variables['LOCAL_STORAGE_SIZE']}Gi" == volume["emptyDir"]["sizeLimit"]
    in_memory = resource(spec=Spec(enabled=True))
    assert "queryNode" not in in_memory["config"]


def test_raw_vectors_that_an_index_does_not_have_find_room_on_the_disk() -> None:
    """milvus.yaml of 2.6, `queryNode.mmap.vectorField: true`."""
    wanted = {"enabled": True, "mode": "cluster", "vectors": 40_000_000, "index": {"kind": "ivf_sq8"}}
    holding = resource(spec=Spec.model_validate(wanted))["components"]["queryNode"]
    room = int(holding["resources"]["requests"]["ephemeral-storage"].removesuffix("Gi")) * holding["replicas"]
    assert room > 40_000_000 * 768 * 4 / 2**30


def test_all_images_come_from_the_mirror_with_its_login() -> None:
    engine = made(mirrors=MIRRORED, spec=CLUSTER)
    operator = engine.one(RELEASE).inputs["values"]
    assert operator["image"]["repository"] == "registry.example.org/docker.io/milvusdb/milvus-operator"
    found = resource(mirrors=MIRRORED, spec=CLUSTER)
    assert found["components"]["image"].startswith("registry.example.org/docker.io/milvusdb/milvus:v2.6.")
    assert found["components"]["imagePullSecrets"] == [{"name": "registry-login"}]
    etcd = found["dependencies"]["etcd"]["inCluster"]["values"]["image"]
    assert (etcd["registry"], etcd["repository"]) == ("registry.example.org/docker.io", "milvusdb/etcd")
    assert etcd["pullSecrets"] == ["registry-login"]


def test_its_pods_and_etcd_run_on_the_pool_that_is_named() -> None:
    memory = {"instance_types": ["r7i.2xlarge"], "max": 3, "disk_gib": 100, "taints": [{"key": "vectors"}]}
    found = resource(spec=Spec(enabled=True, pool="memory"), pools=pool_plans(memory=memory))
    toleration = {"key": "vectors", "operator": "Equal", "effect": "NoSchedule"}
    for where in (found["components"], found["dependencies"]["etcd"]["inCluster"]["values"]):
        assert where["nodeSelector"] == {"llmplatform.dev/pool": "memory"}
        assert where["tolerations"] == [toleration]


def test_etcd_keeps_the_size_and_the_class_that_are_asked_for() -> None:
    spec = Spec(enabled=True, etcd=MilvusEtcd(storage_gib=40))
    found = resource(spec=spec, storage_class="gp3")["dependencies"]["etcd"]["inCluster"]["values"]
    assert found["persistence"] == {"size": "40Gi", "storageClass": "gp3"}


def test_it_is_installed_only_where_the_settings_ask_for_it() -> None:
    assert not RecordingEngine().run(lambda: milvus.install(site())).registered
    with pytest.raises(ValueError, match=r"services\.milvus: this cluster's cloud gives no buckets"):
        RecordingEngine().run(lambda: milvus.install(site(sections=(Spec(enabled=True),))))

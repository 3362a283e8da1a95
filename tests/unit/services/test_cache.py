"""The teams' cache: its login is where clients find it and nowhere else, and its pod in the cluster is closed."""

import hashlib
import json
from typing import Any

import pytest
from support.conformance.caches import CACHES
from support.program import run_program, stack_config
from support.sites import on_sites, site, with_site

from llmplatform.base.foundation import CloudServices
from llmplatform.base.site import CERTIFICATES, MONITORS, Site
from llmplatform.services import Cache, CacheArgs, cache
from llmplatform.specs.caches import ExistingCache, NewCache
from llmplatform.specs.services import Cache as Spec
from llmplatform.testing import RecordingEngine, Registered

TYPE, POLICY = "llmplatform:services:Cache", "kubernetes:networking.k8s.io/v1:NetworkPolicy"
SECRET, SET = "kubernetes:core/v1:Secret", "kubernetes:apps/v1:StatefulSet"
CLAIM, MONITOR = "kubernetes:core/v1:PersistentVolumeClaim", "kubernetes:monitoring.coreos.com/v1:PodMonitor"
CERTIFICATE, RANDOM = "kubernetes:cert-manager.io/v1:Certificate", "random:index/randomPassword:RandomPassword"
PASSWORD = "the-caches-password"
PEM = "-----BEGIN CERTIFICATE-----"
BARE: dict[str, Any] = {"kind": "existing", "host": "cache.example.org"}


def apart(it: Registered) -> dict[str, str]:
    """A password that can be told apart from others."""
    return {"result": f"{it.name} {it.inputs['keepers']['version']}"}


TOLD = {RANDOM: apart}


def spec(**server: Any) -> Spec:
    return Spec.model_validate({"enabled": True, "server": {"kind": "in_cluster", **server}})


def certified(*, monitored: bool = True, **changes: Any) -> Site:
    usual = {"crds": {CERTIFICATES: None, **({MONITORS: None} if monitored else {})}, "issuer": "platform"}
    return site(monitored=monitored, **{**usual, **changes})


def installed(**changes: Any) -> Cache:
    """In the cluster."""
    here, changes = with_site({"crds": {CERTIFICATES: None, MONITORS: None}, "issuer": "platform", **changes})
    wanted: dict[str, Any] = {"spec": spec(), **changes}
    return Cache("cache", CacheArgs(site=here, **wanted))


def in_the_cloud(cloud: int = 0, **changes: Any) -> Cache:
    caches = CACHES[cloud]
    new = {"kind": "new", "node_type": caches.node_type}
    return installed(**{"spec": spec(**new), "outside": caches.make(NewCache.model_validate(new), "none"), **changes})


def existing(**server: Any) -> Cache:
    here = site(secrets={"registry_password": "x", "cache_password": PASSWORD})
    outside = here.cache("cache", ExistingCache(**BARE).model_copy(update=server))
    return Cache("cache", CacheArgs(spec=spec(**BARE), site=here, outside=outside))


VARIANTS = on_sites("cache", installed) | {
    "cache, with clients": lambda: installed(spec=spec(clients=("gateway",), memory_gib=8)),
    "cache, existing": existing,
    "cache, in AWS": in_the_cloud,
    "cache, in Alibaba Cloud": lambda: in_the_cloud(1),
}


def made(program: Any = installed, **changes: Any) -> RecordingEngine:
    return RecordingEngine(outputs=TOLD).run(lambda: program(**changes))


def login(engine: RecordingEngine) -> dict[str, str]:
    (found,) = (each for each in engine.all(SECRET) if each.inputs["metadata"]["name"] == "cache-login")
    assert "stringData" in found.secrets
    return found.inputs["stringData"]


def users(engine: RecordingEngine) -> dict[str, str]:
    """User to the rest of his line."""
    (found,) = (each for each in engine.all(SECRET) if each.inputs["metadata"]["name"] == "valkey-users")
    lines = [line.split(" ", 2) for line in found.inputs["stringData"]["users.acl"].splitlines()]
    return {name: rest for _, name, rest in lines}


def digests(passwords: list[str]) -> set[str]:
    return {f"#{hashlib.sha256(each.encode()).hexdigest()}" for each in passwords}


def containers(engine: RecordingEngine) -> dict[str, dict[str, Any]]:
    spec = engine.one(SET).inputs["spec"]["template"]["spec"]
    return {each["name"]: each for each in spec["containers"]}


def config(engine: RecordingEngine) -> dict[str, str]:
    (found,) = engine.all("kubernetes:core/v1:ConfigMap")
    return found.inputs["data"]


def test_only_named_namespaces_and_prometheus_come_in_and_nothing_goes_out() -> None:
    rules = {
        each.inputs["metadata"]["name"]: each.inputs["spec"]
        for each in made(spec=spec(clients=("gateway",))).all(POLICY)
    }
    assert set(rules) == {"default-deny", "allow-dns", "allow-clients", "allow-metrics"}
    (rule,) = rules["allow-clients"]["ingress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": 6379}]
    assert rule["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "gateway"}}}]
    assert rules["allow-metrics"]["ingress"][0]["ports"] == [{"protocol": "TCP", "port": 9121}]


def test_there_is_no_way_in_without_tls() -> None:
    lines = config(made())["valkey.conf"].splitlines()
    assert {"port 0", "tls-port 6379", "tls-auth-clients no"} <= set(lines)
    certificates = {each.inputs["metadata"]["name"]: each.inputs["spec"] for each in made().all(CERTIFICATE)}
    served = certificates["valkey-tls"]
    assert served["dnsNames"] == ["valkey.cache", "valkey.cache.svc", "valkey.cache.svc.cluster.local"]
    assert served["issuerRef"] == {"group": "cert-manager.io", "kind": "Issuer", "name": "valkey-tls-authority"}
    pod = made().one(SET).inputs["spec"]["template"]["spec"]
    (mounted,) = (each["secret"] for each in pod["volumes"] if each["name"] == "tls")
    assert mounted == {"secretName": "valkey-tls", "optional": True}
    assert containers(made())["valkey"]["command"][-1].startswith("until [ -s /etc/valkey/tls/tls.crt ]"), (
        "the pod may be there before its certificate"
    )
    with pytest.raises(ValueError, match=r"needs addons\.cert_manager"):
        made(issuer=None)


def test_no_client_without_a_name_is_served_and_none_with_one_administers() -> None:
    found = users(made())
    assert found["default"] == "off"
    assert set(found) == {"default", "app", "operator", "monitor"}
    assert {"-@admin", "-@dangerous"} <= set(found["app"].split())
    assert "-@all" in found["operator"].split()
    assert "-@all" in found["monitor"].split()


@pytest.mark.parametrize("version", [1, 2, 3, 10])
def test_a_rotation_keeps_the_password_before_and_knows_the_one_to_come(version: int) -> None:
    before, after = (made(spec=spec(password_version=each)) for each in (version, version + 1))
    for engine, number in ((before, version), (after, version + 1)):
        assert login(engine)["password"].endswith(f" {number}")
        assert digests([login(engine)["password"]]) <= set(users(engine)["app"].split())
    old, new = login(before)["password"], login(after)["password"]
    assert digests([old]) <= set(users(after)["app"].split()), "clients have it until they start again"
    assert digests([new]) <= set(users(before)["app"].split()), "clients may have it before the server has its file"
    pods = [engine.one(SET).inputs["spec"]["template"] for engine in (before, after)]
    assert pods[0] == pods[1], "the pod goes on"


def test_no_password_is_where_it_can_be_read() -> None:
    for program in (installed, in_the_cloud, existing):
        engine = RecordingEngine(outputs=TOLD).run(program)
        known = [PASSWORD, *(apart(each)["result"] for each in engine.all(RANDOM))]
        seen = {
            each.name: json.dumps(
                {key: value for key, value in each.inputs.items() if key not in each.secrets}, default=str
            )
            for each in engine.registered
        }
        assert [name for name, text in seen.items() if any(each in text for each in known)] == []


def test_its_pod_is_restricted_and_writes_its_data_alone() -> None:
    engine = made()
    space = engine.one("kubernetes:core/v1:Namespace").inputs["metadata"]["labels"]
    assert space["pod-security.kubernetes.io/enforce"] == "restricted"
    assert all(each["securityContext"]["readOnlyRootFilesystem"] for each in containers(engine).values())
    pod = engine.one(SET).inputs["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    writable = {
        each["name"] for one in containers(engine).values() for each in one["volumeMounts"] if not each.get("readOnly")
    }
    assert writable == {"run", "data"}
    assert "data" not in {each["name"] for each in containers(engine)["reload"]["volumeMounts"]}


def test_its_data_stays_with_its_claim() -> None:
    lines = config(made())["valkey.conf"].splitlines()
    assert {"appendonly yes", "dir /data", "maxmemory 1gb", "maxmemory-policy volatile-lru"} <= set(lines)
    engine = made(environment=site().environment.model_copy(update={"protection": "full"}))
    assert engine.one(CLAIM).protect is True
    assert made().one(CLAIM).protect is False
    grown = made(spec=spec(memory_gib=8))
    assert grown.one(CLAIM).inputs["spec"]["resources"]["requests"] == {"storage": "32Gi"}
    assert containers(grown)["valkey"]["resources"]["limits"] == {"memory": "16Gi"}, "a rewrite copies what changes"


def test_another_configuration_starts_the_pod_again() -> None:
    def mark(**server: Any) -> str:
        return made(spec=spec(**server)).one(SET).inputs["spec"]["template"]["metadata"]["annotations"]

    assert mark() == mark()
    assert mark(eviction="noeviction") != mark()


def test_metrics_are_read_with_a_user_of_their_own() -> None:
    exporter = containers(made())["exporter"]
    (password,) = (each for each in exporter["env"] if each["name"] == "REDIS_PASSWORD")
    assert password["valueFrom"]["secretKeyRef"] == {"name": "valkey-keys", "key": "monitor"}
    (endpoint,) = made().one(MONITOR).inputs["spec"]["podMetricsEndpoints"]
    assert endpoint["port"] == "metrics"
    unmonitored = made(monitored=False, crds={CERTIFICATES: None})
    assert not unmonitored.all(MONITOR)
    assert set(containers(unmonitored)) == {"valkey", "reload"}


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (installed, ("rediss://valkey.cache.svc:6379", "cache/valkey-tls")),
        (existing, ("rediss://cache.example.org:6379", None)),
        (lambda: existing(port=6380), ("rediss://cache.example.org:6380", None)),
        (in_the_cloud, ("rediss://master.cache-group.abc123.use1.cache.amazonaws.com:6379", None)),
        (lambda: in_the_cloud(1), ("rediss://cache-instance.redis.rds.aliyuncs.com:6379", None)),
    ],
)
def test_every_kind_tells_its_address_and_a_secret(program: Any, expected: tuple[str, str | None]) -> None:
    def told() -> dict[str, Any]:
        found = program()
        return {"address": found.address, "secret": found.secret, "certificates": found.certificates}

    engine = RecordingEngine(outputs=TOLD).run(told)
    address, certificates = expected
    assert engine.result == {"address": address, "secret": "cache/cache-login", "certificates": certificates}
    found = login(engine)
    assert f"rediss://{found['host']}:{found['port']}" == address
    assert found["username"]
    assert found["password"]


def test_known_authorities_are_in_the_login() -> None:
    engine = RecordingEngine().run(lambda: {"where": existing(certificates=PEM).certificates})
    assert engine.result == {"where": "cache/cache-login"}
    assert login(engine)["ca.crt"] == PEM


def test_a_server_outside_is_used_without_an_object_but_the_login() -> None:
    kinds = {each.type for each in made(existing).registered if each.custom and each.type.startswith("kubernetes:")}
    assert SET not in kinds
    assert CLAIM not in kinds


@pytest.mark.parametrize(
    ("wanted", "fault"),
    [
        (spec(kind="existing", host="cache.example.org"), "it needs secrets.cache_password"),
        (spec(kind="new", node_type="cache.t4g.small"), "write kind: in_cluster"),
    ],
)
def test_a_server_that_cannot_be_had_is_refused(wanted: Spec, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        RecordingEngine().run(lambda: cache.install(site(sections=(wanted,))))


def test_it_is_installed_only_where_the_settings_ask_for_it() -> None:
    asked = RecordingEngine().run(lambda: cache.install(certified(sections=(spec(),))))
    assert [each.name for each in asked.all(TYPE)] == ["cache"]
    assert not RecordingEngine().run(lambda: cache.install(site())).registered


def test_a_new_one_is_the_clouds() -> None:
    cloud = CloudServices(
        region="us-east-1",
        kubernetes_version="1.35",
        cluster_name="dev",  # pyright: ignore[reportArgumentType] a plain name does
        shared_class="efs",  # pyright: ignore[reportArgumentType]
        cache=lambda name, spec: CACHES[0].make(spec, "none"),
    )
    wanted = spec(kind="new", node_type="cache.t4g.small")
    engine = RecordingEngine().run(lambda: cache.install(site(sections=(wanted,), cloud=cloud)).outputs)
    assert set(engine.result) == {"cache_address", "cache_secret"}
    assert engine.one("aws:elasticache/replicationGroup:ReplicationGroup")


@pytest.mark.parametrize(
    ("stack", "server"),
    [
        ("dev", {"kind": "in_cluster", "clients": ["gateway"]}),
        ("dev", {"kind": "new", "node_type": "cache.t4g.small"}),
        ("dev-ack", {"kind": "in_cluster"}),
        ("dev-ack", {"kind": "new", "node_type": "tair.rdb.1g"}),
    ],
)
def test_a_stack_gives_its_teams_a_cache(stack: str, server: dict[str, Any]) -> None:
    config = stack_config(stack)
    config["llmplatform:services"] = {"cache": {"enabled": True, "server": server}}
    engine = run_program(config, stack, may_warn=True)
    assert [each.name for each in engine.all(TYPE)] == ["cache"]
    assert login(engine)["username"] in ("app", "app_b")

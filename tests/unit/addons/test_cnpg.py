"""CloudNativePG: where it acts, who reaches what, and that both clouds may have it."""

from functools import partial
from typing import Any

import pytest
from support.plans import environment
from support.postgres_servers import LASTING, RESTORED, served
from support.program import STACKS, run_program, stack_config
from support.sites import MIRRORED, on_sites, site, with_site

from llmplatform.addons import Cnpg, CnpgArgs, cnpg
from llmplatform.base.site import CERTIFICATES, MONITORS
from llmplatform.specs.addons import Cnpg as Spec
from llmplatform.testing import RecordingEngine

RELEASE, NAMESPACE = "kubernetes:helm.sh/v3:Release", "kubernetes:core/v1:Namespace"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
OPERATOR, PLUGIN = "cloudnative-pg", "plugin-barman-cloud"
CRDS = {MONITORS: None, CERTIFICATES: None}


def installed(**changes: Any) -> Cnpg:
    here, changes = with_site({"crds": CRDS, **changes})
    return Cnpg("cnpg", CnpgArgs(site=here, **{"spec": Spec(enabled=True), **changes}))


VARIANTS = {
    **on_sites("cnpg", installed),
    **on_sites("cnpg, small", served),
    **on_sites("cnpg, lasting", partial(served, LASTING)),
    **on_sites("cnpg, restored", partial(served, RESTORED)),
}


def values(chart: str, **changes: Any) -> dict[str, Any]:
    releases = RecordingEngine().run(lambda: installed(**changes)).all(RELEASE)
    return {each.inputs["name"]: each.inputs["values"] for each in releases}[chart]


def policies(engine: RecordingEngine) -> dict[str, dict[str, Any]]:
    return {each.inputs["metadata"]["name"]: each.inputs["spec"] for each in engine.all(POLICY)}


def test_its_pods_and_those_of_databases_are_restricted() -> None:
    labels = RecordingEngine().run(installed).one(NAMESPACE).inputs["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_operator_reads_no_secret_of_another_namespace() -> None:
    """templates/rbac.yaml: without `clusterWide` its rights in namespaces are a Role in its own."""
    assert values(OPERATOR)["config"]["clusterWide"] is False


def test_an_upgrade_of_the_operator_restarts_no_database() -> None:
    """docs/src/operator_conf.md of v1.30.0."""
    assert values(OPERATOR)["config"]["data"] == {"ENABLE_INSTANCE_MANAGER_INPLACE_UPDATES": "true"}


def test_the_operator_asks_databases_and_its_plugin_and_nothing_else_in_the_cluster() -> None:
    """docs/src/networking.md of v1.30.0: 8000 and 5432; the plugin's deployment.yaml: 9090."""
    found = policies(RecordingEngine().run(installed))
    outward = {name: spec["egress"][0] for name, spec in found.items() if spec.get("egress")}
    assert set(outward) == {"allow-dns", "allow-https", "allow-instances", "allow-plugin-out"}
    assert [each["port"] for each in outward["allow-instances"]["ports"]] == [8000, 5432]
    assert outward["allow-instances"]["to"][0]["podSelector"]["matchLabels"] == {"cnpg.io/podRole": "instance"}
    assert [each["port"] for each in outward["allow-plugin-out"]["ports"]] == [9090]
    assert found["allow-plugin-in"]["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": PLUGIN}


def test_webhooks_are_open_on_the_operator_alone() -> None:
    rule = policies(RecordingEngine().run(installed))["allow-webhooks"]
    assert rule["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": OPERATOR}
    assert [each["port"] for each in rule["ingress"][0]["ports"]] == [9443]


@pytest.mark.parametrize("monitored", [True, False])
def test_it_is_scraped_where_metrics_are(monitored: bool) -> None:
    found = policies(RecordingEngine().run(lambda: installed(monitored=monitored)))
    assert values(OPERATOR, monitored=monitored)["monitoring"] == {"podMonitorEnabled": monitored}
    assert ("allow-metrics" in found) is monitored
    if monitored:
        assert [each["port"] for each in found["allow-metrics"]["ingress"][0]["ports"]] == [8080, 9187]


def test_all_its_images_come_from_the_mirror() -> None:
    assert values(OPERATOR, mirrors=MIRRORED)["image"]["repository"] == (
        "registry.example.org/ghcr.io/cloudnative-pg/cloudnative-pg"
    )
    plugin = values(PLUGIN, mirrors=MIRRORED)
    assert plugin["image"]["registry"] == plugin["sidecarImage"]["registry"] == "registry.example.org/ghcr.io"


def test_the_plugin_comes_after_the_operator_and_the_certificates() -> None:
    def program() -> None:
        here = cnpg.install(site(crds=CRDS, sections=(Spec(enabled=True),)))
        for group in ("postgresql.cnpg.io", "barmancloud.cnpg.io"):
            (release,) = here.needs(group)
            assert isinstance(release, Cnpg)

    releases = {each.inputs["name"]: each for each in RecordingEngine().run(program).all(RELEASE)}
    assert releases[OPERATOR].urn in releases[PLUGIN].dependencies
    assert not RecordingEngine().run(lambda: cnpg.install(site())).registered, "the settings do not ask for it"


def test_without_the_plugin_there_is_no_object_store_and_no_port_of_it() -> None:
    engine = RecordingEngine().run(
        lambda: installed(spec=Spec(enabled=True, barman_cloud=False), crds={MONITORS: None})
    )
    assert [each.inputs["name"] for each in engine.all(RELEASE)] == [OPERATOR]
    assert not {"allow-plugin-in", "allow-plugin-out"} & set(policies(engine))


def test_the_plugin_without_cert_manager_is_refused() -> None:
    with pytest.raises(ValueError, match="cert_manager"):
        CnpgArgs(spec=Spec(enabled=True), site=site())


@pytest.mark.parametrize("protection", ["none", "full"])
def test_full_protection_refuses_to_delete_the_namespace_of_the_databases(protection: str) -> None:
    made = RecordingEngine().run(lambda: installed(environment=environment(protection)))
    assert bool(made.one(NAMESPACE).protect) is (protection == "full")


@pytest.mark.parametrize("stack", STACKS)
def test_every_cloud_may_have_it_and_none_has_it_unasked(stack: str) -> None:
    config = stack_config(stack)
    assert OPERATOR not in {each.inputs["name"] for each in run_program(config, stack).all(RELEASE)}
    on = {**config, "llmplatform:addons": {**config["llmplatform:addons"], "cnpg": {"enabled": True}}}
    assert {OPERATOR, PLUGIN} <= {each.inputs["name"] for each in run_program(on, stack).all(RELEASE)}


@pytest.mark.parametrize("stack", STACKS)
def test_a_service_has_its_database_in_the_cluster_on_every_cloud(stack: str) -> None:
    config = stack_config(stack)
    backups = {} if stack.endswith("ack") else {"backups": {}}
    database = {"kind": "in_cluster", **backups}
    mlflow = {"enabled": True, "artifacts": {"kind": "volume"}, "dumps": {"enabled": False}, "database": database}
    addons = {**config["llmplatform:addons"], "cnpg": {"enabled": True}}
    services = {**config.get("llmplatform:services", {}), "mlflow": mlflow}
    engine = run_program({**config, "llmplatform:addons": addons, "llmplatform:services": services}, stack)
    (server,) = engine.all("kubernetes:postgresql.cnpg.io/v1:Cluster")
    assert server.inputs["metadata"]["namespace"] == "cnpg"
    opened = [each.inputs for each in engine.all(POLICY) if each.inputs["metadata"]["name"] == "mlflow-clients"]
    (rule,) = opened[0]["spec"]["ingress"]
    assert rule["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "mlflow"}}}]

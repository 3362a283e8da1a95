import re
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest
import yaml
from support.addon_variants import (
    BOTTLEROCKET,
    ISSUERS,
    autoscaler,
    cert_manager,
    challenge,
    gpu_metrics,
    gpu_operator,
    monitoring,
)
from support.plans import ON_DEMAND, SPOT_FIRST, SYSTEM, environment, pool_plans

from llmplatform.addons import Certificate, CertificateArgs
from llmplatform.base.ordering import after
from llmplatform.base.site import MONITORS
from llmplatform.catalog.versions import CLUSTER_AUTOSCALER
from llmplatform.specs import addons as specs
from llmplatform.testing import RecordingEngine

RELEASE = "kubernetes:helm.sh/v3:Release"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
CERTIFICATE = "kubernetes:cert-manager.io/v1:Certificate"
ISSUER = "kubernetes:cert-manager.io/v1:ClusterIssuer"


def values(engine: RecordingEngine, release: str) -> dict[str, Any]:
    return engine.one(RELEASE, release).inputs["values"]


def test_the_autoscaler_fills_spot_groups_before_on_demand_groups() -> None:
    engine = RecordingEngine().run(autoscaler)
    config = engine.one(CONFIG_MAP).inputs
    assert config["metadata"]["name"] == "cluster-autoscaler-priority-expander", "the autoscaler reads no other"
    assert config["metadata"]["namespace"] == "kube-system"
    document = yaml.safe_load(config["data"]["priorities"])
    best, rest = sorted(document, reverse=True)
    assert [bool(re.search(pattern, "eks-gpu-spot-1.a")) for pattern in document[best]] == [True]
    assert len(document[rest]) == 3, (
        "a group that the expander does not know is never filled: not the system pool's either"
    )


def test_every_pattern_of_the_expander_means_exactly_one_group() -> None:
    engine = RecordingEngine().run(lambda: autoscaler(pools=pool_plans(gpu=SPOT_FIRST, gpu2=ON_DEMAND)))
    document = yaml.safe_load(engine.one(CONFIG_MAP).inputs["data"]["priorities"])
    patterns = [pattern for found in document.values() for pattern in found]
    groups = [f"eks-{group}-1.a" for group in ("system-a", "system-b", "gpu-spot", "gpu-on-demand", "gpu2")]
    for group in groups:
        assert sum(bool(re.search(pattern, group)) for pattern in patterns) == 1, f"patterns overlap at {group}"
    assert not any(re.search(pattern, "eks-gpu-spot-1xa") for pattern in patterns), "a dot in a name is a dot"


def test_the_chart_makes_no_priorities_of_its_own() -> None:
    assert "expanderPriorities" not in values(RecordingEngine().run(autoscaler), "autoscaler-release"), (
        "two owners, one object"
    )


def test_the_autoscaler_starts_with_its_priorities_and_not_before() -> None:
    engine = RecordingEngine().run(autoscaler)
    assert engine.waits_for(engine.one(RELEASE), engine.one(CONFIG_MAP)), "it would buy at random"


@pytest.mark.parametrize("minor", CLUSTER_AUTOSCALER)
def test_the_autoscaler_is_of_the_clusters_minor(minor: str) -> None:
    found = values(RecordingEngine().run(lambda: autoscaler(kubernetes_version=minor)), "autoscaler-release")
    assert found["image"]["tag"].startswith(f"v{minor}."), "it simulates that minor's scheduler"


def test_the_autoscaler_is_tuned_for_gpu_pools() -> None:
    spec = specs.ClusterAutoscaler(scale_down_minutes=7)
    flags = values(RecordingEngine().run(lambda: autoscaler(spec=spec)), "autoscaler-release")["extraArgs"]
    assert flags["expander"] == "priority,least-waste"
    # cluster-autoscaler's FAQ: 15 minutes unless set; a node counts as unready until its device plugin has answered.
    assert "max-node-provision-time" not in flags, "a GPU node that is still starting would be given up, and kept"
    assert flags["balance-similar-node-groups"] == "true", "the groups of a pool's zones are filled evenly"
    # Below the threshold a node is emptied: one of 8 GPUs is used by an eighth.
    assert float(flags["scale-down-gpu-utilization-threshold"]) < 1 / 8, "a model on a large node would be moved"
    assert flags["skip-nodes-with-local-storage"] == "false", "shared memory would keep every GPU node for ever"
    assert flags["node-info-cache-expire-time"] == "10m"
    assert flags["scale-down-unneeded-time"] == flags["scale-down-delay-after-add"] == "7m"


def test_the_autoscaler_runs_as_the_service_account_that_has_the_rights() -> None:
    account = values(RecordingEngine().run(autoscaler), "autoscaler-release")["rbac"]["serviceAccount"]
    assert account == {"create": True, "name": "cluster-autoscaler"}


def test_what_the_gpu_operator_runs_on_nodes_bears_the_taints_of_pools_with_gpus() -> None:
    pools = pool_plans(
        gpu={
            **ON_DEMAND,
            "taints": [{"key": "team", "value": "search"}, {"key": "wish", "effect": "PreferNoSchedule"}],
        },
        cpu={**SYSTEM, "taints": [{"key": "batch"}]},
    )
    found = values(RecordingEngine().run(lambda: gpu_operator(pools=pools)), "gpu-operator-release")
    borne = [
        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},
        {"key": "team", "operator": "Exists", "effect": "NoSchedule"},
    ]
    # values.yaml of the chart, 26.7.0: of what it runs on nodes, feature discovery has tolerations of its own.
    assert found["daemonsets"]["tolerations"] == borne
    assert found["node-feature-discovery"]["worker"]["tolerations"] == borne


def test_every_node_has_an_exporter_even_those_that_evict() -> None:
    found = values(RecordingEngine().run(monitoring), "monitoring-stack")
    assert found["prometheus-node-exporter"]["tolerations"] == [{"operator": "Exists"}]


def test_the_gpu_operator_leaves_driver_and_toolkit_to_the_node_image() -> None:
    found = values(RecordingEngine().run(gpu_operator), "gpu-operator-release")
    assert found["driver"] == found["toolkit"] == {"enabled": False}, "a second toolkit breaks new nodes' runtime"
    assert found["operator"] == {"upgradeCRD": True, "cleanupCRD": False}
    assert found["validator"]["plugin"]["env"], "empty, it has rendered as null"


@pytest.mark.parametrize(
    ("pools", "brings"), [({"gpu": SPOT_FIRST}, True), ({"gpu": BOTTLEROCKET}, False), ({}, False)]
)
def test_nvidia_gpus_have_exactly_one_device_plugin(pools: dict[str, Any], brings: bool) -> None:
    engine = RecordingEngine().run(lambda: gpu_operator(pools=pool_plans(**pools)))
    assert values(engine, "gpu-operator-release")["devicePlugin"] == {"enabled": brings}, "Bottlerocket carries its own"


def test_gpu_metrics_are_scraped_where_somebody_scrapes() -> None:
    for monitored in (True, False):
        engine = RecordingEngine().run(lambda monitored=monitored: gpu_operator(monitored=monitored))
        monitor = values(engine, "gpu-operator-release")["dcgmExporter"]["serviceMonitor"]
        assert (monitor["enabled"], monitor["interval"]) == (monitored, "15s")


def test_gpu_metrics_have_the_same_job_on_every_cloud_and_say_whose_gpu_it_is() -> None:
    """Prometheus, `honor_labels`: else pod and namespace of the exporter take the place of those it tells of."""
    operator = values(RecordingEngine().run(gpu_operator), "gpu-operator-release")["dcgmExporter"]["serviceMonitor"]
    alone = values(RecordingEngine().run(gpu_metrics), "gpu-metrics-release")["serviceMonitor"]
    assert operator == alone
    assert operator["honorLabels"] is True
    assert {"targetLabel": "job", "replacement": "dcgm-exporter"} in operator["relabelings"]


def test_the_operator_leaves_out_what_no_machine_of_ours_has() -> None:
    """Its chart has both on; with `ccManager.defaultMode: on` GPUs that can would compute confidentially."""
    found = values(RecordingEngine().run(gpu_operator), "gpu-operator-release")
    assert found["ccManager"] == found["kataSandboxDevicePlugin"] == {"enabled": False}


def test_certificates_live_90_days_and_are_renewed_15_days_ahead() -> None:
    args = CertificateArgs(host="llm.example.org", namespace="models", issuer="platform")
    engine = RecordingEngine().run(lambda: Certificate("gateway", args).secret)
    spec = engine.one(CERTIFICATE).inputs["spec"]
    assert (spec["duration"], spec["renewBefore"]) == ("2160h", "360h")
    assert spec["dnsNames"] == ["llm.example.org"]
    assert spec["privateKey"]["rotationPolicy"] == "Always"
    assert spec["secretName"] == engine.result == "gateway-tls"


@pytest.mark.parametrize(("issuer", "kind"), [(ISSUERS[0], "ca"), (ISSUERS[1], "acme")])
def test_the_issuer_is_the_one_in_the_settings(issuer: specs.Issuer, kind: str) -> None:
    engine = RecordingEngine().run(lambda: cert_manager(spec=specs.CertManager(issuer=issuer)))
    assert set(engine.one(ISSUER, "cert-manager-issuer").inputs["spec"]) == {kind}


def test_who_trusts_the_clusters_authority_trusts_all_that_it_signs() -> None:
    """cert-manager, "Bootstrapping CA Issuers": a leaf that signs itself is a new stranger at each renewal."""
    engine = RecordingEngine().run(cert_manager)
    authority = engine.one(CERTIFICATE).inputs
    assert authority["spec"]["isCA"] is True
    assert authority["spec"]["privateKey"]["rotationPolicy"] == "Never"
    assert authority["metadata"]["namespace"] == "cert-manager", "issuers of the cluster look there"
    issuer = engine.one(ISSUER, "cert-manager-issuer")
    assert issuer.inputs["spec"]["ca"] == {"secretName": authority["spec"]["secretName"]}
    assert engine.waits_for(issuer, engine.one(CERTIFICATE))


def test_an_acme_challenge_is_answered_by_records_of_the_zone_that_is_named() -> None:
    engine = RecordingEngine().run(lambda: cert_manager(spec=specs.CertManager(issuer=ISSUERS[1])))
    (solver,) = engine.one(ISSUER).inputs["spec"]["acme"]["solvers"]
    assert solver == {"dns01": {"route53": {"region": "us-east-1", "hostedZoneID": "Z0123456789ABCDEFGHIJ"}}}
    found = values(engine, "cert-manager-release")
    assert found["serviceAccount"]["name"] == "cert-manager"
    assert found["dns01RecursiveNameserversOnly"] is True, "its namespace lets it ask no name server but the cluster's"
    assert "dns01RecursiveNameserversOnly" not in values(RecordingEngine().run(cert_manager), "cert-manager-release")


def test_cert_manager_starts_with_the_rights_to_answer() -> None:
    def program() -> None:
        right = kubernetes.core.v1.ConfigMap("right", metadata={"name": "right", "namespace": "x"})
        cert_manager(spec=specs.CertManager(issuer=ISSUERS[1]), challenge=challenge(after("cert-manager", right)))

    engine = RecordingEngine().run(program)
    assert engine.waits_for(engine.one(RELEASE), engine.named("right")), "a pod from before never gets them"


def test_an_authority_that_nobody_could_answer_is_refused() -> None:
    with pytest.raises(ValueError, match="give the challenge"):
        RecordingEngine().run(lambda: cert_manager(spec=specs.CertManager(issuer=ISSUERS[1]), challenge=None))


@pytest.mark.parametrize(("protection", "then"), [("full", "Retain"), ("none", "Delete")])
def test_the_disks_of_monitoring_go_with_its_release_unless_they_are_protected(protection: str, then: str) -> None:
    engine = RecordingEngine().run(lambda: monitoring(environment=environment(protection)))
    found = values(engine, "monitoring-stack")
    for part in (found["prometheus"]["prometheusSpec"], found["alertmanager"]["alertmanagerSpec"]):
        assert part["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": then, "whenScaled": "Retain"}, (
            "disks that nobody's state knows are paid for and forgotten"
        )


def test_groups_of_others_are_filled_after_all_that_are_planned() -> None:
    engine = RecordingEngine().run(lambda: autoscaler(other_groups=True))
    document = yaml.safe_load(engine.one(CONFIG_MAP).inputs["data"]["priorities"])
    assert document[min(document)] == [".*"], "a group that the expander does not know is never filled"
    assert sorted(document) == [1, 10, 50], "the catch-all takes the place of no planned group"


def test_a_group_that_fails_leaves_the_others_in_their_order_and_is_filled_after_them() -> None:
    pools = pool_plans(gpu=SPOT_FIRST, gpu2=ON_DEMAND)

    def program() -> None:
        stuck = kubernetes.core.v1.Secret("stuck", metadata={"name": "eks-gpu2-1.a"})
        autoscaler(pools=pools, named={"gpu2": stuck.metadata.name})

    engine = RecordingEngine(failed=frozenset({"stuck"})).run(program)
    document = yaml.safe_load(engine.one(CONFIG_MAP).inputs["data"]["priorities"])
    assert document == {
        50: ["^eks\\-gpu\\-spot\\-1\\.a$"],
        10: [f"^eks\\-{group}\\-1\\.a$" for group in ("system\\-a", "system\\-b", "gpu\\-on\\-demand")],
        1: [".*"],
    }
    assert not engine.waits_for(engine.one(CONFIG_MAP), engine.named("stuck")), "the engine would skip it as well"


def test_a_preview_knows_no_order_before_it_knows_the_groups() -> None:
    pools = pool_plans(gpu=SPOT_FIRST)

    def program() -> None:
        coming = kubernetes.core.v1.Secret("coming")
        autoscaler(pools=pools, named={"gpu-spot": coming.metadata.name})

    engine = RecordingEngine(preview=True).run(program)
    assert isinstance(engine.one(CONFIG_MAP).inputs["data"]["priorities"], pulumi.output.Unknown)


def test_the_issuer_waits_for_its_kind_and_certificates_for_the_issuer() -> None:
    def program() -> None:
        issuer = cert_manager().issuer
        Certificate("gateway", CertificateArgs(host="llm.example.org", namespace="models", issuer=issuer))

    engine = RecordingEngine().run(program)
    issuer = engine.one(ISSUER, "cert-manager-issuer")
    assert engine.waits_for(issuer, engine.one(RELEASE))
    assert engine.waits_for(engine.one(CERTIFICATE, "gateway-certificate"), issuer)


def test_the_kinds_of_cert_manager_outlive_its_release() -> None:
    found = values(RecordingEngine().run(cert_manager), "cert-manager-release")
    assert found["crds"] == {"enabled": True, "keep": True}, "every certificate would go with them"


def test_prometheus_sees_everything_and_does_not_fill_its_disk() -> None:
    spec = specs.Monitoring(retention_days=7, storage_gib=20)
    engine = RecordingEngine().run(lambda: monitoring(spec=spec, storage_class="gp3"))
    prometheus = values(engine, "monitoring-stack")["prometheus"]["prometheusSpec"]
    selectors = {key: value for key, value in prometheus.items() if key.endswith("SelectorNilUsesHelmValues")}
    assert len(selectors) == 5
    assert not any(selectors.values()), "monitors without the release's label would be ignored in silence"
    assert prometheus["retention"] == "7d"
    assert int(prometheus["retentionSize"].removesuffix("MB")) < 20 * 1024 * 0.9
    claim = prometheus["storageSpec"]["volumeClaimTemplate"]["spec"]
    assert claim["storageClassName"] == "gp3"
    assert claim["resources"]["requests"]["storage"] == "20Gi"


def test_the_managed_control_plane_is_neither_scraped_nor_alerted_on() -> None:
    found = values(RecordingEngine().run(monitoring), "monitoring-stack")
    for part in ("kubeControllerManager", "kubeScheduler", "kubeEtcd", "kubeProxy"):
        assert found[part] == {"enabled": False}
    assert not any(found["defaultRules"]["rules"].values()), "they would fire for ever"


def test_the_kinds_of_monitoring_have_a_release_of_their_own_that_comes_first() -> None:
    engine = RecordingEngine().run(monitoring)
    assert values(engine, "monitoring-stack")["crds"] == {"enabled": False}
    assert engine.waits_for(engine.named("monitoring-stack"), engine.named("monitoring-kinds"))


def test_grafanas_administrator_is_a_generated_secret_that_the_chart_only_names() -> None:
    engine = RecordingEngine().run(monitoring)
    secret = engine.one("kubernetes:core/v1:Secret")
    assert secret.secrets == {"stringData"}
    assert secret.inputs["stringData"] == {"admin-user": "admin", "admin-password": "generated-password"}
    admin = values(engine, "monitoring-stack")["grafana"]["admin"]
    assert admin == {
        "existingSecret": secret.inputs["metadata"]["name"],
        "userKey": "admin-user",
        "passwordKey": "admin-password",
    }
    assert engine.waits_for(engine.named("monitoring-stack"), secret), "Grafana would not start"


def test_nothing_waits_for_prometheus_but_only_for_the_kinds() -> None:
    def program() -> None:
        crds = {MONITORS: monitoring().crds}
        gpu_operator(crds=crds)
        cert_manager(crds=crds)
        autoscaler(crds=crds)

    engine = RecordingEngine().run(program)
    for release in ("gpu-operator-release", "cert-manager-release", "autoscaler-release"):
        assert engine.waits_for(engine.named(release), engine.named("monitoring-kinds"))
        assert not engine.waits_for(engine.named(release), engine.named("monitoring-stack")), "a serial chain is slow"


def test_addons_wait_for_none_of_one_another_without_monitoring() -> None:
    def program() -> None:
        for addon in (gpu_operator, cert_manager, autoscaler):
            addon(monitored=False)

    engine = RecordingEngine().run(program)
    releases = engine.all(RELEASE)
    chained = [(a.name, b.name) for a in releases for b in releases if a != b and engine.waits_for(a, b)]
    assert not chained


@pytest.mark.parametrize(
    ("addon", "level"), [(gpu_operator, "privileged"), (monitoring, "privileged"), (cert_manager, "restricted")]
)
def test_each_addon_is_allowed_what_it_needs_and_no_more(addon: Any, level: str) -> None:
    namespace = RecordingEngine().run(addon).one("kubernetes:core/v1:Namespace")
    assert namespace.inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == level

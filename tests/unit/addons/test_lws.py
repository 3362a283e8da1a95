"""LeaderWorkerSet's controller: that its pods are admitted, reached and mirrored, and who depends on it."""

from typing import Any

import pytest
from support.program import STACKS, run_program, stack_config
from support.sites import MIRRORED, on_sites, site

from llmplatform.addons import Lws, LwsArgs, keda, lws
from llmplatform.catalog.chart_values import chart_crds
from llmplatform.specs.addons import Keda
from llmplatform.specs.addons import Lws as Spec
from llmplatform.testing import RecordingEngine

RELEASE, NAMESPACE = "kubernetes:helm.sh/v3:Release", "kubernetes:core/v1:Namespace"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
GROUPS = "leaderworkerset.x-k8s.io"


def installed(**changes: Any) -> Lws:
    return Lws("lws", LwsArgs(site=site(**changes), spec=Spec(enabled=True)))


VARIANTS = on_sites("lws", installed)


def values(**changes: Any) -> dict[str, Any]:
    return RecordingEngine().run(lambda: installed(**changes)).one(RELEASE).inputs["values"]


def test_its_pods_are_what_its_namespace_admits() -> None:
    """charts/lws/values.yaml at v0.10.0 has all of `restricted` but the seccomp profile."""
    labels = RecordingEngine().run(installed).one(NAMESPACE).inputs["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert values()["podSecurityContext"] == {"seccompProfile": {"type": "RuntimeDefault"}}


@pytest.mark.parametrize("monitored", [True, False])
def test_the_api_server_reaches_its_webhooks_and_prometheus_its_metrics(monitored: bool) -> None:
    """charts/lws/templates at v0.10.0: manager/deployment.yaml, manager/service.yaml."""
    engine = RecordingEngine().run(lambda: installed(monitored=monitored))
    rules = [rule for each in engine.all(POLICY) for rule in each.inputs["spec"].get("ingress") or []]
    ports = sorted(port["port"] for rule in rules for port in rule.get("ports") or [])
    assert ports == ([8443, 9443] if monitored else [9443])
    assert engine.one(RELEASE).inputs["values"]["enablePrometheus"] is monitored


def test_its_image_is_the_releases_and_comes_from_the_mirror() -> None:
    """The chart in its repository names the tag `main`."""
    manager = values(mirrors=MIRRORED)["image"]["manager"]
    assert manager["repository"] == "registry.example.org/registry.k8s.io/lws/lws"
    assert manager["tag"] == "v0.10.0"


def test_a_node_can_be_drained_while_a_group_starts() -> None:
    found = values()
    assert found["replicaCount"] == 2
    assert found["priorityClassName"] == "system-cluster-critical"
    (apart,) = found["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert apart["podAffinityTerm"]["topologyKey"] == "kubernetes.io/hostname"


def test_groups_come_after_it() -> None:
    def program() -> None:
        (release,) = lws.install(site(sections=(Spec(enabled=True),))).needs(GROUPS)
        assert isinstance(release, Lws)

    assert RecordingEngine().run(program).one(RELEASE)
    assert not RecordingEngine().run(lambda: lws.install(site())).registered, "the settings do not ask for it"


def test_an_existing_controller_is_used() -> None:
    def program() -> None:
        assert lws.install(site(sections=(Spec(enabled=True, kind="existing"),))).needs(GROUPS) == []

    assert not RecordingEngine().run(program).all(RELEASE)


@pytest.mark.parametrize("grouped", [True, False])
def test_keda_may_scale_groups_where_there_are_some(grouped: bool) -> None:
    """kedacore/charts at v2.20.2, keda/templates/manager/clusterrole.yaml: other kinds need an entry, whose `kind`
    becomes a resource of the role. The API server knows it by the plural of its definition."""
    sections = (Keda(), *([Spec(enabled=True)] if grouped else []))
    engine = RecordingEngine().run(lambda: keda.install(site(sections=sections)))
    ((group, plural),) = [(each.group, each.plural) for each in chart_crds("lws") if each.kind == "LeaderWorkerSet"]
    assert (group, plural) == (GROUPS, "leaderworkersets")
    kinds = {"scaledRefKinds": [{"apiGroup": group, "kind": plural}]} if grouped else {}
    assert engine.one(RELEASE).inputs["values"]["rbac"] == {"enabledCustomScaledRefKinds": grouped, **kinds}


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_has_it_where_it_is_switched_on(stack: str) -> None:
    config = stack_config(stack)
    assert "lws" not in {each.inputs["name"] for each in run_program(config, stack).all(RELEASE)}
    on = {**config, "llmplatform:addons": {**config.get("llmplatform:addons", {}), "lws": {"enabled": True}}}
    assert "lws" in {each.inputs["name"] for each in run_program(on, stack).all(RELEASE)}

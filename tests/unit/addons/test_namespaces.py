from typing import Any

import pulumi_kubernetes as kubernetes
import pytest

from llmplatform.base.namespace import Namespace, NamespaceArgs
from llmplatform.base.network_policy import Allow, own_pods
from llmplatform.testing import RecordingEngine

NAMESPACE = "kubernetes:core/v1:Namespace"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"


def made(**args: Any) -> RecordingEngine:
    return RecordingEngine().run(lambda: Namespace("models", NamespaceArgs(namespace="models", **args)).name)


def test_a_namespace_enforces_the_restricted_standard_unless_told_otherwise() -> None:
    labels = made().one(NAMESPACE).inputs["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("level", ["baseline", "privileged"])
def test_a_namespace_that_allows_more_still_reports_it(level: str) -> None:
    labels = made(pod_security=level).one(NAMESPACE).inputs["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == level
    assert labels["pod-security.kubernetes.io/warn"] == labels["pod-security.kubernetes.io/audit"] == "restricted"


def test_a_closed_namespace_lets_nothing_through_but_dns() -> None:
    engine = made()
    deny = engine.named("models-default-deny").inputs["spec"]
    assert deny["podSelector"] == {}, "it holds for all pods"
    assert deny["policyTypes"] == ["Ingress", "Egress"]
    assert not deny.get("ingress")
    assert not deny.get("egress")
    dns = engine.named("models-allow-dns").inputs["spec"]
    assert dns["policyTypes"] == ["Egress"]
    (rule,) = dns["egress"]
    assert rule["to"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}]
    assert rule["ports"] == [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]


def test_an_opening_is_a_policy_of_its_own_beside_the_refusal_of_everything() -> None:
    allow = Allow(direction="Ingress", peers=(own_pods(),), ports=(9402,), pods={"app": "web"})
    engine = made(openings={"allow-web": allow})
    assert {each.name for each in engine.all(POLICY)} == {
        "models-default-deny", "models-allow-dns", "models-allow-web",
    }  # fmt: skip
    assert engine.named("models-allow-web").inputs["spec"] == {
        "podSelector": {"matchLabels": {"app": "web"}},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [{"podSelector": {}}], "ports": [{"protocol": "TCP", "port": 9402}]}],
    }


def test_an_opening_without_peers_and_ports_is_for_every_caller() -> None:
    engine = made(openings={"allow-all-out": Allow(direction="Egress")})
    assert engine.named("models-allow-all-out").inputs["spec"]["egress"] == [{}]


def test_bounds_and_defaults_are_made_only_when_asked_for() -> None:
    assert not made().all("kubernetes:core/v1:ResourceQuota")
    assert not made().all("kubernetes:core/v1:LimitRange")
    engine = made(quota={"requests.nvidia.com/gpu": "4"}, container_defaults={"cpu": "100m", "memory": "128Mi"})
    assert engine.one("kubernetes:core/v1:ResourceQuota").inputs["spec"]["hard"] == {"requests.nvidia.com/gpu": "4"}
    (limit,) = engine.one("kubernetes:core/v1:LimitRange").inputs["spec"]["limits"]
    assert limit == {"type": "Container", "defaultRequest": {"cpu": "100m", "memory": "128Mi"}}


def test_what_is_put_into_a_namespace_comes_after_its_guard_rails() -> None:
    def program() -> None:
        space = Namespace("models", NamespaceArgs(namespace="models", quota={"pods": "9"}))
        kubernetes.core.v1.ConfigMap("later", metadata={"name": "later", "namespace": space.name})

    engine = RecordingEngine().run(program)
    later = engine.named("later")
    for rail in ("models-namespace", "models-quota", "models-default-deny", "models-allow-dns"):
        assert engine.waits_for(later, engine.named(rail)), f"it could be there before {rail}"

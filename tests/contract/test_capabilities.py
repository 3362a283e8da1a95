"""What holds for every capability, whatever is switched on: a closed and bounded namespace of a known name."""

from functools import cache
from typing import Any

import pytest
from support.sites import variants

from llmplatform.specs.capabilities import NAMESPACES
from llmplatform.testing import RecordingEngine

VARIANTS = variants()
NAMESPACE, QUOTA = "kubernetes:core/v1:Namespace", "kubernetes:core/v1:ResourceQuota"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"


@cache
def made(variant: str) -> RecordingEngine:
    return RecordingEngine().run(VARIANTS[variant])


def namespaces(variant: str) -> set[str]:
    return {each.inputs["metadata"]["name"] for each in made(variant).all(NAMESPACE)}


def inside(variant: str, type_: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Namespace and name of each object of a type to what it asks for."""
    objects = [each.inputs for each in made(variant).all(type_)]
    return {(each["metadata"]["namespace"], each["metadata"]["name"]): each["spec"] for each in objects}


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_namespace_is_closed_both_ways_but_for_dns_and_what_is_named(variant: str) -> None:
    policies = inside(variant, POLICY)
    for name in namespaces(variant):
        assert policies[name, "default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
        assert policies[name, "allow-dns"]["egress"][0]["ports"][0]["port"] == 53
    wide = [
        opening
        for (_, opening), spec in policies.items()
        for rule in spec.get("ingress") or ()
        if not rule.get("from") and not rule.get("ports")
    ]
    assert not wide, "every pod of the cluster would reach every port"


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_namespace_is_bounded_and_nothing_in_it_faces_the_outside(variant: str) -> None:
    quotas = inside(variant, QUOTA)
    for name in namespaces(variant):
        hard = quotas[name, "quota"]["hard"]
        assert int(hard["pods"]) > 0
        assert hard["services.loadbalancers"] == hard["services.nodeports"] == "0"


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_namespace_is_one_that_its_settings_name(variant: str) -> None:
    assert namespaces(variant) <= {*NAMESPACES}, "models could be put there"


def test_no_two_capabilities_have_a_namespace_in_common() -> None:
    owners: dict[str, set[str]] = {}
    for variant in VARIANTS:
        for name in namespaces(variant):
            owners.setdefault(name, set()).add(variant.split(", ")[0])
    assert all(len(found) == 1 for found in owners.values()), owners

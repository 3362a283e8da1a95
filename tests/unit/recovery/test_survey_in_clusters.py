"""What is to become of an interrupted create of an object or a release in a cluster."""

from typing import Any

import pytest
from support.interrupted_creates import Account, outcome, surveyed


def test_half_of_a_replacement_in_the_cluster_is_forgotten() -> None:
    # The old half of what has a fixed name is deleted first, and stays in the state until the new one is there.
    inputs = {"metadata": {"name": "a", "namespace": "b"}}
    assert outcome(surveyed("kubernetes:core/v1:Service", inputs, Account(), "b/a")) == ("drop", "")


def test_objects_and_releases_of_kubernetes_are_read_by_their_names() -> None:
    service = surveyed("kubernetes:core/v1:Service", {"metadata": {"name": "a", "namespace": "b"}}, Account())
    assert outcome(service) == ("adopt", "b/a")
    assert outcome(surveyed("kubernetes:core/v1:Namespace", {"metadata": {"name": "a"}}, Account())) == ("adopt", "a")
    release = surveyed("kubernetes:helm.sh/v3:Release", {"name": "r", "namespace": "b"}, Account())
    assert outcome(release) == ("adopt", "b/r")


SERVICE = {"metadata": {"name": "a", "namespace": "b"}}


@pytest.mark.parametrize(
    ("type_", "inputs", "look"),
    [
        ("kubernetes:core/v1:Service", SERVICE, "kubectl get service a -n b;"),
        ("kubernetes:core/v1:Namespace", {"metadata": {"name": "a"}}, "kubectl get namespace a;"),
        ("kubernetes:helm.sh/v3:Release", {"name": "r", "namespace": "b"}, "helm history r -n b;"),
    ],
)
def test_what_has_our_name_in_a_cluster_of_others_is_not_taken_unasked(
    type_: str, inputs: dict[str, Any], look: str
) -> None:
    finding = surveyed(type_, inputs, Account(), own=False)
    assert finding.action == "refuse", "the next destroy would delete another team's object"
    assert look in finding.reason
    urn = f"urn:pulumi:dev::app::llmplatform:aws:Network${type_}::core"
    assert outcome(surveyed(type_, inputs, Account(), own=False, decided={urn: "b/a"})) == ("adopt", "b/a")


def test_a_random_name_of_an_object_is_unique() -> None:
    metadata = {"name": "a-1b2c3d4e", "namespace": "b", "annotations": {"pulumi.com/autonamed": "true"}}
    finding = surveyed("kubernetes:core/v1:Service", {"metadata": metadata}, Account(), own=False)
    assert outcome(finding) == ("adopt", "b/a-1b2c3d4e"), "the next update draws another, and this one would stay"

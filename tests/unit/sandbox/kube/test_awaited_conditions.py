"""Conditions that an object itself says it is ready by."""

from typing import Any

import pytest
from support.sandboxes.fake_api_server import FakeApiServer

from llmplatform_sandbox.kube.readiness import NeverReady, waiting_for

WIDGET = {"apiVersion": "example.org/v1", "kind": "Widget"}


def test_all_conditions_of_a_list_are_awaited() -> None:
    """pulumi-kubernetes, provider/pkg/metadata/overrides.go, ReadyCondition: a JSON array of them."""
    awaited = {"pulumi.com/waitFor": '["condition=Ready","condition=UpgradeInProgress=False"]'}

    def missing(ready: str, upgrading: str) -> str | None:
        found = [{"type": "Ready", "status": ready}, {"type": "UpgradeInProgress", "status": upgrading}]
        return waiting_for(
            FakeApiServer().kube, {**WIDGET, "metadata": {"annotations": awaited}, "status": {"conditions": found}}
        )

    assert missing("True", "False") is None
    assert missing("True", "True") == "UpgradeInProgress is True"
    assert missing("False", "True") == "Ready is False; UpgradeInProgress is True"
    with pytest.raises(NeverReady, match="neither a condition nor a list"):
        waiting_for(FakeApiServer().kube, {**WIDGET, "metadata": {"annotations": {"pulumi.com/waitFor": "[]"}}})


def test_a_condition_of_an_earlier_generation_does_not_count() -> None:
    """provider/pkg/await/condition, checkCondition: what the condition has seen, else what the status has."""
    ready = {"type": "Ready", "status": "True"}
    metadata = {"generation": 3, "annotations": {"pulumi.com/waitFor": "condition=Ready"}}

    def missing(status: dict[str, Any]) -> str | None:
        return waiting_for(FakeApiServer().kube, {**WIDGET, "metadata": metadata, "status": status})

    assert missing({"conditions": [{**ready, "observedGeneration": 2}]}) == "Ready is of an earlier generation"
    assert missing({"conditions": [ready], "observedGeneration": 2}) == "Ready is of an earlier generation"
    assert missing({"conditions": [{**ready, "observedGeneration": 3}], "observedGeneration": 2}) is None
    assert missing({"conditions": [ready]}) is None


def test_what_no_controller_here_would_report_is_not_awaited() -> None:
    """With the pods of a Ray cluster simulated, nothing makes a RayService ready."""
    metadata = {"annotations": {"pulumi.com/waitFor": "condition=Ready"}}
    api = FakeApiServer().kube
    assert waiting_for(api, {"apiVersion": "ray.io/v1", "kind": "RayService", "metadata": metadata}) is None
    assert waiting_for(api, {**WIDGET, "metadata": metadata}) == "Ready is not reported"

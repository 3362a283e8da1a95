"""Prometheus finds the port of every monitor, in all stacks and in every variant of a capability."""

from typing import Any

import pytest
from support.monitors import faults
from support.program import STACKS, committed
from support.sites import variants

from llmplatform.testing import RecordingEngine

VARIANTS = {name: program for name, program in variants().items() if "unmonitored" not in name}
MONITORS = ("ServiceMonitor", "PodMonitor")


def manifests(engine: RecordingEngine) -> list[dict[str, Any]]:
    objects = [each.inputs for each in engine.registered if each.type.startswith("kubernetes:")]
    return [each for each in objects if "kind" in each]


@pytest.mark.parametrize("stack", STACKS)
def test_the_monitors_of_a_stack_name_ports_that_are_there(stack: str) -> None:
    found = manifests(committed(stack))
    assert any(each["kind"] in MONITORS for each in found)
    assert not faults(found)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_monitors_of_a_capability_name_ports_that_are_there(variant: str) -> None:
    assert not faults(manifests(RecordingEngine().run(VARIANTS[variant])))


SERVICE = {
    "kind": "Service",
    "metadata": {"name": "chat", "labels": {"app": "chat"}},
    "spec": {"ports": [{"name": "http", "port": 8000}]},
}
POD = {"containers": [{"name": "server", "ports": [{"name": "metrics", "containerPort": 9000}]}]}
DEPLOYMENT = {
    "kind": "Deployment",
    "metadata": {"name": "chat"},
    "spec": {"template": {"metadata": {"labels": {"app": "chat"}}, "spec": POD}},
}


def monitor(kind: str, **endpoint: Any) -> dict[str, Any]:
    asked = "podMetricsEndpoints" if kind == "PodMonitor" else "endpoints"
    spec = {"selector": {"matchLabels": {"app": "chat"}}, asked: [endpoint]}
    return {"kind": kind, "metadata": {"name": "chat"}, "spec": spec}


@pytest.mark.parametrize(
    ("planted", "says"),
    [
        (monitor("ServiceMonitor", port=8000), "port 8000 is no name"),
        (monitor("ServiceMonitor", port="8000"), "port '8000' is no name"),
        (monitor("ServiceMonitor"), "port None is no name"),
        (monitor("ServiceMonitor", targetPort=8000), "targetPort is the number of a port"),
        (monitor("PodMonitor", portNumber=9000), "portNumber is the number of a port"),
        (monitor("ServiceMonitor", port="metrics"), "no port of what it selects is called 'metrics', only http"),
        (monitor("PodMonitor", port="http"), "no port of what it selects is called 'http', only metrics"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_planted_fault_is_found_and_named(planted: dict[str, Any], says: str) -> None:
    (only,) = faults([SERVICE, DEPLOYMENT, planted])
    assert says in only


@pytest.mark.parametrize(("kind", "port"), [("ServiceMonitor", "http"), ("PodMonitor", "metrics")])
def test_a_named_port_that_is_there_is_no_fault(kind: str, port: str) -> None:
    assert not faults([SERVICE, DEPLOYMENT, monitor(kind, port=port)])

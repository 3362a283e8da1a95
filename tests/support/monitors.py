"""What is wrong with monitors: a port that Prometheus would look for in vain, and say nothing.

Source: prometheus-operator v0.93.1, the CRDs of both. `port` is the name of a port of a Service or a container, and
finds no target if none is called so; `targetPort` and `portNumber` may be numbers.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Manifest = Mapping[str, Any]
ENDPOINTS = {"ServiceMonitor": "endpoints", "PodMonitor": "podMetricsEndpoints"}
NUMBERED = ("targetPort", "portNumber")


def faults(manifests: Iterable[Manifest]) -> list[str]:
    """A line for each fault of the monitors among manifests, whose Services and pods the others are."""
    known = list(manifests)
    return [line for each in known if each["kind"] in ENDPOINTS for line in _of(each, known)]


def _of(monitor: Manifest, known: Iterable[Manifest]) -> Iterator[str]:
    name = f"{monitor['kind']} {monitor['metadata']['name']}"
    wanted = monitor["spec"]["selector"].get("matchLabels") or {}
    named = {
        port for labels, ports in _ports(monitor["kind"], known) if wanted.items() <= labels.items() for port in ports
    }
    for endpoint in monitor["spec"][ENDPOINTS[monitor["kind"]]]:
        if numbers := [key for key in NUMBERED if key in endpoint]:
            yield f"{name}: {numbers[0]} is the number of a port, which changes unnoticed; write its name as 'port'"
            continue
        port = endpoint.get("port")
        if not isinstance(port, str) or port.isdigit():
            yield f"{name}: port {port!r} is no name; Prometheus compares it with the names of ports"
        elif named and port not in named:
            yield f"{name}: no port of what it selects is called {port!r}, only {', '.join(sorted(named))}"


def _ports(kind: str, known: Iterable[Manifest]) -> Iterator[tuple[Mapping[str, str], set[str]]]:
    """Labels of what a monitor can select, and the names of its ports."""
    for each in known:
        spec = each.get("spec") or {}
        if kind == "ServiceMonitor" and each["kind"] == "Service":
            yield each["metadata"].get("labels") or {}, {port.get("name", "") for port in spec.get("ports") or ()}
        elif kind == "PodMonitor" and "containers" in (template := spec.get("template") or {}).get("spec", {}):
            ports = {
                port.get("name", "")
                for container in template["spec"]["containers"]
                for port in container.get("ports") or ()
            }
            yield template["metadata"].get("labels") or {}, ports

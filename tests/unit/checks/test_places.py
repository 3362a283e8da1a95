"""Where an environment may be put: address ranges, namespaces, and nodes that the system can rely on."""

from datetime import date
from typing import Any

import pytest
from support.stack_settings import EXISTING_NETWORK, dev, on_a_platform, problems

from llmplatform.checks.rules import clusters


@pytest.fixture(autouse=True)
def _on_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "today", lambda: date(2026, 11, 21))


@pytest.fixture
def raw() -> dict[str, Any]:
    return dev()


@pytest.mark.parametrize("name", ["kube-system", "default", "cert-manager", "gpu-operator", "monitoring"])
@pytest.mark.parametrize("kind", ["new", "existing"])
def test_models_are_kept_out_of_the_namespaces_of_others(raw: dict[str, Any], kind: str, name: str) -> None:
    if kind == "existing":
        raw = on_a_platform(raw)
    raw["platform"] = {"kind": kind, "models_namespace": name}
    (line,) = problems(raw)
    assert line.startswith(f"platform.models_namespace: '{name}' is ")


def test_models_are_kept_out_of_the_namespace_of_an_existing_prometheus(raw: dict[str, Any]) -> None:
    raw = on_a_platform(raw)
    raw["platform"] = {"kind": "existing", "models_namespace": "observe", "monitoring_namespace": "observe"}
    (line,) = problems(raw)
    assert line.startswith("platform.models_namespace: 'observe' is the namespace of an add-on")


@pytest.mark.parametrize("cidr", ["10.20.0.0/16", "172.18.0.0/16", "192.168.0.0/16", "100.64.0.0/16"])
def test_a_new_network_is_private(raw: dict[str, Any], cidr: str) -> None:
    raw["network"]["cidr"] = cidr
    assert problems(raw) == [], "AWS creates it, and no host on the internet has these addresses"


@pytest.mark.parametrize("cidr", ["172.32.0.0/16", "100.128.0.0/16", "11.0.0.0/20", "172.17.16.0/20"])
def test_a_new_network_hides_no_host(raw: dict[str, Any], cidr: str) -> None:
    raw["network"]["cidr"] = cidr
    (line,) = problems(raw)
    assert line.startswith(f"network.cidr: {cidr} ")


def test_a_network_that_exists_is_taken_as_it_is(raw: dict[str, Any]) -> None:
    raw["network"] = {**EXISTING_NETWORK, "cidr": "172.17.0.0/16"}
    assert problems(raw) == [], "its range cannot be changed any more"


@pytest.mark.parametrize(
    "cidr", ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "10.1.0.0/16", "172.16.0.0/12", "192.168.7.0/24", "100.64.0.0/10"]
)
def test_the_api_is_opened_to_named_public_ranges_only(raw: dict[str, Any], cidr: str) -> None:
    raw["cluster"]["endpoint"]["public_cidrs"] = ["198.51.100.7/32", cidr]
    (line,) = problems(raw)
    assert line.startswith(f"cluster.endpoint.public_cidrs[1]: {cidr} ")


@pytest.mark.parametrize(
    ("pools", "path"),
    [
        ({"a": {"min": 2}}, None),
        ({"a": {"min": 1, "capacity": "spot_first"}}, None),
        ({"a": {"min": 2, "capacity": "spot"}, "b": {"min": 1}}, None),
        ({"a": {"min": 0, "capacity": "spot_first"}}, "pools.a.min: no pool without GPUs keeps a node"),
        ({"a": {"min": 2, "capacity": "spot"}, "b": {"min": 0}}, "pools.b.min: only spot machines"),
        ({"a": {"min": 2, "capacity": "spot"}}, "pools.a.capacity: all nodes without GPUs are spot machines"),
        ({"a": {"min": 0, "capacity": "spot"}}, "pools.a.capacity: all nodes without GPUs are spot machines"),
    ],
)
def test_the_system_has_a_node_that_the_cloud_does_not_take_back(
    raw: dict[str, Any], pools: dict[str, dict[str, Any]], path: str | None
) -> None:
    system = raw["pools"].pop("system")
    raw["pools"] |= {name: {**system, **changes} for name, changes in pools.items()}
    lines = problems(raw)
    assert len(lines) == (path is not None), lines
    assert path is None or lines[0].startswith(path)


def test_a_wrong_entry_does_not_make_its_list_too_short(raw: dict[str, Any]) -> None:
    raw["cloud"]["zones"] = ["us-east-1a", "us-east-1"]
    raw["cluster"]["admins"] = ["admin"]
    assert [line.partition(":")[0] for line in problems(raw)] == ["cloud.zones[1]", "cluster.admins[0]"]
    raw["cloud"]["zones"], raw["cluster"]["admins"] = ["us-east-1a"], []
    assert problems(raw) == [
        "cloud.zones: has too few entries; write 2 or more",
        "cluster.admins: has too few entries; write 1 or more",
    ]

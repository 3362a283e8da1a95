"""The scheduler's filters, as the autoscaling loop simulates them."""

from decimal import Decimal
from typing import Any

import pytest

from llmplatform_sandbox.loops.expander import Option, best, pack, priorities
from llmplatform_sandbox.loops.fit import Room, fits, quantities, requests


def pod(spec: dict[str, Any] | None = None, **resources: str) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "c", "resources": {"requests": resources}}], **(spec or {})}}


def room(labels: dict[str, str] | None = None, taints: list[dict[str, str]] | None = None, **free: str) -> Room:
    return Room(
        labels=labels or {}, taints=taints or [], free=quantities({"pods": "10", "cpu": "8", "memory": "32Gi", **free})
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("500m", "0.5"),
        ("2", "2"),
        ("16Gi", 16 * 2**30),
        ("1e3", "1000"),
        ("1500Ki", 1500 * 1024),
        ("3k", "3000"),
        (2, "2"),
    ],
)
def test_quantities_in_every_spelling(text: str, value: str) -> None:
    assert quantities({"x": text}) == {"x": Decimal(value)}


def test_a_limit_without_a_request_is_the_request() -> None:
    found = requests({"spec": {"containers": [{"resources": {"limits": {"nvidia.com/gpu": "1"}}}]}})
    assert found["nvidia.com/gpu"] == 1, "GPU pods set limits only"


def test_init_containers_count_by_their_peak_and_sidecars_by_their_sum() -> None:
    spec = {
        "containers": [{"resources": {"requests": {"cpu": "1"}}}],
        "initContainers": [
            {"restartPolicy": "Always", "resources": {"requests": {"cpu": "500m"}}},
            {"resources": {"requests": {"cpu": "3"}}},
        ],
    }
    assert requests({"spec": spec})["cpu"] == Decimal("3.5")


def test_an_extended_resource_that_a_node_lacks_does_not_fit() -> None:
    asked = pod(None, **{"nvidia.com/gpu": "1"})
    assert not fits(asked, room())
    assert fits(asked, room(**{"nvidia.com/gpu": "1"}))


@pytest.mark.parametrize(
    ("operator", "values", "matches"),
    [
        ("In", ["a", "b"], True), ("In", ["b"], False), ("NotIn", ["b"], True), ("NotIn", ["a"], False),
        ("Exists", [], True), ("DoesNotExist", [], False), ("Gt", ["3"], False), ("Lt", ["3"], False),
    ],
)  # fmt: skip
def test_node_affinity_operators(operator: str, values: list[str], matches: bool) -> None:
    assert fits(pod(_affinity("pool", operator, values)), room({"pool": "a"})) is matches


@pytest.mark.parametrize(("operator", "matches"), [("Gt", True), ("Lt", False)])
def test_node_affinity_compares_numbers(operator: str, matches: bool) -> None:
    assert fits(pod(_affinity("gpus", operator, ["2"])), room({"gpus": "4"})) is matches


def test_affinity_terms_are_alternatives_and_an_empty_one_matches_nothing() -> None:
    terms = [{}, {"matchExpressions": [{"key": "pool", "operator": "In", "values": ["b"]}]}]
    node = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    spec = {"affinity": {"nodeAffinity": node}}
    assert fits(pod(spec), room({"pool": "b"}))
    assert not fits(pod(spec), room({"pool": "a"}))


def _affinity(key: str, operator: str, values: list[str]) -> dict[str, Any]:
    term = {"matchExpressions": [{"key": key, "operator": operator, "values": values}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    return {"affinity": {"nodeAffinity": required}}


@pytest.mark.parametrize(
    ("toleration", "matches"),
    [
        ({"key": "nvidia.com/gpu", "operator": "Exists"}, True),
        ({"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}, True),
        ({"key": "nvidia.com/gpu", "value": "other"}, False),
        ({"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoExecute"}, False),
        ({"operator": "Exists"}, True),
    ],
)
def test_tolerations(toleration: dict[str, str], matches: bool) -> None:
    taints = [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]
    assert fits(pod({"tolerations": [toleration]}), room(taints=taints)) is matches


def test_a_preference_of_the_node_keeps_no_pod_away() -> None:
    assert fits(pod(), room(taints=[{"key": "a", "effect": "PreferNoSchedule"}]))


def test_packing_counts_nodes_and_leaves_out_what_never_fits() -> None:
    pods = [pod(None, **{"nvidia.com/gpu": "1"}) for _ in range(3)] + [pod(None, cpu="99")]
    nodes, placed = pack(pods, lambda: room(**{"nvidia.com/gpu": "2"}), most=5)
    assert (nodes, len(placed)) == (2, 3)


def test_packing_stops_at_the_bound() -> None:
    pods = [pod(None, **{"nvidia.com/gpu": "1"}) for _ in range(3)]
    nodes, placed = pack(pods, lambda: room(**{"nvidia.com/gpu": "1"}), most=2)
    assert (nodes, len(placed)) == (2, 2)


def option(group: str, cpu: str = "8", memory: str = "32Gi") -> Option:
    return Option(group=group, nodes=1, pods=[pod(None, cpu="4", memory="16Gi")], room={"cpu": cpu, "memory": memory})


def test_the_highest_priority_that_matches_wins() -> None:
    known = priorities("10:\n  - .*\n50:\n  - .*spot.*\n")
    options = [option("eks-od-1"), option("eks-spot-1")]
    assert best(options, ["priority", "least-waste"], known).group == "eks-spot-1"


def test_without_priorities_the_least_waste_wins() -> None:
    quantities_of = {"small": ("6", str(20 * 2**30)), "large": ("32", str(128 * 2**30))}
    options = [option(name, cpu, memory) for name, (cpu, memory) in quantities_of.items()]
    assert best(options, ["priority", "least-waste"], None).group == "small"


def test_priorities_that_are_no_map_are_refused() -> None:
    with pytest.raises(ValueError, match="write a map"):
        priorities("- .*")

"""Taints in stack files: which there may be, who has to bear them, and nodes that other tools make."""

from typing import Any

import pytest
from support.stack_settings import EXISTING_CLUSTER, EXISTING_NETWORK, dev, problems

from llmplatform.checks import parse
from llmplatform.planning.pools import PoolPlan, further_taints, plan_pools

SEARCH = {"key": "team", "value": "search"}


@pytest.fixture
def raw() -> dict[str, Any]:
    return dev()


def plans(raw: dict[str, Any]) -> dict[str, PoolPlan]:
    return {plan.name: plan for plan in plan_pools(parse(raw))}


def tainted(raw: dict[str, Any], *taints: dict[str, str], pool: str = "gpu") -> dict[str, Any]:
    raw["pools"][pool]["taints"] = list(taints)
    return raw


def test_a_model_that_does_not_bear_its_pools_taint_is_refused(raw: dict[str, Any]) -> None:
    assert problems(tainted(raw, SEARCH)) == [
        (
            "models.qwen3-8b.tolerations: pool 'gpu' has the taint 'team' (NoSchedule), and the model does not bear "
            "it; "
            "add '{key: team, value: search}', or use another pool"
        )
    ]


@pytest.mark.parametrize(
    ("toleration", "bears"),
    [
        (SEARCH, True),
        ({"key": "team"}, True),
        ({"key": "team", "effect": "NoSchedule"}, True),
        ({"key": "team", "value": "ads"}, False),
        ({"key": "team", "effect": "NoExecute"}, False),
        ({"key": "teams"}, False),
    ],
)
def test_a_toleration_bears_what_kubernetes_says_that_it_matches(
    raw: dict[str, Any], toleration: dict[str, str], bears: bool
) -> None:
    # kubernetes.io, "Taints and Tolerations": keys and effects are the same, an empty effect is each; `Exists` has no
    # value, `Equal` the same.
    raw["models"]["qwen3-8b"]["tolerations"] = [toleration]
    assert bool(problems(tainted(raw, SEARCH))) != bears


def test_a_wish_and_the_taint_of_gpu_nodes_need_no_toleration(raw: dict[str, Any]) -> None:
    wish, as_others_have_it = {**SEARCH, "effect": "PreferNoSchedule"}, {"key": "nvidia.com/gpu", "value": "true"}
    assert problems(tainted(raw, wish, as_others_have_it)) == []
    gpu = plans(raw)["gpu"]
    assert [(taint.key, taint.value) for taint in gpu.taints] == [("team", "search"), ("nvidia.com/gpu", "true")]
    assert further_taints((gpu,)) == (), "all that runs on GPU nodes can run there"


def test_gpu_nodes_have_their_own_taint_beside_those_of_the_settings(raw: dict[str, Any]) -> None:
    raw["models"]["qwen3-8b"]["tolerations"] = [{"key": "team"}]
    gpu = plans(tainted(raw, SEARCH))["gpu"]
    assert [(taint.key, taint.value, taint.effect) for taint in gpu.taints] == [
        ("nvidia.com/gpu", "present", "NoSchedule"),
        ("team", "search", "NoSchedule"),
    ]
    assert [taint.key for taint in further_taints((gpu,))] == ["team"]


@pytest.mark.parametrize(
    ("pool", "taint", "line"),
    [
        (
            "batch",
            {"key": "node.kubernetes.io/unschedulable"},
            (
                "pools.batch.taints[0].key: 'node.kubernetes.io/unschedulable' is set and taken away by others "
                "(kubernetes.io); use a domain of your own, or none"
            ),
        ),
        (
            "batch",
            {"key": "ToBeDeletedByClusterAutoscaler"},
            (
                "pools.batch.taints[0].key: 'ToBeDeletedByClusterAutoscaler' is set and taken away by others (the "
                "autoscaler); use a domain of your own, or none"
            ),
        ),
        (
            "gpu",
            {"key": "nvidia.com/gpu", "effect": "NoExecute"},
            (
                "pools.gpu.taints[0].effect: drivers and device plugins bear it as 'NoSchedule' alone; write "
                "'NoSchedule', "
                "or another key for this effect"
            ),
        ),
        (
            "batch",
            {"key": "nvidia.com/gpu"},
            (
                "pools.batch.taints[0].key: its machines have no GPUs, and all that is for such nodes bears "
                "'nvidia.com/gpu'; use another key"
            ),
        ),
        (
            "batch",
            {"key": f"{'a' * 40}.example.org/{'b' * 20}"},
            "pools.batch.taints[0].key: with its domain it has 73 characters, and EKS takes 63; write a shorter one",
        ),
    ],
)
def test_reserved_taints_are_refused(raw: dict[str, Any], pool: str, taint: dict[str, str], line: str) -> None:
    raw["pools"]["batch"] = {"instance_types": ["m7i.xlarge"], "max": 2}
    assert problems(tainted(raw, taint, pool=pool)) == [line]


def test_a_key_is_there_once(raw: dict[str, Any]) -> None:
    raw["models"]["qwen3-8b"]["tolerations"] = [{"key": "team"}, {"key": "team"}, {"key": "nvidia.com/gpu"}]
    assert problems(tainted(raw, SEARCH, {**SEARCH, "effect": "NoExecute"})) == [
        (
            "pools.gpu.taints[1].key: 'team' is there already, and the autoscaler reads one taint of a key; "
            "remove one, or use another key"
        ),
        "models.qwen3-8b.tolerations[1]: it is there already; remove it",
        "models.qwen3-8b.tolerations[2]: every model bears it; remove it",
    ]


def test_a_pool_without_taints_runs_the_system(raw: dict[str, Any]) -> None:
    line = (
        "pools.system.taints: every pool without GPUs has taints: DNS, the autoscaler and the drivers of the volumes "
        "have nowhere to run; add a pool without GPUs and taints, or remove them here"
    )
    assert problems(tainted(raw, {"key": "batch"}, pool="system")) == [line]
    raw["pools"]["plain"] = {"instance_types": ["m7i.xlarge"], "min": 1, "max": 2}
    assert problems(raw) == []
    found = plans(raw)
    assert (found["system"].dedicated, found["plain"].dedicated) == (True, False)


def test_a_groups_tags_have_room_for_its_labels_and_taints(raw: dict[str, Any]) -> None:
    raw["tags"] = {f"tag{number}": "x" for number in range(30)}
    raw["pools"]["gpu"]["labels"] = {f"label{number}": "x" for number in range(7)}
    assert problems(raw) == []
    raw["pools"]["gpu"]["labels"]["label7"] = "x"
    assert problems(raw) == [
        (
            "pools.gpu: its labels and taints and the environment's tags are 38 together, and each is a tag of an "
            "Auto "
            "Scaling group; write at most 37: AWS allows 50, and the others are ours and EKS'"
        )
    ]


def test_nodes_of_another_tool_are_found_by_its_labels(raw: dict[str, Any]) -> None:
    raw["pools"]["gpu"]["node_selector"] = {"karpenter.sh/nodepool": "gpu"}
    assert problems(raw) == [
        (
            "pools.gpu.node_selector: the pool is made here, and its nodes have our label; remove it, or set existing "
            "to "
            "true for nodes that another tool makes"
        )
    ]
    raw |= {"cluster": EXISTING_CLUSTER, "network": EXISTING_NETWORK}
    raw["pools"]["gpu"] = {
        "instance_types": ["g5.2xlarge"],
        "max": 8,
        "existing": True,
        "node_selector": {"karpenter.sh/nodepool": "gpu"},
        "taints": [{"key": "nvidia.com/gpu", "value": "true"}],
    }
    assert problems(raw) == []
    gpu = plans(raw)["gpu"]
    assert gpu.selector == gpu.labels == {"karpenter.sh/nodepool": "gpu"}
    assert gpu.groups == ()

"""One change of a production stack: what it changes is what it is about, and nothing else."""

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from support.program import committed, run_program, stack_config

from llmplatform.testing import RecordingEngine

IMAGE = "registry.example.org/vllm-openai:v0.33.0-fix1"
MIRRORED = "acme-registry-vpc.cn-hangzhou.cr.aliyuncs.com/platform/vllm-openai:v0.33.0-fix1"
"""From the mirror, as before: another registry is expected to be slower, so that rollouts and alerts wait longer."""
EKS, ACK = ("prod",), ("prod-ack",)
BOTH = (*EKS, *ACK)

CHANGES: list[tuple[tuple[str, ...], str, Any, set[str]]] = [
    # What the alerts know of a model is how many replicas there are at least.
    (BOTH, "models.qwen3-32b.replicas", 1, {"qwen3-32b-deployment", "model-rules-rule"}),
    (BOTH, "models.qwen3-8b.scaling.min_replicas", 2, {"qwen3-8b-scaled-object", "model-rules-rule"}),
    (BOTH, "models.qwen3-8b.scaling.max_replicas", 5, {"qwen3-8b-scaled-object"}),
    (BOTH, "services.mlflow.replicas", 3, {"mlflow-deployment"}),
    (BOTH, "services.milvus.query_nodes", 3, {"milvus-resource", "milvus-space-quota"}),
    (EKS, "models.qwen3-32b.engine.image", IMAGE, {"qwen3-32b-deployment"}),
    (ACK, "models.qwen3-32b.engine.image", MIRRORED, {"qwen3-32b-deployment"}),
    (EKS, "services.mlflow.database.backup_days", 21, {"mlflow-instance"}),
    (ACK, "services.mlflow.database.backup_days", 21, {"mlflow-backups"}),
    (BOTH, "services.milvus.backups.keep_days", 30, {"milvus-backup"}),
    (EKS, "services.milvus.backups.store", {"kind": "new", "deleted_days": 60}, {"milvus-backups-lifecycle"}),
    (ACK, "services.milvus.backups.store", {"kind": "new", "deleted_days": 60}, {"milvus-backups-bucket"}),
    (EKS, "services.mlflow.dumps.keep_days", 30, {"mlflow-dump"}),
    (BOTH, "services.mlflow.collection.older_than_days", 60, {"mlflow-collection"}),
    (BOTH, "addons.monitoring.retention_days", 60, {"monitoring-stack"}),
]


def inputs(engine: RecordingEngine) -> Mapping[str, Any]:
    return {each.urn: without(each.inputs, each.ignore_changes) for each in engine.registered}


def without(inputs: dict[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """Inputs without what an update of them leaves alone."""
    left = copy.deepcopy(inputs)
    for path in paths:
        *outer, last = path.split(".")
        place: Any = left
        for key in outer:
            place = place.get(key, {})
        place.pop(last, None)
    return left


def changed(stack: str, config: Mapping[str, Any]) -> set[str]:
    """Names of the resources that are made, not made, or made otherwise."""
    before, after = inputs(committed(stack)), inputs(run_program(config, stack))
    return {urn.rpartition("::")[2] for urn in {*before, *after} if before.get(urn) != after.get(urn)}


@pytest.mark.parametrize(
    ("stack", "path", "value", "expected"),
    [(stack, path, value, names) for stacks, path, value, names in CHANGES for stack in stacks],
)
def test_one_change_changes_only_what_it_is_about(stack: str, path: str, value: Any, expected: set[str]) -> None:
    config = copy.deepcopy(stack_config(stack))
    section, *inner, last = path.split(".")
    place = config[f"llmplatform:{section}"]
    for key in inner:
        place = place.setdefault(key, {})
    assert place.get(last) != value, "it would be no change"
    place[last] = value
    assert changed(stack, config) == expected


def test_no_change_changes_nothing() -> None:
    for stack in BOTH:
        assert changed(stack, stack_config(stack)) == set()

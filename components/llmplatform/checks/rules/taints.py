"""Rules about taints, tolerations, and nodes of other tools."""

from collections.abc import Iterator

from llmplatform.checks.problems import Problem
from llmplatform.checks.rules.names import LONGEST_EKS_LABEL, RESERVED_LABELS
from llmplatform.checks.rules.placement import is_cpu
from llmplatform.checks.rules.rule import each_model, each_pool
from llmplatform.specs.pools import Pool
from llmplatform.specs.stack import AwsStack, Stack
from llmplatform.specs.taints import GPU_TAINT, Taint, Toleration

_OTHERS = (*RESERVED_LABELS, "karpenter.sh", "cloudprovider.kubernetes.io")
"""Domains whose taints controllers set and remove."""


_AUTOSCALERS = ("ToBeDeletedByClusterAutoscaler", "DeletionCandidateOfClusterAutoscaler")
"""Taints of cluster-autoscaler on nodes that it removes: its utils/taints/taints.go."""


def taints_are_ours_to_set(stack: Stack) -> Iterator[Problem]:
    """A pool sets no taint of a controller. For the taint of GPU nodes, only the value is free."""
    for name, pool in stack.pools.items():
        for index, taint in enumerate(pool.taints):
            path = f"pools.{name}.taints[{index}]"
            if taint.key == GPU_TAINT:
                yield from _of_gpus(stack, pool, path, taint)
                continue
            domain, slash, _ = taint.key.rpartition("/")
            reserved = next((each for each in _OTHERS if domain == each or domain.endswith(f".{each}")), None)
            if (slash and reserved) or taint.key in _AUTOSCALERS:
                setter = reserved if slash and reserved else "the autoscaler"
                yield Problem(
                    f"{path}.key",
                    f"'{taint.key}' is set and taken away by others ({setter})",
                    "use a domain of your own, or none",
                )


def _of_gpus(stack: Stack, pool: Pool, path: str, taint: Taint) -> Iterator[Problem]:
    if is_cpu(stack, pool):
        yield Problem(
            f"{path}.key",
            f"its machines have no GPUs, and all that is for such nodes bears '{GPU_TAINT}'",
            "use another key",
        )
    elif taint.effect != "NoSchedule":
        yield Problem(
            f"{path}.effect",
            "drivers and device plugins bear it as 'NoSchedule' alone",
            "write 'NoSchedule', or another key for this effect",
        )


def taints_are_told_once(stack: Stack) -> Iterator[Problem]:
    """Each key is set once: the autoscaler's template of an empty group has one value for a key.

    Source: cluster-autoscaler, cloudprovider/aws/aws_manager.go, extractTaintsFromAsg.
    """
    for name, pool in stack.pools.items():
        for index, taint in enumerate(pool.taints):
            if taint.key in [each.key for each in pool.taints[:index]]:
                yield Problem(
                    f"pools.{name}.taints[{index}].key",
                    f"'{taint.key}' is there already, and the autoscaler reads one taint of a key",
                    "remove one, or use another key",
                )


def taints_are_what_eks_takes(stack: Stack) -> Iterator[Problem]:
    """Taint keys fit EKS, which accepts shorter ones than Kubernetes. Source: its API model, taintKey (1 to 63)."""
    if not isinstance(stack, AwsStack):
        return
    for name, pool in stack.pools.items():
        for index, taint in enumerate(pool.taints):
            if len(taint.key) > LONGEST_EKS_LABEL and not pool.existing:
                yield Problem(
                    f"pools.{name}.taints[{index}].key",
                    f"with its domain it has {len(taint.key)} characters, and EKS takes {LONGEST_EKS_LABEL}",
                    "write a shorter one",
                )


def models_bear_their_pools_taints(stack: Stack) -> Iterator[Problem]:
    """A model tolerates the taints of its pool."""
    for name, model in stack.models.items():
        pool = stack.pools.get(model.pool)
        borne = (Toleration(key=GPU_TAINT), *model.tolerations)
        for taint in pool.taints if pool else ():
            if taint.keeps_away and not any(each.bears(taint) for each in borne):
                value = f", value: {taint.value}" if taint.value else ""
                yield Problem(
                    f"models.{name}.tolerations",
                    f"pool '{model.pool}' has the taint '{taint.key}' ({taint.effect}), and the model does not bear it",
                    f"add '{{key: {taint.key}{value}}}', or use another pool",
                )


def tolerations_are_told_once(stack: Stack) -> Iterator[Problem]:
    """Each toleration is listed once, and none repeats that of every model."""
    for name, model in stack.models.items():
        for index, each in enumerate(model.tolerations):
            if each in model.tolerations[:index] or each.key == GPU_TAINT:
                why = "every model bears it" if each.key == GPU_TAINT else "it is there already"
                yield Problem(f"models.{name}.tolerations[{index}]", why, "remove it")


def others_nodes_are_in_existing_pools(stack: Stack) -> Iterator[Problem]:
    """Nodes that other labels select belong to an existing pool."""
    for name, pool in stack.pools.items():
        if pool.node_selector and not pool.existing:
            yield Problem(
                f"pools.{name}.node_selector",
                "the pool is made here, and its nodes have our label",
                "remove it, or set existing to true for nodes that another tool makes",
            )


PROBLEMS = (
    *each_pool(
        taints_are_ours_to_set, taints_are_told_once, taints_are_what_eks_takes, others_nodes_are_in_existing_pools
    ),
    *each_model(tolerations_are_told_once, models_bear_their_pools_taints),
)

"""Tells cluster-autoscaler how a node of an empty group will look.

It reads labels and taints from the EKS API while a group has never had a node, resources from the group's own tags, and
everything else from the tags of the Auto Scaling group: so all of it is written twice.
Source: cluster-autoscaler's AWS provider (`aws_manager.go`) and its README, "Auto-discovery setup".
"""

from collections.abc import Mapping

from llmplatform.planning.pools import GPU_RESOURCE, PoolPlan

GPU_LABEL = "k8s.amazonaws.com/accelerator"
"""Node label by which the autoscaler waits for a new node's device plugin instead of adding another node."""

_TEMPLATE = "k8s.io/cluster-autoscaler/node-template"

_USABLE_DISK = 0.85
"""Share of a disk that is certainly allocatable: kubelet evicts at 10 % left, and the system needs some."""


def node_labels(plan: PoolPlan) -> dict[str, str]:
    """Labels of the pool's nodes on EKS."""
    return {**plan.labels, **({GPU_LABEL: plan.gpu.accelerator} if plan.gpu else {})}


def resource_tags(plan: PoolPlan) -> dict[str, str]:
    """Resources that are missing in EC2's description of the instance type."""
    tags = {f"{_TEMPLATE}/resources/ephemeral-storage": f"{ephemeral_storage_gib(plan)}Gi"}
    if plan.gpu:
        tags[f"{_TEMPLATE}/resources/{GPU_RESOURCE}"] = str(plan.shape.gpus)
    return tags


def group_tags(plan: PoolPlan) -> Mapping[str, str]:
    """All tags of an Auto Scaling group, by key. The keys follow from the plan alone."""
    labels = {f"{_TEMPLATE}/label/{key}": value for key, value in node_labels(plan).items()}
    taints = {f"{_TEMPLATE}/taint/{taint.key}": f"{taint.value}:{taint.effect}" for taint in plan.taints}
    return {**labels, **taints, **resource_tags(plan)}


def short(tag: str) -> str:
    """A tag's key as part of a resource's name, unique for each: `label-llmplatform.dev/pool`, `tag/cost/center`."""
    ours = tag.removeprefix(f"{_TEMPLATE}/")
    if ours != tag:
        return ours.replace("/", "-", 1)
    return f"tag/{tag}" if "/" in tag or tag.startswith(("label-", "taint-", "resources-")) else tag


def ephemeral_storage_gib(plan: PoolPlan) -> int:
    """Disk that pods of a node can request, a low estimate. Local NVMe disks replace the root volume."""
    size = plan.shape.nvme_gb * 10**9 // 2**30 if plan.shape.nvme_gb else plan.spec.disk_gib
    return int(size * _USABLE_DISK)

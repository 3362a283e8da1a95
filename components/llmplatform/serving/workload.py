"""What keeps the pods of a model server: a Deployment.

Workloads of another form that take a pod template (LeaderWorkerSet, InferenceService) are functions of `WorkloadArgs`
in modules of their own; one that makes the pods itself (RayService) is a component beside `ModelServer`, with the same
outputs.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.planning.models import ModelPlan

meta = kubernetes.meta.v1

OWNED = {"pulumi.com/patchForce": "true"}
"""Annotation of a workload: an update takes its fields from other managers. Without it a size that an autoscaler, or
`kubectl scale`, has set could not be set again: the API server refuses a field of another manager
(pulumi-kubernetes 4.32, provider/pkg/await/await.go, patchForce; 4.34 documents it likewise)."""


@dataclass(frozen=True, kw_only=True)
class WorkloadArgs:
    """What a workload is made of."""

    plan: ModelPlan
    metadata: meta.ObjectMetaArgs
    selector: Mapping[str, str]
    template: kubernetes.core.v1.PodTemplateSpecArgs
    patience: int
    """Longest time until a replica serves, in seconds, with its node and its images."""


@dataclass(frozen=True, kw_only=True)
class Workload:
    """A workload as the objects beside it need it."""

    target: pulumi.Output[str]
    """Name of what has a number of replicas to scale; depends on what makes it."""
    form: tuple[str, str] = ("apps/v1", "Deployment")
    """Its API version and kind."""
    service: pulumi.Output[str]
    """Name of the Service of the API; depends on what makes it."""
    port: int
    """Port of the API at that Service."""


def deployment(logical: str, args: WorkloadArgs, opts: pulumi.ResourceOptions) -> kubernetes.apps.v1.Deployment:
    """Equal replicas, each within one node. `logical`: the resource's name in the state."""
    plan = args.plan
    return kubernetes.apps.v1.Deployment(
        logical,
        metadata=args.metadata,
        spec=kubernetes.apps.v1.DeploymentSpecArgs(
            replicas=plan.least_replicas,
            selector=meta.LabelSelectorArgs(match_labels=args.selector),
            strategy=strategy(plan),
            progress_deadline_seconds=args.patience,
            revision_history_limit=3,
            template=args.template,
        ),
        opts=pulumi.ResourceOptions.merge(pulumi.ResourceOptions.merge(opts, patient(args)), scaled(plan)),
    )


def patient(args: WorkloadArgs) -> pulumi.ResourceOptions:
    """Time for all replicas, one after the other."""
    seconds = f"{args.patience * max(1, args.plan.most_replicas)}s"
    return pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create=seconds, update=seconds))


def scaled(plan: ModelPlan) -> pulumi.ResourceOptions:
    """What scales a workload owns its size.

    An update leaves the size out once another manager has set it, and repeats the live one until then
    (pulumi-kubernetes, provider/pkg/await/await.go, handleSSAIgnoreFields).
    """
    return pulumi.ResourceOptions(ignore_changes=["spec.replicas"] if plan.spec.scaling else [])


def strategy(plan: ModelPlan) -> kubernetes.apps.v1.DeploymentStrategyArgs:
    """Never a pod more than before, unless the settings say that there is room: it would wait for a GPU for ever."""
    surge = plan.spec.surge
    if plan.most_replicas <= 1 and not surge:
        # The new pod is made only when the old one has gone, so that the autoscaler buys no node for it.
        return kubernetes.apps.v1.DeploymentStrategyArgs(type="Recreate")
    return kubernetes.apps.v1.DeploymentStrategyArgs(
        type="RollingUpdate",
        rolling_update=kubernetes.apps.v1.RollingUpdateDeploymentArgs(
            max_surge=int(surge), max_unavailable=int(not surge)
        ),
    )


def budget(
    logical: str,
    metadata: meta.ObjectMetaArgs,
    selector: Mapping[str, str],
    opts: pulumi.ResourceOptions,
    **bound: int,
) -> kubernetes.policy.v1.PodDisruptionBudget:
    """How many pods a drain takes at once: `max_unavailable`, or `min_available`."""
    return kubernetes.policy.v1.PodDisruptionBudget(
        logical,
        metadata=metadata,
        spec=kubernetes.policy.v1.PodDisruptionBudgetSpecArgs(
            **bound,
            selector=meta.LabelSelectorArgs(match_labels=selector),
            # A server that never became ready must not keep its node from being drained.
            unhealthy_pod_eviction_policy="AlwaysAllow",
        ),
        opts=opts,
    )

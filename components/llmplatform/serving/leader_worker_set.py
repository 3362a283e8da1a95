"""What keeps the pods of replicas over several nodes: a LeaderWorkerSet, whose groups live and end as a whole.

Its controller makes the pods, a headless Service for each group, and gives the pods their places.
Source: kubernetes-sigs/lws v0.10.0, api/leaderworkerset/v1/leaderworkerset_types.go, and of pkg/controllers
leaderworkerset_controller.go (rollingUpdateParameters, updateConditions, reconcileHeadlessServices) and
pod_controller.go (handleRestartPolicy).
"""

from dataclasses import replace
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.base.site import GROUPS
from llmplatform.serving.pods import PodArgs, pod_template
from llmplatform.serving.workload import OWNED, WorkloadArgs, patient, scaled

FORM = (f"{GROUPS}/v1", "LeaderWorkerSet")
"""API version and kind."""
LEADER = {"leaderworkerset.sigs.k8s.io/worker-index": "0"}
"""Label that the controller gives to the leaders, which alone answer requests."""
EXCLUSIVE = "leaderworkerset.sigs.k8s.io/exclusive-topology"
AWAITED = {"pulumi.com/waitFor": "condition=Available"}
"""Annotation: the update goes on when all groups are ready (pulumi-kubernetes, provider/pkg/metadata/overrides.go,
ReadyCondition)."""

meta = kubernetes.meta.v1


def worker_template(args: PodArgs) -> kubernetes.core.v1.PodTemplateSpecArgs | None:
    """The template of a group's further pods, which get no requests and no key. None: a replica is one pod."""
    worker = args.server.worker
    return pod_template(replace(args, server=worker, secrets={})) if worker else None


def groups(
    logical: str, args: WorkloadArgs, worker: kubernetes.core.v1.PodTemplateSpecArgs, opts: pulumi.ResourceOptions
) -> kubernetes.apiextensions.CustomResource:
    """Equal replicas, each a group of a leader, which has the template of `args`, and workers."""
    plan, metadata = args.plan, args.metadata
    place, surge = plan.spec.exclusive_topology, plan.spec.surge
    api_version, kind = FORM
    spec: dict[str, Any] = {
        "replicas": plan.least_replicas,
        "leaderWorkerTemplate": {
            "size": plan.nodes,
            "leaderTemplate": args.template,
            "workerTemplate": worker,
            # The processes of a group are one program: none can join the others later.
            "restartPolicy": "RecreateGroupOnPodRestart",
        },
        # The leader is ready only after all have loaded.
        "startupPolicy": "LeaderCreated",
        # The other policy has a Service of the set's own name, which is the clients' here.
        "networkConfig": {"subdomainPolicy": "UniquePerReplica"},
        # Never a group more than before, unless the settings say that there is room.
        "rolloutStrategy": {
            "type": "RollingUpdate",
            "rollingUpdateConfiguration": {"maxSurge": int(surge), "maxUnavailable": int(not surge)},
        },
    }
    return kubernetes.apiextensions.CustomResource(
        f"{logical}-groups",
        api_version=api_version,
        kind=kind,
        metadata=meta.ObjectMetaArgs(
            name=metadata.name,
            namespace=metadata.namespace,
            labels=metadata.labels,
            annotations={**OWNED, **AWAITED, **({EXCLUSIVE: place} if place else {})},
        ),
        spec=spec,
        opts=pulumi.ResourceOptions.merge(pulumi.ResourceOptions.merge(opts, patient(args)), scaled(plan)),
    )

"""A RayService for a plan: head, workers with the GPUs, and how one version takes the place of another.

KubeRay makes a RayCluster of it, and the pods. It adds to them: the start of Ray, the wait for the head, probes that
are not given (`/api/healthz` of Ray's agent), and its own labels.
The head serves no requests. Its state is in memory alone: when it is lost, all of the cluster starts anew.
Sources: ray-project/kuberay v1.7.0, ray-operator/apis/ray/v1/{rayservice,raycluster}_types.go (fields),
controllers/ray/common/pod.go (what is added), controllers/ray/rayservice_controller.go (upgrades).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import pulumi
import pulumi_kubernetes as kubernetes
import yaml

from llmplatform.planning.models import EVICTABLE, ModelPlan
from llmplatform.serving import hydrators, pods
from llmplatform.serving.engines import ray_serve
from llmplatform.serving.engines.contract import Server, release, settings
from llmplatform.specs.engines import RayServe
from llmplatform.specs.scaling import RayScaling

core = kubernetes.core.v1
meta = kubernetes.meta.v1

_LEAST_CPUS = 4
"""CPUs that a worker tells Ray, which counts them and limits nothing: for a replica, the part that takes requests, and
what Ray starts beside them."""
_AUTOSCALER = {"requests": {"cpu": "200m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}}
_UNPRIVILEGED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


@dataclass(frozen=True, kw_only=True)
class RayServiceArgs:
    """What a RayService is made of."""

    plan: ModelPlan
    server: Server
    weights: str
    """Folder of the model's weights within the workers."""
    pod: pods.PodArgs
    """Inputs of a worker; the head has its image, account and variables."""
    labels: Mapping[str, str]
    """Labels of the Service."""


def spec(args: RayServiceArgs) -> dict[str, Any]:
    """The `spec` of a RayService."""
    plan, server = args.plan, args.server
    application = ray_serve.serve_config(plan, weights=args.weights)
    return {
        "serveConfigV2": yaml.safe_dump(application, sort_keys=False),
        "upgradeStrategy": {"type": upgrade(plan)},
        # Of the cluster that another has replaced: proxies take its workers off their lists, and answers end.
        "rayClusterDeletionDelaySeconds": server.drain.pre_stop,
        "excludeHeadPodFromServeSvc": True,
        "suspend": plan.least_replicas == 0,
        "serveService": {
            # KubeRay lets it select the cluster that serves.
            "metadata": {"name": plan.name, "labels": dict(args.labels)},
            "spec": {
                "type": "ClusterIP",
                "ports": [
                    {
                        "name": server.api.name,
                        "port": server.api.number,
                        "targetPort": server.api.name,
                        "appProtocol": server.api.protocol,
                    }
                ],
            },
        },
        "rayClusterConfig": {
            "rayVersion": release(plan).version,
            # Ray asks for a token unless it is told not to; KubeRay makes it, and gives it to all pods.
            "authOptions": {"mode": "token"},
            **_autoscaler(plan),
            "headGroupSpec": {
                # Without CPUs and GPUs for Ray nothing but its own parts is placed there.
                "rayStartParams": {"num-cpus": "0", "num-gpus": "0", "dashboard-host": "0.0.0.0"},  # noqa: S104
                "template": _head(args),
            },
            "workerGroupSpecs": [
                {
                    "groupName": "gpu",
                    "replicas": plan.least_replicas,
                    "minReplicas": plan.least_replicas,
                    "maxReplicas": plan.most_replicas,
                    "rayStartParams": {
                        "num-cpus": str(max(_LEAST_CPUS, -(-plan.cpu_millicores // 1000))),
                        # Half of /dev/shm, which NCCL uses as well.
                        "object-store-memory": str((plan.shm_mib // 2) << 20),
                    },
                    "template": pods.pod_template(replace(args.pod, annotations=_unhashed(plan))),
                }
            ],
        },
    }


def _unhashed(plan: ModelPlan) -> dict[str, str]:
    """Annotations of a worker with what KubeRay does not compare.

    It leaves numbers of workers and tolerations out of the hash that tells whether a cluster is as the RayService wants
    it (controllers/ray/utils/util.go, GenerateHashWithoutReplicasAndWorkersToDelete), so that a change of them alone
    would never arrive: ray-project/kuberay#2331, #4568.
    """
    found = {"llmplatform.dev/servers": f"{plan.least_replicas}-{plan.most_replicas}"}
    tolerated = [":".join(filter(None, (each.key, each.value, each.effect))) for each in plan.spec.tolerations]
    return found | ({"llmplatform.dev/tolerations": " ".join(tolerated)} if tolerated else {})


def upgrade(plan: ModelPlan) -> Literal["NewCluster", "None"]:
    """How a change of the pods arrives: a second cluster takes over once it serves, which needs the GPUs twice.

    Without room for it the RayService has to be replaced. Settings of the application alone arrive in the cluster that
    serves, either way.
    """
    return "NewCluster" if plan.second_set else "None"


def _autoscaler(plan: ModelPlan) -> dict[str, Any]:
    """Ray's own autoscaler, in a container beside the head's."""
    scaling = plan.spec.scaling
    if not isinstance(scaling, RayScaling):
        return {}
    options = {
        "version": "v2",
        "idleTimeoutSeconds": max(60, scaling.idle_seconds),
        "imagePullPolicy": "IfNotPresent",
        "resources": _AUTOSCALER,
        "securityContext": _UNPRIVILEGED,
        # The folder of the head, which shows the autoscaler's logs; else KubeRay would give it one of its own.
        "volumeMounts": [{"name": ray_serve.SESSION.volume, "mountPath": ray_serve.SESSION.path}],
    }
    return {"enableInTreeAutoscaling": True, "autoscalerOptions": options}


def _head(args: RayServiceArgs) -> core.PodTemplateSpecArgs:
    plan, server, pod = args.plan, args.server, args.pod
    if plan.head is None:
        raise ValueError(f"{plan.name}: its plan has no pool for the head")
    return core.PodTemplateSpecArgs(
        metadata=meta.ObjectMetaArgs(
            labels=pod.labels,
            # Moving it takes the model away.
            annotations={**plan.spec.pod_annotations, EVICTABLE: "false"},
        ),
        spec=core.PodSpecArgs(
            service_account_name=pod.service_account,
            # Ray's autoscaler calls the API server.
            automount_service_account_token=isinstance(plan.spec.scaling, RayScaling),
            image_pull_secrets=pod.pull_secrets,
            enable_service_links=False,
            priority_class_name=plan.spec.priority_class,
            termination_grace_period_seconds=server.drain.grace,
            affinity=pods.affinity(plan.head),
            security_context=hydrators.pod_security(server.user, server.group),
            containers=[_head_container(args)],
            volumes=[pods.folder_volume(folder) for folder in server.folders],
        ),
    )


def _head_container(args: RayServiceArgs) -> core.ContainerArgs:
    server, head = args.server, settings(args.plan.spec.engine, RayServe).head
    memory = f"{round(head.memory_gib * 1024)}Mi"
    return core.ContainerArgs(
        name="head",
        image=args.pod.image,
        image_pull_policy="IfNotPresent",
        env=pods.environment(args.pod),
        # KubeRay finds them by their names, and its Services have them.
        ports=[
            core.ContainerPortArgs(name=name, container_port=number, protocol="TCP")
            for name, number in ray_serve.FACTS.ports.items()
        ],
        resources=core.ResourceRequirementsArgs(
            requests={"cpu": f"{round(head.cpu * 1000)}m", "memory": memory}, limits={"memory": memory}
        ),
        # The pods of a cluster are deleted together, and without its head Ray ends what workers still answer.
        lifecycle=core.LifecycleArgs(
            pre_stop=core.LifecycleHandlerArgs(sleep=core.SleepActionArgs(seconds=server.drain.pre_stop))
        ),
        security_context=hydrators.unprivileged(),
        volume_mounts=[core.VolumeMountArgs(name=folder.volume, mount_path=folder.path) for folder in server.folders],
    )


def replaced_by() -> pulumi.ResourceOptions:
    """Options of a RayService without room for a second cluster: KubeRay leaves the pods of such a one as they are.

    Numbers of workers and tolerations are in the template's annotations: `_unhashed`.
    """
    cluster = "spec.rayClusterConfig"
    changes = [
        f"{cluster}.rayVersion",
        f"{cluster}.enableInTreeAutoscaling",
        f"{cluster}.autoscalerOptions",
        f"{cluster}.headGroupSpec",
        f"{cluster}.workerGroupSpecs[*].rayStartParams",
        f"{cluster}.workerGroupSpecs[*].template",
    ]
    return pulumi.ResourceOptions(replace_on_changes=changes, delete_before_replace=True)

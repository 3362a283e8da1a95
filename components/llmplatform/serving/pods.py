"""The pods of a model server: placement, rights, probes and times.

Weights are mounted to be read alone; what pods write stays on the node's disk and goes with them. The root file system
is writable because NVIDIA's CDI hook writes into it. Nothing has a privilege: the namespace can enforce `restricted`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.planning.hydration import ADAPTERS, ROOT
from llmplatform.planning.models import EVICTABLE, ModelPlan
from llmplatform.planning.pools import GPU_RESOURCE, PoolPlan
from llmplatform.serving import hydrators
from llmplatform.serving.engines.contract import (
    FILES,
    Drain,
    Execute,
    Folder,
    GrpcCheck,
    HttpGet,
    Probe,
    Probes,
    Server,
    require_apart,
)
from llmplatform.specs.taints import GPU_TAINT, Toleration

CONTAINER = "engine"
"""Usual name of the server's container."""
_OUTSIDE = "/etc/outside"
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 what NCCL opens

core = kubernetes.core.v1


@dataclass(frozen=True, kw_only=True)
class PodArgs:
    """Inputs of a pod beside its plan."""

    plan: ModelPlan
    server: Server
    image: str
    hydration_image: str
    """Image that looks for the weights, where the engine's has no Python."""
    labels: Mapping[str, str]
    selector: Mapping[str, str]
    service_account: pulumi.Input[str]
    secrets: Mapping[str, core.SecretKeySelectorArgs]
    """Environment variable to the key of its value."""
    weights: bool
    """Whether there are weights to mount; else the image has them."""
    claim: pulumi.Input[str] | None
    """Claim of the weights' volume; None: the node's disk."""
    hydration: hydrators.Command
    """Command that checks for the weights, or downloads them to the node."""
    files: pulumi.Input[str] | None
    """ConfigMap of the server's files. None: it has none."""
    pull_secrets: list[core.LocalObjectReferenceArgs] | None
    secrets_hash: pulumi.Input[str] | None
    """Changes with the secrets, so that the pods do. None: there are none."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Further ones of the pods."""
    container: str = CONTAINER
    """Name of the server's container."""
    python_path: bool = True
    """Whether a variable may tell Python where programs are."""


def pod_template(args: PodArgs) -> core.PodTemplateSpecArgs:
    """The template of one replica, or of a group's first pod."""
    return core.PodTemplateSpecArgs(
        metadata=kubernetes.meta.v1.ObjectMetaArgs(
            labels=args.labels,
            annotations={
                **args.plan.spec.pod_annotations,
                # Always set: the autoscaler keeps nodes with local volumes by default, and moving a single server takes
                # it away for minutes.
                EVICTABLE: str(_evictable(args.plan)).lower(),
                **({"llmplatform.dev/secrets": args.secrets_hash} if args.secrets_hash is not None else {}),
                **args.annotations,
            },
        ),
        spec=core.PodSpecArgs(
            service_account_name=args.service_account,
            automount_service_account_token=False,
            image_pull_secrets=args.pull_secrets,
            # A Service named like the engine would become variables that an engine takes for its own.
            enable_service_links=False,
            priority_class_name=args.plan.spec.priority_class,
            termination_grace_period_seconds=args.server.drain.grace,
            affinity=affinity(args.plan.pool),
            tolerations=_tolerations(args.plan),
            topology_spread_constraints=_spread(args.selector) if args.plan.nodes == 1 else None,
            security_context=hydrators.pod_security(args.server.user, args.server.group),
            init_containers=[_hydration(args)] if args.weights else None,
            containers=[_container(args)],
            volumes=[
                *([_weights_volume(args)] if args.weights else []),
                *map(folder_volume, args.server.folders),
                *_files(args)[0],
                *_runtime_adapters(args.plan)[0],
                _shared_memory(args.plan),
                *_hydration_volumes(args),
            ],
        ),
    )


def _container(args: PodArgs) -> core.ContainerArgs:
    server = args.server
    probes = server.probes or Probes()
    mounts = [
        *([core.VolumeMountArgs(name="weights", mount_path=ROOT, read_only=True)] if args.weights else []),
        *(core.VolumeMountArgs(name=folder.volume, mount_path=folder.path) for folder in server.folders),
        *_files(args)[1],
        *_runtime_adapters(args.plan)[1],
        *_trusted(args)[1],
        core.VolumeMountArgs(name="shared-memory", mount_path=_SHARED_MEMORY),
    ]
    require_apart([ROOT, ADAPTERS, FILES, _OUTSIDE, _SHARED_MEMORY, *(folder.path for folder in server.folders)])
    return core.ContainerArgs(
        name=args.container,
        image=args.image,
        image_pull_policy="IfNotPresent",
        command=list(server.command) or None,
        args=list(server.arguments) or None,
        env=environment(args),
        ports=[
            core.ContainerPortArgs(name=port.name, container_port=port.number, protocol="TCP") for port in server.ports
        ],
        resources=_resources(args.plan),
        startup_probe=_probe(server, probes.startup),
        readiness_probe=_probe(server, probes.readiness),
        liveness_probe=_probe(server, probes.liveness),
        lifecycle=core.LifecycleArgs(pre_stop=_pre_stop(server.drain)),
        security_context=hydrators.unprivileged(),
        volume_mounts=mounts,
    )


def _hydration(args: PodArgs) -> core.ContainerArgs:
    """Looks whether the weights are there, or fetches them to the node.

    In the engine's image, if it has Python: it is on the node anyway. Without this container an engine would take a
    missing folder for a model's name at a hub. In a group it ends with no failure: the controller would make all pods
    anew, without a pause (kubernetes-sigs/lws v0.10.0, pod_controller.go, handleRestartPolicy).
    """
    check, python = args.claim is not None, args.server.python
    image = args.image if python else args.hydration_image
    return core.ContainerArgs(
        **hydrators.container(
            args.hydration, image, check=check, again=args.plan.nodes > 1, python=python, python_path=args.python_path
        ),
        volume_mounts=[
            core.VolumeMountArgs(name="weights", mount_path=ROOT, read_only=check),
            *hydrators.volumes(args.hydration, check=check)[1],
        ],
    )


def _hydration_volumes(args: PodArgs) -> list[core.VolumeArgs]:
    """The program's, which also hold the settings' authorities."""
    used = args.weights or _trusted(args)[1]
    return hydrators.volumes(args.hydration, check=args.claim is not None)[0] if used else []


def _evictable(plan: ModelPlan) -> bool:
    return plan.least_replicas > 1 if plan.spec.evictable is None else plan.spec.evictable


def environment(args: PodArgs) -> list[core.EnvVarArgs]:
    """Variables of a server, those from Secrets last."""
    variables = {**_trusted(args)[0], **args.server.environment}
    plain = [core.EnvVarArgs(name=name, value=value) for name, value in variables.items()]
    secret = [
        core.EnvVarArgs(name=name, value_from=core.EnvVarSourceArgs(secret_key_ref=key))
        for name, key in args.secrets.items()
    ]
    return plain + secret


def _trusted(args: PodArgs) -> tuple[Mapping[str, str], list[core.VolumeMountArgs]]:
    """Variables and the mount of the settings' authorities, for servers with `egress`.

    Each library has its own variable: OpenSSL's, which aiohttp uses, and that of requests.
    """
    if not args.hydration.outside.certificates or not args.plan.spec.egress:
        return {}, []
    file = f"{_OUTSIDE}/{hydrators.CERTIFICATES}"
    mount = core.VolumeMountArgs(name="hydration", mount_path=_OUTSIDE, read_only=True)
    return {"SSL_CERT_FILE": file, "REQUESTS_CA_BUNDLE": file}, [mount]


def _resources(plan: ModelPlan) -> core.ResourceRequirementsArgs:
    """No CPU limit: throttling costs latency. No request for the disk: autoscalers do not know an empty group's."""
    memory = f"{plan.memory_mib}Mi"
    devices = {name: str(number) for name, number in {GPU_RESOURCE: plan.gpus, **plan.devices}.items() if number}
    return core.ResourceRequirementsArgs(
        requests={"cpu": f"{plan.cpu_millicores}m", "memory": memory, **devices},
        limits={"memory": memory, **devices},
    )


def _probe(server: Server, probe: Probe | None) -> core.ProbeArgs | None:
    if probe is None:
        return None
    action = core.ProbeArgs(
        period_seconds=probe.period, timeout_seconds=probe.timeout, failure_threshold=probe.failures
    )
    match probe.ask:
        case HttpGet(path=path, port=port):
            action.http_get = core.HTTPGetActionArgs(path=path, port=port)
        case Execute(command=command):
            action.exec_ = core.ExecActionArgs(command=list(command))
        case GrpcCheck(port=port, service=service):
            action.grpc = core.GRPCActionArgs(port=server.number(port), service=service)
    return action


def _pre_stop(drain: Drain) -> core.LifecycleHandlerArgs:
    if drain.command:
        return core.LifecycleHandlerArgs(exec_=core.ExecActionArgs(command=list(drain.command)))
    return core.LifecycleHandlerArgs(sleep=core.SleepActionArgs(seconds=drain.pre_stop))


def affinity(pool: PoolPlan) -> core.AffinityArgs:
    """For the nodes of a pool alone."""
    of_pool = [
        core.NodeSelectorRequirementArgs(key=key, operator="In", values=[value]) for key, value in pool.selector.items()
    ]
    return core.AffinityArgs(
        node_affinity=core.NodeAffinityArgs(
            required_during_scheduling_ignored_during_execution=core.NodeSelectorArgs(
                node_selector_terms=[core.NodeSelectorTermArgs(match_expressions=of_pool)]
            )
        )
    )


def _tolerations(plan: ModelPlan) -> list[core.TolerationArgs]:
    """Not all taints of its pool: a tainted pool is for models that ask for it."""
    return [
        core.TolerationArgs(
            key=one.key, operator="Exists" if one.value is None else "Equal", value=one.value or None, effect=one.effect
        )
        for one in (Toleration(key=GPU_TAINT), *plan.spec.tolerations)
    ]


def _spread(selector: Mapping[str, str]) -> list[core.TopologySpreadConstraintArgs]:
    """Preferred, never required: GPUs are where the cloud has them. Revisions are spread separately."""
    return [
        core.TopologySpreadConstraintArgs(
            max_skew=1,
            topology_key=key,
            when_unsatisfiable="ScheduleAnyway",
            label_selector=kubernetes.meta.v1.LabelSelectorArgs(match_labels=selector),
            match_label_keys=["pod-template-hash"],
        )
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]


def _weights_volume(args: PodArgs) -> core.VolumeArgs:
    if args.claim is not None:
        claim = core.PersistentVolumeClaimVolumeSourceArgs(claim_name=args.claim, read_only=True)
        return core.VolumeArgs(name="weights", persistent_volume_claim=claim)
    return core.VolumeArgs(
        name="weights", empty_dir=core.EmptyDirVolumeSourceArgs(size_limit=f"{args.plan.volume_gib}Gi")
    )


def _files(args: PodArgs) -> tuple[list[core.VolumeArgs], list[core.VolumeMountArgs]]:
    if args.files is None:
        return [], []
    mount = core.VolumeMountArgs(name="files", mount_path=FILES, read_only=True)
    return [core.VolumeArgs(name="files", config_map=core.ConfigMapVolumeSourceArgs(name=args.files))], [mount]


def _runtime_adapters(plan: ModelPlan) -> tuple[list[core.VolumeArgs], list[core.VolumeMountArgs]]:
    """The claim of adapters that clients load, read-only."""
    if plan.spec.lora is None or plan.spec.lora.runtime is None:
        return [], []
    claim = core.PersistentVolumeClaimVolumeSourceArgs(claim_name=plan.spec.lora.runtime.claim, read_only=True)
    mount = core.VolumeMountArgs(name="adapters", mount_path=ADAPTERS, read_only=True)
    return [core.VolumeArgs(name="adapters", persistent_volume_claim=claim)], [mount]


def folder_volume(folder: Folder) -> core.VolumeArgs:
    """The node's disk. Compilers of several pods in one folder of a network file system have broken one another."""
    disk = core.EmptyDirVolumeSourceArgs(medium="Memory" if folder.memory else None, size_limit=f"{folder.size_gib}Gi")
    return core.VolumeArgs(name=folder.volume, empty_dir=disk)


def _shared_memory(plan: ModelPlan) -> core.VolumeArgs:
    memory = core.EmptyDirVolumeSourceArgs(medium="Memory", size_limit=f"{plan.shm_mib}Mi")
    return core.VolumeArgs(name="shared-memory", empty_dir=memory)

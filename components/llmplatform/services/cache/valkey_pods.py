"""The pod of Valkey, `restricted`: the server, what loads its files again, and the exporter of its metrics."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.catalog.versions import REDIS_EXPORTER_IMAGE, VALKEY_IMAGE
from llmplatform.services.cache import valkey_server as server
from llmplatform.specs.caches import InClusterValkey
from llmplatform.specs.mirrors import Mirrors

_USER = 1000
"""That of the official chart, valkey-0.11.0."""
_ENDS_SECONDS = 60

core = kubernetes.core.v1
meta = kubernetes.meta.v1


@dataclass(frozen=True, kw_only=True)
class PodArgs:
    """What the pod is made of."""

    spec: InClusterValkey
    mirrors: Mirrors
    scraped: bool
    """Whether metrics are read."""
    labels: Mapping[str, str]
    config: pulumi.Input[str]
    """ConfigMap of the configuration."""
    keys: pulumi.Input[str]
    """Secret with the passwords of the pod's own users."""
    users: pulumi.Input[str]
    """Secret with the file of users."""
    certificate: pulumi.Input[str]
    """Secret with certificate and key."""
    claim: pulumi.Input[str]
    """Claim of the data."""
    mark: str
    """Changes with the configuration, so that the pod starts again."""


def template(args: PodArgs) -> core.PodTemplateSpecArgs:
    """The template of the pod."""
    containers = [_server(args), _reloader(args), *([_exporter(args)] if args.scraped else [])]
    spec = core.PodSpecArgs(
        automount_service_account_token=False,
        enable_service_links=False,
        image_pull_secrets=[core.LocalObjectReferenceArgs(name=name) for name in args.mirrors.pull_secrets] or None,
        termination_grace_period_seconds=_ENDS_SECONDS,
        security_context=core.PodSecurityContextArgs(
            run_as_non_root=True,
            run_as_user=_USER,
            run_as_group=_USER,
            fs_group=_USER,
            fs_group_change_policy="OnRootMismatch",
            seccomp_profile=core.SeccompProfileArgs(type="RuntimeDefault"),
        ),
        containers=containers,
        volumes=[
            core.VolumeArgs(name="config", config_map=core.ConfigMapVolumeSourceArgs(name=args.config)),
            core.VolumeArgs(name="users", secret=core.SecretVolumeSourceArgs(secret_name=args.users)),
            # Optional: cert-manager makes it later, and the server waits for it.
            core.VolumeArgs(
                name="tls", secret=core.SecretVolumeSourceArgs(secret_name=args.certificate, optional=True)
            ),
            core.VolumeArgs(name="run", empty_dir=core.EmptyDirVolumeSourceArgs(size_limit="1Mi")),
            core.VolumeArgs(
                name="data",
                persistent_volume_claim=core.PersistentVolumeClaimVolumeSourceArgs(claim_name=args.claim),
            ),
        ],
    )
    annotations = {"llmplatform.dev/config": args.mark}
    return core.PodTemplateSpecArgs(
        metadata=meta.ObjectMetaArgs(labels=args.labels, annotations=annotations), spec=spec
    )


def _server(args: PodArgs) -> core.ContainerArgs:
    memory = f"{2 * args.spec.memory_gib}Gi"
    answers = core.ExecActionArgs(
        command=["sh", "-c", f"valkey-cli -s {server.RUN}/{server.SOCKET} --user {server.MONITOR} ping | grep -q PONG"]
    )
    return core.ContainerArgs(
        name="valkey",
        image=args.mirrors.image(VALKEY_IMAGE),
        image_pull_policy="IfNotPresent",
        command=["sh", "-c", server.start()],
        env=[_password(args, server.MONITOR, "REDISCLI_AUTH")],
        ports=[core.ContainerPortArgs(name="valkey", container_port=server.PORT, protocol="TCP")],
        resources=core.ResourceRequirementsArgs(requests={"cpu": "100m", "memory": memory}, limits={"memory": memory}),
        # It answers once its file is read: ten minutes for the largest.
        startup_probe=core.ProbeArgs(exec_=answers, period_seconds=5, timeout_seconds=5, failure_threshold=120),
        readiness_probe=core.ProbeArgs(exec_=answers, period_seconds=10, timeout_seconds=5, failure_threshold=3),
        # A long script of a client is no reason to start again.
        liveness_probe=core.ProbeArgs(
            tcp_socket=core.TCPSocketActionArgs(port="valkey"),
            period_seconds=20,
            timeout_seconds=5,
            failure_threshold=6,
        ),
        security_context=_confined(),
        volume_mounts=[
            *_mounts("config", "users", "tls", "run"),
            core.VolumeMountArgs(name="data", mount_path=server.DATA),
        ],
    )


def _reloader(args: PodArgs) -> core.ContainerArgs:
    return core.ContainerArgs(
        name="reload",
        image=args.mirrors.image(VALKEY_IMAGE),
        image_pull_policy="IfNotPresent",
        command=["sh", f"{server.CONFIG}/{server.RELOAD}"],
        env=[_password(args, server.OPERATOR, "REDISCLI_AUTH")],
        resources=core.ResourceRequirementsArgs(requests={"cpu": "10m", "memory": "16Mi"}, limits={"memory": "64Mi"}),
        security_context=_confined(),
        volume_mounts=_mounts("config", "users", "tls", "run"),
    )


def _exporter(args: PodArgs) -> core.ContainerArgs:
    """Its switches are variables: main.go of redis_exporter v1.79.0."""
    plain = {
        "REDIS_ADDR": f"unix://{server.RUN}/{server.SOCKET}",
        "REDIS_USER": server.MONITOR,
        # Settings of the server are no metrics.
        "REDIS_EXPORTER_CONFIG_COMMAND": "-",
    }
    return core.ContainerArgs(
        name="exporter",
        image=args.mirrors.image(REDIS_EXPORTER_IMAGE),
        image_pull_policy="IfNotPresent",
        env=[
            *(core.EnvVarArgs(name=name, value=value) for name, value in plain.items()),
            _password(args, server.MONITOR, "REDIS_PASSWORD"),
        ],
        ports=[core.ContainerPortArgs(name="metrics", container_port=server.METRICS_PORT, protocol="TCP")],
        resources=core.ResourceRequirementsArgs(requests={"cpu": "10m", "memory": "32Mi"}, limits={"memory": "128Mi"}),
        security_context=_confined(),
        volume_mounts=_mounts("run"),
    )


def _password(args: PodArgs, user: str, variable: str) -> core.EnvVarArgs:
    source = core.EnvVarSourceArgs(secret_key_ref=core.SecretKeySelectorArgs(name=args.keys, key=user))
    return core.EnvVarArgs(name=variable, value_from=source)


def _confined() -> core.SecurityContextArgs:
    return core.SecurityContextArgs(
        allow_privilege_escalation=False,
        privileged=False,
        read_only_root_filesystem=True,
        capabilities=core.CapabilitiesArgs(drop=["ALL"]),
    )


def _mounts(*names: str) -> list[core.VolumeMountArgs]:
    places = {"config": server.CONFIG, "users": server.USERS, "tls": server.TLS, "run": server.RUN}
    return [
        core.VolumeMountArgs(name=name, mount_path=places[name], read_only=None if name == "run" else True)
        for name in names
    ]

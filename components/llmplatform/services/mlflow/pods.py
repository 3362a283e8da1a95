"""The pods of MLflow, all `restricted`: its servers, and what they have in common with its Jobs.

The root file system is read-only: what they write is in a temporary folder on their node's disk. With a bucket, these
are whole artifacts: the server writes each upload and download to a file first (mlflow 3.17.2, server/handlers.py,
`_upload_artifact`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.services.mlflow import server
from llmplatform.specs.services import Mlflow

SESSION, PASSPHRASE, WEBHOOKS = "session-key", "passphrase", "webhook-key"
"""Keys of the Secret with the servers' own keys."""
ARTIFACTS = "/artifacts"
_USER = 1000
_ENDS_SECONDS = 600
"""Time for the transfers of a server that stops."""
_TEMPORARY = "/tmp"  # noqa: S108 the pod's own

core = kubernetes.core.v1
meta = kubernetes.meta.v1


@dataclass(frozen=True, kw_only=True)
class PodArgs:
    """What the pods are made of."""

    spec: Mlflow
    database: Sequence[core.EnvVarArgs]
    """Variables of libpq: where the databases are, and who asks."""
    image: str
    pull_secrets: Sequence[str]
    namespace: str
    labels: Mapping[str, str]
    selector: Mapping[str, str]
    service_account: pulumi.Input[str]
    admin: pulumi.Input[str]
    """Secret of the administrator."""
    keys: pulumi.Input[str]
    """Secret with the servers' own keys."""
    files: pulumi.Input[str]
    """ConfigMap of the configuration."""
    destination: pulumi.Input[str]
    """Where artifacts are kept."""
    claim: pulumi.Input[str] | None
    """Claim of the artifacts' volume; None for a bucket."""
    marks: Mapping[str, pulumi.Input[str]]
    """Change with what pods read when they start, so that the pods do."""


def template(args: PodArgs) -> core.PodTemplateSpecArgs:
    """The template of a server."""
    memory = f"{args.spec.memory_gib}Gi"
    main = core.ContainerArgs(
        **container(args, "server"),
        command=pulumi.Output.from_input(args.destination).apply(
            lambda destination: server.arguments(args.spec, args.namespace, destination)
        ),
        env=[
            *variables(args),
            *encryption(args),
            *plain(server.SOURCES),
            secret("MLFLOW_FLASK_SERVER_SECRET_KEY", args.keys, SESSION),
            secret("MLFLOW_AUTH_ADMIN_PASSWORD", args.admin, "password"),
        ],
        ports=[core.ContainerPortArgs(name="http", container_port=server.PORT, protocol="TCP")],
        resources=core.ResourceRequirementsArgs(
            requests={"cpu": "250m", "memory": memory, "ephemeral-storage": f"{args.spec.scratch_gib}Gi"},
            limits={"memory": memory},
        ),
        # It imports for half a minute.
        startup_probe=_probe(period=5, failures=60),
        readiness_probe=_probe(period=10, failures=3),
        liveness_probe=_probe(period=20, failures=6),
        # The Service forgets the pod first.
        lifecycle=core.LifecycleArgs(pre_stop=core.LifecycleHandlerArgs(sleep=core.SleepActionArgs(seconds=5))),
        volume_mounts=mounts(args, artifacts=True),
    )
    servers = pod(args, main, artifacts=True, restart="Always", spread=True)
    servers.termination_grace_period_seconds = _ENDS_SECONDS
    return core.PodTemplateSpecArgs(
        metadata=meta.ObjectMetaArgs(
            labels=args.labels,
            annotations={f"llmplatform.dev/{name}": mark for name, mark in args.marks.items()},
        ),
        spec=servers,
    )


def variables(args: PodArgs) -> list[core.EnvVarArgs]:
    """Variables of what uses the databases alone."""
    return [*plain(server.environment(args.spec.databases)), *args.database]


def encryption(args: PodArgs) -> list[core.EnvVarArgs]:
    """Keys of what is encrypted in the database.

    Without one for webhooks, each server would make its own, and none could read what another has stored
    (mlflow 3.17.2, store/model_registry/dbmodels/models.py, `EncryptedString`).
    """
    return [
        secret("MLFLOW_CRYPTO_KEK_PASSPHRASE", args.keys, PASSPHRASE),
        secret("MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY", args.keys, WEBHOOKS),
    ]


def login(args: PodArgs) -> list[core.EnvVarArgs]:
    """What a client that is the administrator needs."""
    return [
        *plain({"MLFLOW_TRACKING_URI": server.url(args.namespace)}),
        secret("MLFLOW_TRACKING_USERNAME", args.admin, "username"),
        secret("MLFLOW_TRACKING_PASSWORD", args.admin, "password"),
    ]


def container(args: PodArgs, name: str, image: str | None = None, user: int | None = None) -> dict[str, Any]:
    """What all containers have in common. `image` and `user`: others than MLflow's."""
    return {
        "name": name,
        "image": image or args.image,
        "image_pull_policy": "IfNotPresent",
        "security_context": core.SecurityContextArgs(
            allow_privilege_escalation=False,
            privileged=False,
            run_as_user=user,
            read_only_root_filesystem=True,
            capabilities=core.CapabilitiesArgs(drop=["ALL"]),
        ),
    }


def pod(args: PodArgs, main: core.ContainerArgs, *, artifacts: bool, restart: str, spread: bool) -> core.PodSpecArgs:
    """A pod with one container, `restricted`."""
    return core.PodSpecArgs(
        service_account_name=args.service_account,
        automount_service_account_token=False,
        enable_service_links=False,
        image_pull_secrets=[core.LocalObjectReferenceArgs(name=name) for name in args.pull_secrets] or None,
        restart_policy=restart,
        security_context=core.PodSecurityContextArgs(
            run_as_non_root=True,
            run_as_user=_USER,
            run_as_group=_USER,
            fs_group=_USER,
            fs_group_change_policy="OnRootMismatch",
            seccomp_profile=core.SeccompProfileArgs(type="RuntimeDefault"),
        ),
        topology_spread_constraints=_spread(args.selector) if spread else None,
        containers=[main],
        volumes=volumes(args, artifacts=artifacts, temporary_gib=args.spec.scratch_gib),
    )


def _spread(selector: Mapping[str, str]) -> list[core.TopologySpreadConstraintArgs]:
    """Preferred, never required: a small cluster has one node for both."""
    return [
        core.TopologySpreadConstraintArgs(
            max_skew=1,
            topology_key=key,
            when_unsatisfiable="ScheduleAnyway",
            label_selector=meta.LabelSelectorArgs(match_labels=selector),
            match_label_keys=["pod-template-hash"],
        )
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]


def plain(variables: Mapping[str, str]) -> list[core.EnvVarArgs]:
    """Variables that are no secret."""
    return [core.EnvVarArgs(name=name, value=value) for name, value in variables.items()]


def secret(variable: str, name: pulumi.Input[str], key: str) -> core.EnvVarArgs:
    """A variable with the value of a key in a Secret."""
    source = core.EnvVarSourceArgs(secret_key_ref=core.SecretKeySelectorArgs(name=name, key=key))
    return core.EnvVarArgs(name=variable, value_from=source)


def _probe(*, period: int, failures: int) -> core.ProbeArgs:
    """`/health` alone is answered without a login, whatever the header `Host`."""
    return core.ProbeArgs(
        http_get=core.HTTPGetActionArgs(path="/health", port="http"),
        period_seconds=period,
        timeout_seconds=5,
        failure_threshold=failures,
    )


def mounts(args: PodArgs, *, artifacts: bool) -> list[core.VolumeMountArgs]:
    """Mounts of a container. `artifacts`: those of a volume, too."""
    return [
        core.VolumeMountArgs(name="files", mount_path=server.CONFIG, read_only=True),
        core.VolumeMountArgs(name="temporary", mount_path=_TEMPORARY),
        *(
            [core.VolumeMountArgs(name="artifacts", mount_path=ARTIFACTS)]
            if artifacts and args.claim is not None
            else []
        ),
    ]


def volumes(args: PodArgs, *, artifacts: bool, temporary_gib: int) -> list[core.VolumeArgs]:
    """What the mounts are of."""
    found = [
        core.VolumeArgs(name="files", config_map=core.ConfigMapVolumeSourceArgs(name=args.files)),
        core.VolumeArgs(name="temporary", empty_dir=core.EmptyDirVolumeSourceArgs(size_limit=f"{temporary_gib}Gi")),
    ]
    if artifacts and args.claim is not None:
        claim = core.PersistentVolumeClaimVolumeSourceArgs(claim_name=args.claim)
        found.append(core.VolumeArgs(name="artifacts", persistent_volume_claim=claim))
    return found

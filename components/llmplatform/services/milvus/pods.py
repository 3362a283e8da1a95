"""Pods of the Jobs beside Milvus, all of them `restricted`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import pulumi_kubernetes as kubernetes
from pulumi import Input

from llmplatform.planning.pools import PoolPlan, placed

PACKAGE = "llmplatform.services.milvus.programs"
PROGRAMS, SECRETS, AUTHORITY_FOLDER = "/programs", "/secrets", "/certificates"
AUTHORITY_FILE = f"{AUTHORITY_FOLDER}/ca.crt"
SCRATCH = "/scratch"
"""What a pod's containers leave for each other."""
_USER = 65532

core = kubernetes.core.v1
meta = kubernetes.meta.v1


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A volume of a pod, and where its containers see it."""

    name: str
    path: str
    source: Mapping[str, Any]
    """Fields of `VolumeArgs`."""
    read_only: bool = True


def program_files() -> Mapping[str, str]:
    """File name to text of the programs' modules."""
    found = sorted(resources.files(PACKAGE).iterdir(), key=lambda each: each.name)
    return {each.name: each.read_text(encoding="utf-8") for each in found if each.name.endswith(".py")}


def programs(config_map: Input[str], *further: str) -> Mount:
    """The programs, and further files of their ConfigMap beside them."""
    folder = PACKAGE.replace(".", "/")
    items = [core.KeyToPathArgs(key=name, path=f"{folder}/{name}") for name in program_files()]
    items += [core.KeyToPathArgs(key=name, path=name) for name in further]
    source = core.ConfigMapVolumeSourceArgs(name=config_map, items=items)
    return Mount(name="programs", path=PROGRAMS, source={"config_map": source})


def secrets(name: Input[str], items: Mapping[str, str] | None = None) -> Mount:
    """A Secret, or some keys of it, under other names."""
    chosen = [core.KeyToPathArgs(key=key, path=path) for key, path in items.items()] if items else None
    source = core.SecretVolumeSourceArgs(secret_name=name, default_mode=0o440, items=chosen)
    return Mount(name="secrets", path=SECRETS, source={"secret": source})


def authority(certificate: Input[str] | None) -> list[Mount]:
    """The certificate of Milvus' authority, without the server's key."""
    if certificate is None:
        return []
    items = [core.KeyToPathArgs(key="ca.crt", path="ca.crt")]
    # Optional: cert-manager makes it later, and the programs wait.
    source = core.SecretVolumeSourceArgs(secret_name=certificate, items=items, optional=True)
    return [Mount(name="authority", path=AUTHORITY_FOLDER, source={"secret": source})]


def scratch(size: str = "1Gi") -> Mount:
    """Disk of the pod's own."""
    source = core.EmptyDirVolumeSourceArgs(size_limit=size)
    return Mount(name="scratch", path=SCRATCH, source={"empty_dir": source}, read_only=False)


def run(module: str, *arguments: str) -> list[str]:
    """The command of a program."""
    return ["python", "-m", f"{PACKAGE}.{module}", *arguments]


def container(
    name: str,
    image: str,
    command: Input[Sequence[Input[str]]],
    mounts: Sequence[Mount],
    *,
    env: Sequence[core.EnvVarArgs] = (),
    memory: str = "256Mi",
) -> core.ContainerArgs:
    """A container that ends."""
    return core.ContainerArgs(
        name=name,
        image=image,
        image_pull_policy="IfNotPresent",
        command=command,
        env=[core.EnvVarArgs(name="PYTHONPATH", value=PROGRAMS), *env],
        resources=core.ResourceRequirementsArgs(
            requests={"cpu": "100m", "memory": memory, "ephemeral-storage": "1Gi"}, limits={"memory": memory}
        ),
        security_context=core.SecurityContextArgs(
            allow_privilege_escalation=False,
            privileged=False,
            read_only_root_filesystem=True,
            capabilities=core.CapabilitiesArgs(drop=["ALL"]),
        ),
        volume_mounts=[
            core.VolumeMountArgs(name=each.name, mount_path=each.path, read_only=each.read_only or None)
            for each in mounts
        ],
        # A failed Job shows its last lines.
        termination_message_policy="FallbackToLogsOnError",
    )


def template(
    containers: Sequence[core.ContainerArgs],
    mounts: Sequence[Mount],
    *,
    labels: Mapping[str, str],
    pull_secrets: Sequence[str],
    pool: PoolPlan | None,
    service_account: Input[str] | None = None,
    ends_seconds: int | None = None,
) -> core.PodTemplateSpecArgs:
    """A pod that runs the containers one after another. `ends_seconds`: time between its signal to end and its end."""
    *before, last = containers
    where = placed(pool)
    pod = core.PodSpecArgs(
        restart_policy="Never",
        termination_grace_period_seconds=ends_seconds,
        automount_service_account_token=False,
        enable_service_links=False,
        service_account_name=service_account,
        image_pull_secrets=[core.LocalObjectReferenceArgs(name=name) for name in pull_secrets] or None,
        security_context=core.PodSecurityContextArgs(
            run_as_non_root=True,
            run_as_user=_USER,
            run_as_group=_USER,
            fs_group=_USER,
            seccomp_profile=core.SeccompProfileArgs(type="RuntimeDefault"),
        ),
        node_selector=where.get("nodeSelector"),
        tolerations=[core.TolerationArgs(**each) for each in where.get("tolerations", [])] or None,
        init_containers=before or None,
        containers=[last],
        volumes=[core.VolumeArgs(name=each.name, **each.source) for each in mounts],
    )
    return core.PodTemplateSpecArgs(metadata=meta.ObjectMetaArgs(labels=labels), spec=pod)

"""The containers that download weights, or check that they exist: in a Job, and before a server."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.base import network_policy
from llmplatform.base.component import PlatformComponent
from llmplatform.base.contracts import WorkloadIdentity
from llmplatform.base.labels import labels
from llmplatform.base.ordering import after
from llmplatform.base.pulling import login, pull_secret
from llmplatform.planning.outside import OutsidePlan
from llmplatform.serving import hydration
from llmplatform.serving.network import downloads
from llmplatform.specs.mirrors import Mirrors

COMPONENT = "model-weights"
_AGAIN_SECONDS = "10"
"""As the kubelet begins between starts of a container."""
CONTAINER = "hydration"
USER, GROUP = 2000, 0
"""What it writes every user can read."""
_PLACE = "/opt/hydration"
CERTIFICATES = "certificates.pem"
"""Key of the program's ConfigMap, and file name, for the settings' authorities."""
_TOKEN_PLACE = "/var/run/hub"  # noqa: S105 the name of a folder
_PACKAGE = hydration.__name__
_START = (
    f"import runpy, sys; sys.path.insert(0, '{_PLACE}'); "
    f"runpy.run_module('{_PACKAGE}', run_name='__main__', alter_sys=True)"
)
"""As `python -m` with `_PLACE` in PYTHONPATH."""

core = kubernetes.core.v1
meta = kubernetes.meta.v1


@dataclass(frozen=True, kw_only=True)
class HydrationArgs:
    """Arguments of `Hydration`."""

    objects: str
    """Name of its objects, which no other stack uses in the namespace."""
    namespace: pulumi.Input[str]
    mirrors: Mirrors = field(default_factory=Mirrors)
    registry_password: pulumi.Input[str] | None = None
    """Password of the mirrors' login, for the models' pods. None: there is no login."""
    outside: OutsidePlan = field(default_factory=OutsidePlan)


class Hydration(PlatformComponent):
    """The common part of a namespace's downloads: program, account without rights, and network policy to the hub."""

    objects: pulumi.Output[str]
    """Name of them all. It stays through upgrades, so that nothing is downloaded or started again."""

    def __init__(self, name: str, args: HydrationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:serving:Hydration", name, opts)
        described = meta.ObjectMetaArgs(
            name=args.objects, namespace=args.namespace, labels=labels(COMPONENT, instance=args.objects)
        )
        program = core.ConfigMap(
            f"{name}-program",
            metadata=described,
            data={**modules(), **_certificates(args.outside)},
            opts=self.child(),
        )
        account = core.ServiceAccount(
            f"{name}-account", metadata=described, automount_service_account_token=False, opts=self.child()
        )
        network = kubernetes.networking.v1.NetworkPolicy(
            f"{name}-network",
            metadata=described,
            spec=kubernetes.networking.v1.NetworkPolicySpecArgs(
                pod_selector=meta.LabelSelectorArgs(match_labels={"app.kubernetes.io/name": COMPONENT}),
                policy_types=["Ingress", "Egress"],
                egress=[network_policy.dns(), downloads(args.mirrors.huggingface, args.outside.proxy)],
            ),
            opts=self.child(),
        )
        wanted = login(args.mirrors, args.registry_password)
        secrets = [pull_secret(f"{name}-login", args.objects, args.namespace, wanted, self.child())] if wanted else []
        self.objects = after(args.objects, program, account, network, *secrets)
        self.finish()


@dataclass(frozen=True, kw_only=True)
class Command:
    """One call of the download program."""

    words: tuple[str, ...]
    program: pulumi.Input[str]
    """ConfigMap with the modules."""
    token: pulumi.Input[str] | None
    """Secret with the hub's token."""
    outside: OutsidePlan = field(default_factory=OutsidePlan)
    """Proxy and certificates."""


def account(
    logical: str,
    name: str,
    described: meta.ObjectMetaArgs,
    identity: WorkloadIdentity | None,
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    """Name of a new service account. With an identity it comes after its rights: pods that start earlier get none."""
    if identity is not None:
        # An empty mapping would be a change in every update: the API server drops it.
        described.name, described.annotations = identity.service_account, {**identity.annotations} or None
    made = core.ServiceAccount(logical, metadata=described, automount_service_account_token=False, opts=opts)
    return after(name, made)


def modules() -> Mapping[str, str]:
    """File name to text of the download program's modules."""
    return {
        each.name: each.read_text(encoding="utf-8")
        for each in sorted(resources.files(_PACKAGE).iterdir(), key=lambda each: each.name)
        if each.name.endswith(".py")
    }


def _certificates(outside: OutsidePlan) -> Mapping[str, str]:
    return {CERTIFICATES: outside.certificates} if outside.certificates else {}


def volumes(command: Command, *, check: bool = False) -> tuple[list[core.VolumeArgs], list[core.VolumeMountArgs]]:
    """Volumes beside the weights, and their mounts."""
    # The packages around the modules are left out: the modules need none.
    folder = _PACKAGE.replace(".", "/")
    items = [core.KeyToPathArgs(key=name, path=f"{folder}/{name}") for name in modules()]
    items += [core.KeyToPathArgs(key=name, path=name) for name in _certificates(command.outside)]
    program = core.ConfigMapVolumeSourceArgs(name=command.program, items=items)
    made = [core.VolumeArgs(name="hydration", config_map=program)]
    mounted = [core.VolumeMountArgs(name="hydration", mount_path=_PLACE, read_only=True)]
    if command.token is not None and not check:
        secret = core.SecretVolumeSourceArgs(secret_name=command.token, default_mode=0o440)
        made.append(core.VolumeArgs(name="hub-token", secret=secret))
        mounted.append(core.VolumeMountArgs(name="hub-token", mount_path=_TOKEN_PLACE, read_only=True))
    return made, mounted


def container(
    command: Command,
    image: str,
    *,
    check: bool = False,
    again: bool = False,
    python: str | None = None,
    python_path: bool = True,
) -> dict[str, Any]:
    """Arguments of the container, but for what it mounts.

    `check`: it looks, and changes nothing. `again`: it does not end with a failure. `python_path`: a variable tells
    where the program is. `python`: interpreter of an engine's image. Its variables ask NVIDIA's runtime for every GPU,
    and the runtime writes into the root file system of a container that gets some. None: the image is the hydration's
    own.
    """
    token = ("--token-file", f"{_TOKEN_PLACE}/token") if command.token is not None and not check else ()
    trusted = ("--certificates", f"{_PLACE}/{CERTIFICATES}") if command.outside.certificates and not check else ()
    found = {"PYTHONPATH": _PLACE} if python_path else {}
    variables = {**found, "PYTHONDONTWRITEBYTECODE": "1", **({} if check else command.outside.variables)}
    if python:
        variables["NVIDIA_VISIBLE_DEVICES"] = "void"
    tries = ("--again", _AGAIN_SECONDS) if again else ()
    asked = {"cpu": "50m", "memory": "64Mi"} if check else {"cpu": "500m", "memory": "256Mi"}
    return {
        "name": CONTAINER,
        "image": image,
        "image_pull_policy": "IfNotPresent",
        "command": [python or "python3", *(("-m", _PACKAGE) if python_path else ("-c", _START))],
        "args": [*command.words, *token, *trusted, *tries, *(("--check",) if check else ())],
        "env": [core.EnvVarArgs(name=name, value=value) for name, value in variables.items()],
        # Pages for a network file system count as its memory.
        "resources": core.ResourceRequirementsArgs(requests=asked, limits={"memory": "256Mi" if check else "2Gi"}),
        # A failed update shows its last lines.
        "termination_message_policy": "FallbackToLogsOnError",
        "security_context": unprivileged(read_only=python is None),
    }


def pull_secrets(mirrors: Mirrors, objects: pulumi.Input[str]) -> list[core.LocalObjectReferenceArgs] | None:
    """Pull secrets of the models' pods: with them, pods get none of their service account's."""
    return [core.LocalObjectReferenceArgs(name=objects)] if mirrors.login else None


def unprivileged(*, read_only: bool = False) -> core.SecurityContextArgs:
    """A container without rights. `read_only`: whether it cannot write into its root file system."""
    return core.SecurityContextArgs(
        allow_privilege_escalation=False,
        privileged=False,
        read_only_root_filesystem=read_only,
        capabilities=core.CapabilitiesArgs(drop=["ALL"]),
    )


def pod_security(user: int = USER, group: int = GROUP) -> core.PodSecurityContextArgs:
    """What Pod Security `restricted` asks for."""
    return core.PodSecurityContextArgs(
        run_as_non_root=True,
        run_as_user=user,
        run_as_group=group,
        fs_group=group,
        fs_group_change_policy="OnRootMismatch",
        seccomp_profile=core.SeccompProfileArgs(type="RuntimeDefault"),
    )

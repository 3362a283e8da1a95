"""Images of models on every node of their pool before a server needs them.

Makes: a DaemonSet for each pool with `prepull`. Its init containers have the images and end at once; a small one then
stays, so that the pod is counted as running. A node fetches them while it waits, or while other servers use it. A node
that is bought for a server fetches all of them beside the server's own image: with several, the server starts later.
Dangerous to replace: nothing.
Sources: kubernetes.io, "Pods", "Init Containers"; kubelet, pkg/kubelet/images/image_gc_manager.go, `detectImages`: an
image of a container that is still known is not collected.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.base.component import PlatformComponent
from llmplatform.base.labels import labels, selector
from llmplatform.base.ordering import after
from llmplatform.catalog.versions import HYDRATION_IMAGE
from llmplatform.planning.hydration import fingerprint
from llmplatform.planning.models import ModelPlan
from llmplatform.planning.pools import PoolPlan
from llmplatform.serving.hydrators import pod_security
from llmplatform.specs.mirrors import Mirrors

COMPONENT = "prepull"
_SMALL = {"cpu": "10m", "memory": "32Mi"}

core = kubernetes.core.v1
meta = kubernetes.meta.v1


@dataclass(frozen=True, kw_only=True)
class PrepullArgs:
    """Arguments of `Prepull`."""

    name: str
    """Name of the DaemonSet."""
    pool: PoolPlan
    images: Sequence[str]
    """Images to fetch, from their mirrors."""
    namespace: pulumi.Input[str]
    """Existing namespace of the pods."""
    mirrors: Mirrors = field(default_factory=Mirrors)
    pull_secrets: list[core.LocalObjectReferenceArgs] | None = None


class Prepull(PlatformComponent):
    """The images of one pool."""

    name: pulumi.Output[str]
    """Name of the DaemonSet."""

    def __init__(self, name: str, args: PrepullArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:serving:Prepull", name, opts)
        self._args = args
        made = kubernetes.apps.v1.DaemonSet(
            f"{name}-images",
            metadata=meta.ObjectMetaArgs(
                name=args.name,
                namespace=args.namespace,
                labels=labels(COMPONENT, instance=args.name),
                # Images come when nodes do: nothing waits for them.
                annotations={"pulumi.com/skipAwait": "true"},
            ),
            spec=kubernetes.apps.v1.DaemonSetSpecArgs(
                selector=meta.LabelSelectorArgs(match_labels=selector(COMPONENT, args.name)),
                # Another image is fetched by all nodes at once: it serves no request.
                update_strategy=kubernetes.apps.v1.DaemonSetUpdateStrategyArgs(
                    type="RollingUpdate",
                    rolling_update=kubernetes.apps.v1.RollingUpdateDaemonSetArgs(max_unavailable="100%"),
                ),
                template=core.PodTemplateSpecArgs(
                    metadata=meta.ObjectMetaArgs(labels=labels(COMPONENT, instance=args.name)), spec=self._pod()
                ),
            ),
            opts=self.child(),
        )
        self.name = after(args.name, made)
        self.finish()

    def _pod(self) -> core.PodSpecArgs:
        args = self._args
        return core.PodSpecArgs(
            automount_service_account_token=False,
            enable_service_links=False,
            image_pull_secrets=args.pull_secrets,
            node_selector=dict(args.pool.selector),
            tolerations=[
                core.TolerationArgs(key=taint.key, operator="Exists", effect=taint.effect) for taint in args.pool.taints
            ],
            termination_grace_period_seconds=0,
            security_context=pod_security(),
            init_containers=[_container(f"image-{fingerprint(image)}", image, ["true"]) for image in args.images],
            containers=[
                _container(COMPONENT, args.mirrors.image(HYDRATION_IMAGE), ["sleep", "infinity"], read_only=True)
            ],
        )


def _container(name: str, image: str, command: list[str], *, read_only: bool = False) -> core.ContainerArgs:
    """`read_only`: its root file system. NVIDIA's runtime may write into that of an engine's image."""
    return core.ContainerArgs(
        name=name,
        image=image,
        image_pull_policy="IfNotPresent",
        command=command,
        # Variables of an engine's image ask NVIDIA's runtime for every GPU.
        env=[core.EnvVarArgs(name="NVIDIA_VISIBLE_DEVICES", value="void")],
        resources=core.ResourceRequirementsArgs(requests=_SMALL, limits={"memory": _SMALL["memory"]}),
        security_context=core.SecurityContextArgs(
            allow_privilege_escalation=False,
            privileged=False,
            read_only_root_filesystem=read_only,
            capabilities=core.CapabilitiesArgs(drop=["ALL"]),
        ),
    )


def images(models: Sequence[ModelPlan], pool: PoolPlan, mirrors: Mirrors) -> tuple[str, ...]:
    """The images of a pool's models, each once, in a constant order."""
    return tuple(sorted({mirrors.image(model.image) for model in models if model.pool.name == pool.name}))

"""Placeholders: pods that keep nodes of a pool ready, and give way to models at once.

Makes a PriorityClass below that of every other pod, and a Deployment for each pool with `warm` nodes. A placeholder
asks for all GPUs of a node. The scheduler evicts it for a model that finds no other node, and the autoscaler then buys
another node for it, while the model already starts. Dangerous to replace: nothing.
Sources: kubernetes.io, "Pod Priority and Preemption"; cluster-autoscaler, FAQ, "How can I configure overprovisioning".
"""

from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.base.component import PlatformComponent
from llmplatform.base.labels import labels, selector
from llmplatform.base.ordering import after
from llmplatform.base.pulling import RegistryLogin, login, pull_secret
from llmplatform.base.site import Site
from llmplatform.catalog.versions import HYDRATION_IMAGE
from llmplatform.planning.pools import GPU_RESOURCE, PoolPlan
from llmplatform.serving.hydrators import pod_security
from llmplatform.specs.mirrors import Mirrors

COMPONENT = "placeholder"
PRIORITY = -10
"""The lowest for which the autoscaler still buys a node: `--expendable-pods-priority-cutoff`, whose default is -10."""

core = kubernetes.core.v1
meta = kubernetes.meta.v1


@dataclass(frozen=True, kw_only=True)
class PlaceholdersArgs:
    """Arguments of `Placeholders`."""

    pools: tuple[PoolPlan, ...]
    """Pools with warm nodes."""
    namespace: pulumi.Input[str]
    """Existing namespace of the pods, whose quota has room for their GPUs."""
    mirrors: Mirrors = field(default_factory=Mirrors)
    login: RegistryLogin | None = None
    """Login of the mirrors. None: they need none."""


class Placeholders(PlatformComponent):
    """Pods that hold nodes until models need them."""

    priority_class: pulumi.Output[str]
    """Name of their PriorityClass."""

    def __init__(self, name: str, args: PlaceholdersArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:serving:Placeholders", name, opts)
        self._logical, self._args = name, args
        lowest = kubernetes.scheduling.v1.PriorityClass(
            f"{name}-priority",
            metadata=meta.ObjectMetaArgs(name="llmplatform-placeholder", labels=labels(COMPONENT)),
            value=PRIORITY,
            preemption_policy="Never",
            global_default=False,
            description="Pods that hold a node with GPUs until a model needs it.",
            opts=self.child(),
        )
        self.priority_class = after("llmplatform-placeholder", lowest)
        self._pull_secrets = self._login()
        for pool in args.pools:
            self._deployment(pool)
        self.finish()

    def _login(self) -> list[core.LocalObjectReferenceArgs] | None:
        name, wanted = f"{COMPONENT}-login", self._args.login
        if wanted is None:
            return None
        secret = pull_secret(f"{self._logical}-login", name, self._args.namespace, wanted, self.child())
        return [core.LocalObjectReferenceArgs(name=after(name, secret))]

    def _deployment(self, pool: PoolPlan) -> None:
        chosen = selector(COMPONENT, pool.name)
        kubernetes.apps.v1.Deployment(
            f"{self._logical}-{pool.name}",
            metadata=meta.ObjectMetaArgs(
                name=pool.placeholder,
                namespace=self._args.namespace,
                labels=labels(COMPONENT, instance=pool.name),
                # One that waits for its node, or gave way, is as it should be.
                annotations={"pulumi.com/skipAwait": "true"},
            ),
            spec=kubernetes.apps.v1.DeploymentSpecArgs(
                replicas=pool.spec.warm,
                selector=meta.LabelSelectorArgs(match_labels=chosen),
                strategy=kubernetes.apps.v1.DeploymentStrategyArgs(type="Recreate"),
                template=core.PodTemplateSpecArgs(
                    metadata=meta.ObjectMetaArgs(labels=labels(COMPONENT, instance=pool.name)),
                    spec=self._pod(pool),
                ),
            ),
            opts=self.child(),
        )

    def _pod(self, pool: PoolPlan) -> core.PodSpecArgs:
        requests = {GPU_RESOURCE: str(pool.shape.gpus), "cpu": "10m", "memory": "16Mi"}
        return core.PodSpecArgs(
            automount_service_account_token=False,
            image_pull_secrets=self._pull_secrets,
            priority_class_name=self.priority_class,
            node_selector=dict(pool.selector),
            tolerations=[
                core.TolerationArgs(key=taint.key, operator="Exists", effect=taint.effect) for taint in pool.taints
            ],
            termination_grace_period_seconds=0,
            security_context=pod_security(),
            containers=[
                core.ContainerArgs(
                    name=COMPONENT,
                    image=self._args.mirrors.image(HYDRATION_IMAGE),
                    command=["sleep", "infinity"],
                    resources=core.ResourceRequirementsArgs(
                        requests=requests,
                        limits={GPU_RESOURCE: str(pool.shape.gpus), "memory": "16Mi"},
                    ),
                    security_context=core.SecurityContextArgs(
                        allow_privilege_escalation=False,
                        read_only_root_filesystem=True,
                        capabilities=core.CapabilitiesArgs(drop=["ALL"]),
                    ),
                )
            ],
        )


def install(site: Site) -> Site:
    """The same site, with placeholders in the models' namespace for pools with warm nodes."""
    pools = tuple(pool for pool in site.pools if pool.spec.warm)
    if pools:
        args = PlaceholdersArgs(
            pools=pools,
            namespace=site.models_namespace,
            mirrors=site.mirrors,
            login=login(site.mirrors, site.secrets.get("registry_password")),
        )
        Placeholders("placeholders", args, site.opts)
    return site

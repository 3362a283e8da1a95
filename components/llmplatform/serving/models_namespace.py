"""The namespace of the models: as many GPUs as the pools can have, and nothing that faces the outside."""

from dataclasses import replace

import pulumi

from llmplatform.base.namespace import INTERNAL, Namespace, NamespaceArgs
from llmplatform.base.site import MONITORS, Site
from llmplatform.planning.pools import GPU_RESOURCE, PoolPlan, gpu_capacity
from llmplatform.specs.platform import ExistingPlatform


def install(site: Site, name: str) -> Site:
    """The site with a namespace for models, which is made after everything that makes nodes.

    Servers wait for nodes, and hold as many of the engine's slots as there are: what makes nodes cannot come later.
    """
    args = NamespaceArgs(
        namespace=name,
        quota={**INTERNAL, **gpu_quota(site.pools)},
        container_defaults={"cpu": "100m", "memory": "128Mi"},
        after=site.before_models,
    )
    return replace(site, models_namespace=Namespace("models", args, site.opts).name)


def existing(site: Site, platform: ExistingPlatform) -> Site:
    """The site with what another stack has installed."""
    crds: dict[str, pulumi.Resource | None] = {MONITORS: None} if platform.monitoring_namespace else {}
    return replace(
        site,
        models_namespace=platform.models_namespace,
        scraper=platform.monitoring_namespace,
        crds=crds,
    )


def gpu_quota(pools: tuple[PoolPlan, ...]) -> dict[str, str]:
    """No more GPUs than the pools can grow to. Without a GPU pool there is nothing to bound."""
    if not any(pool.gpu for pool in pools):
        return {}
    return {f"requests.{GPU_RESOURCE}": str(gpu_capacity(pools))}

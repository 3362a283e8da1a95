"""The namespace of the models: a quota of as many GPUs as the pools can have, and no public Service."""

from dataclasses import replace

from llmplatform.base.namespace import INTERNAL, Namespace, NamespaceArgs
from llmplatform.base.site import GROUPS, INFERENCE_SERVICES, MONITORS, RAY, SCALED_OBJECTS, Site
from llmplatform.planning.pools import GPU_RESOURCE, PoolPlan, gpu_quota
from llmplatform.specs.platform import ExistingPlatform


def install(site: Site, name: str) -> Site:
    """The site with a namespace for models, which depends on all nodes.

    Servers wait for nodes, and hold all of the engine's slots: nodes cannot be created after them.
    """
    args = NamespaceArgs(
        namespace=name,
        quota={**INTERNAL, **_gpus(site.pools)},
        container_defaults={"cpu": "100m", "memory": "128Mi"},
        labels=site.cloud.identity_labels if site.cloud else {},
        after=site.before_models,
    )
    return replace(site, models_namespace=Namespace("models", args, site.opts).name, models_home=name)


def existing(site: Site, platform: ExistingPlatform) -> Site:
    """The site on another stack's platform."""
    has = {
        MONITORS: platform.monitoring_namespace is not None,
        SCALED_OBJECTS: platform.keda,
        INFERENCE_SERVICES: platform.kserve,
        GROUPS: platform.lws,
        RAY: platform.kuberay_namespace is not None,
    }
    return replace(
        site,
        models_namespace=platform.models_namespace,
        models_home=platform.models_namespace,
        scraper=platform.monitoring_namespace,
        prometheus_url=platform.prometheus_url,
        ray_operator=platform.kuberay_namespace,
        crds={group: None for group, there in has.items() if there},
    )


def _gpus(pools: tuple[PoolPlan, ...]) -> dict[str, str]:
    """Quota of the GPUs that the pools can grow to. None without a GPU pool."""
    if not any(pool.gpu for pool in pools):
        return {}
    return {f"requests.{GPU_RESOURCE}": str(gpu_quota(pools))}

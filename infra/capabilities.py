"""The capabilities of the cluster: one line each, with the site as the lines above it left it."""

from collections.abc import Mapping

import pulumi

from llmplatform import addons, services
from llmplatform.base.foundation import CloudServices
from llmplatform.base.site import Site
from llmplatform.planning.capabilities import plan_capabilities
from llmplatform.planning.pools import PoolPlan
from llmplatform.serving import models_namespace, placeholders
from llmplatform.specs.platform import ExistingPlatform
from llmplatform.specs.stack import Stack
from settings import CHARTS


def install(
    stack: Stack,
    pools: tuple[PoolPlan, ...],
    cloud: CloudServices,
    secrets: Mapping[str, pulumi.Input[str]],
    inside: pulumi.ResourceOptions,
) -> Site:
    """The cluster with all capabilities of a stack file. `inside` has the providers of the cluster."""
    site = Site(
        environment=stack.environment,
        charts_dir=CHARTS,
        pools=pools,
        mirrors=stack.mirrors,
        secrets=secrets,
        sections=plan_capabilities(stack, pools),
        models_home=stack.platform.models_namespace,
        cloud=cloud,
        opts=inside,
    )
    if isinstance(stack.platform, ExistingPlatform):
        return models_namespace.existing(site, stack.platform)
    site = addons.monitoring.install(site)
    site = addons.cluster_autoscaler.install(site)
    site = addons.gpu_operator.install(site)
    site = addons.gpu_metrics.install(site)
    site = models_namespace.install(site, stack.platform.models_namespace)
    site = placeholders.install(site)
    site = addons.cert_manager.install(site)
    site = addons.gateway.install(site)
    site = addons.lws.install(site)
    site = addons.keda.install(site)
    site = addons.kserve.install(site)
    site = addons.kuberay.install(site)
    site = addons.cnpg.install(site)
    site = services.cache.install(site)
    site = services.mlflow.install(site)
    site = services.milvus.install(site)
    return site  # noqa: RET504 so that another capability is another line

"""The output `platform` of a stack: its reference for other stacks and programs, read by `parse_platform_ref`."""

from collections.abc import Mapping
from typing import Any

from llmplatform.base.foundation import CloudServices
from llmplatform.base.labels import MODEL_CLIENT
from llmplatform.base.outputs import later, outputs_of, unchecked
from llmplatform.base.site import GROUPS, INFERENCE_SERVICES, SCALED_OBJECTS, Site
from llmplatform.planning.pools import PoolPlan, gpu_quota, most_nodes
from llmplatform.specs.platform import ExistingPlatform
from llmplatform.specs.platform_ref import ModelsNamespace, Nodes, Reference
from llmplatform.specs.taints import Taint


def platform_ref(
    cloud: CloudServices,
    site: Site,
) -> Mapping[str, Any] | None:
    """The reference; None where the platform is another stack's, which has told already."""
    if cloud.location is None:
        return None
    reference = unchecked(Reference[ExistingPlatform])(
        version=1,
        environment=site.environment.name,
        platform=unchecked(ExistingPlatform)(
            kind="existing",
            models_namespace=later(site.models_namespace),
            monitoring_namespace=later(site.scraper) if site.scraper else None,
            prometheus_url=later(site.prometheus_url) if site.prometheus_url else None,
            keda=SCALED_OBJECTS in site.crds,
            kserve=INFERENCE_SERVICES in site.crds,
            lws=GROUPS in site.crds,
            kuberay_namespace=later(site.ray_operator) if site.ray_operator else None,
            shared_storage_class=later(cloud.shared_class),
        ),
        nodes={pool.name: _nodes(pool) for pool in site.pools},
        namespace=ModelsNamespace(
            pod_security="restricted",
            gpu_quota=gpu_quota(site.pools) if any(pool.gpu for pool in site.pools) else None,
            client_labels=MODEL_CLIENT,
        ),
        block_storage_class=later(cloud.block_class) if cloud.block_class else None,
        certificate_issuer=later(site.issuer) if site.issuer else None,
        services=site.services,
    )
    return {**outputs_of(reference), **outputs_of(cloud.location)}


def _nodes(pool: PoolPlan) -> Nodes:
    return Nodes(
        labels=dict(pool.labels),
        taints=tuple(Taint(key=taint.key, value=taint.value, effect=taint.effect) for taint in pool.taints),
        gpu=pool.gpu.name if pool.gpu else None,
        gpus=pool.shape.gpus,
        most=most_nodes(pool),
    )

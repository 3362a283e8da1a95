"""What this platform tells those who build on it: the output `platform`, which `parse_platform_ref` reads."""

from collections.abc import Mapping
from typing import Any

from foundation import Foundation
from llmplatform.base.labels import MODEL_CLIENT
from llmplatform.base.site import Site
from llmplatform.planning.pools import PoolPlan, gpu_capacity, most_nodes
from llmplatform.specs.platform_ref import VERSION
from llmplatform.specs.section import Section
from llmplatform.specs.stack import Stack


def platform_ref(
    stack: Stack, pools: tuple[PoolPlan, ...], foundation: Foundation, site: Site
) -> Mapping[str, Any] | None:
    """The reference; None where the platform is another stack's, which has told already."""
    if stack.platform.kind == "existing":
        return None
    return {
        "version": VERSION,
        "environment": stack.environment.name,
        "cloud": _plain(stack.cloud),
        **foundation.whereabouts,
        "platform": {
            "kind": "existing",
            "models_namespace": site.models_namespace,
            "monitoring_namespace": site.scraper,
            "shared_storage_class": foundation.shared_class,
        },
        "pools": {name: {**_plain(pool), "existing": True} for name, pool in stack.pools.items()},
        "mirrors": _plain(stack.mirrors),
        "outside": _plain(stack.outside),
        "nodes": {pool.name: _nodes(pool) for pool in pools},
        "namespace": {
            "pod_security": "restricted",
            "gpu_quota": gpu_capacity(pools) if any(pool.gpu for pool in pools) else None,
            "client_labels": MODEL_CLIENT,
        },
        "block_storage_class": foundation.block_class,
        "certificate_issuer": site.issuer,
    }


def _nodes(pool: PoolPlan) -> Mapping[str, Any]:
    return {
        "labels": pool.labels,
        "taints": [{"key": taint.key, "value": taint.value, "effect": taint.effect} for taint in pool.taints],
        "gpu": pool.gpu.name if pool.gpu else None,
        "gpus": pool.shape.gpus,
        "most": most_nodes(pool),
    }


def _plain(section: Section) -> Mapping[str, Any]:
    return section.model_dump(mode="json", exclude_defaults=True)

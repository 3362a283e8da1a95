"""The platform, from bottom to top: cloud, cluster, add-ons, models. Each part uses the parts above it."""

import pulumi

import capabilities
import clouds
import providers
import settings
from llmplatform import serving
from llmplatform.base.reference import platform_ref
from llmplatform.base.registration import export, quick_registration
from llmplatform.planning.models import plan_models
from llmplatform.planning.outside import plan_outside
from llmplatform.planning.pools import plan_pools

wanted = settings.load()
stack = wanted.stack
pools = plan_pools(stack)
models = plan_models(stack, pools)
outside = plan_outside(stack)
settings.require_archives(stack, pools)

with quick_registration():
    generated = providers.generated()
    cloud, kubernetes = clouds.build(stack, pools, generated)
    inside = pulumi.ResourceOptions(providers=[kubernetes, generated])
    site = capabilities.install(stack, pools, cloud, wanted.secrets, inside)
    owner = (pulumi.get_project(), pulumi.get_stack())
    servers = serving.install(site, cloud, models, outside, owner=owner)

export(
    {
        "cluster": cloud.cluster_name,
        "models": {name: server.url for name, server in servers.items()},
        "api_key_secrets": {name: server.api_key_secret for name, server in servers.items()},
        "platform": platform_ref(cloud, site),
        "grafana_secret": None,
        **site.outputs,
    }
)

"""The platform, from bottom to top: cloud, cluster, add-ons, models. Each part uses the parts above it."""

import pulumi

import capabilities
import clouds
import providers
import settings
from llmplatform.base.ordering import after
from llmplatform.base.reference import platform_ref
from llmplatform.base.registration import export, quick_registration
from llmplatform.base.site import MONITORS
from llmplatform.planning.hydration import fingerprint
from llmplatform.planning.models import plan_models
from llmplatform.planning.outside import plan_outside
from llmplatform.planning.pools import plan_pools
from llmplatform.serving import Hydration, HydrationArgs, ModelServer, ModelServerArgs
from llmplatform.specs.cloud import Alicloud

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

    # Other stacks have models in the same namespace, some of them in the same environment; no model has a dot.
    whose = fingerprint([pulumi.get_project(), pulumi.get_stack()])
    hydrated = HydrationArgs(
        objects=f"hydration.{stack.environment.name}-{whose}",
        namespace=site.models_namespace,
        mirrors=stack.mirrors,
        registry_password=wanted.secrets.get("registry_password"),
        outside=outside,
    )
    hydration = Hydration("hydration", hydrated, inside)
    servers = {
        model.name: ModelServer(
            model.name,
            ModelServerArgs(
                plan=model,
                # It is created after its nodes, and deleted before them.
                namespace=after(site.models_namespace, *cloud.nodes_of(model.pool.name)),
                mirrors=stack.mirrors,
                storage_class=cloud.shared_class,
                huggingface_token=wanted.secrets.get("huggingface_token"),
                region=stack.cloud.region if isinstance(stack.cloud, Alicloud) else None,
                hydration=hydration.objects,
                outside=outside,
                monitoring_namespace=site.scraper,
                monitoring_kinds=site.crds.get(MONITORS),
            ),
            inside,
        )
        for model in models
    }

export(
    {
        "cluster": cloud.cluster_name,
        "models": {name: server.url for name, server in servers.items()},
        "api_key_secrets": {name: server.api_key_secret for name, server in servers.items()},
        "platform": platform_ref(cloud, site),
        "grafana_secret": site.outputs.get("grafana_secret"),
    }
)

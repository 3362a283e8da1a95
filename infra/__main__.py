"""The platform, from the ground up: cloud, cluster, add-ons, models. Each part is made from the parts above it."""

import asyncio
import gc

import pulumi

import archives
import capabilities
import foundation
import providers
import reference
import settings
from llmplatform.base.ordering import after
from llmplatform.base.site import MONITORS
from llmplatform.base.traces import short_stack_traces
from llmplatform.planning.hydration import fingerprint
from llmplatform.planning.models import plan_models
from llmplatform.planning.outside import plan_outside
from llmplatform.planning.pools import plan_pools
from llmplatform.serving import Hydration, HydrationArgs, ModelServer, ModelServerArgs
from llmplatform.specs.cloud import Alicloud

# A program makes objects that live to its end: the collector would only go through them again and again.
gc.set_threshold(100_000)

wanted = settings.load()
stack = wanted.stack
pools = plan_pools(stack)
models = plan_models(stack, pools)
outside = plan_outside(stack)
archives.require(stack, pools)

with short_stack_traces():
    generated = providers.generated()
    cloud = foundation.build(stack, pools, generated)
    inside = pulumi.ResourceOptions(providers=[cloud.kubernetes, generated])
    secrets = {name: value for name, value in vars(wanted.secrets).items() if value is not None}
    site = capabilities.install(stack, pools, foundation.services(stack, cloud), secrets, inside)

    # Other stacks have models in the same namespace, some of them in the same environment; no model has a dot.
    whose = fingerprint([pulumi.get_project(), pulumi.get_stack()])
    hydrated = HydrationArgs(
        objects=f"hydration.{stack.environment.name}-{whose}",
        namespace=site.models_namespace,
        mirrors=stack.mirrors,
        registry_password=wanted.secrets.registry_password,
        outside=outside,
    )
    hydration = Hydration("hydration", hydrated, inside)
    servers = {
        model.name: ModelServer(
            model.name,
            ModelServerArgs(
                plan=model,
                # The nodes that it runs on are made before it, and gone after it.
                namespace=after(site.models_namespace, *cloud.nodes_of(model.pool.name)),
                mirrors=stack.mirrors,
                storage_class=cloud.shared_class,
                huggingface_token=wanted.secrets.huggingface_token,
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


async def outputs() -> pulumi.Inputs:
    """The stack's outputs, after every registration has begun: only then does the SDK wait for registrations.

    Before, it waits for all properties at once, and again for all of them whenever one is known: a time that grows with
    the square of the number of models.
    """
    await asyncio.sleep(0)
    return {
        "cluster": cloud.cluster_name,
        "models": {name: server.url for name, server in servers.items()},
        "api_key_secrets": {name: server.api_key_secret for name, server in servers.items()},
        "platform": reference.platform_ref(stack, pools, cloud, site),
        "grafana_secret": site.outputs.get("grafana_secret"),
    }


pulumi.run(outputs)

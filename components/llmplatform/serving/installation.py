"""The models of a stack: their common downloads, images that nodes have before, and a server for each."""

from collections.abc import Mapping, Sequence

from llmplatform.base.contracts import WorkloadIdentity
from llmplatform.base.foundation import CloudServices
from llmplatform.base.ordering import after
from llmplatform.base.rules import PAGES, Rules, RulesArgs
from llmplatform.base.site import GROUPS, INFERENCE_SERVICES, MONITORS, RAY, SCALED_OBJECTS, Site
from llmplatform.planning.hydration import account, fingerprint
from llmplatform.planning.models import ModelPlan
from llmplatform.planning.outside import OutsidePlan
from llmplatform.planning.rules import model_rules
from llmplatform.serving.hydrators import Hydration, HydrationArgs, pull_secrets
from llmplatform.serving.model_server import ModelServer, ModelServerArgs
from llmplatform.serving.prepull import COMPONENT, Prepull, PrepullArgs, images
from llmplatform.serving.ray_server import RayServer
from llmplatform.specs.addons import Monitoring
from llmplatform.specs.engines import RayServe


def install(
    site: Site, cloud: CloudServices, models: Sequence[ModelPlan], outside: OutsidePlan, *, owner: Sequence[str]
) -> Mapping[str, ModelServer]:
    """The servers of all models by name, in the models' namespace of the site.

    `cloud`: the services of the site's cluster. `outside`: proxy and certificates of downloads and servers.
    `owner`: names of project and stack, which tell its objects from those of other stacks in the namespace.
    """
    hydrated = HydrationArgs(
        # Some of the other stacks have the same environment; no model has a dot.
        objects=f"hydration.{site.environment.name}-{fingerprint(owner)}",
        namespace=site.models_namespace,
        mirrors=site.mirrors,
        registry_password=site.secrets.get("registry_password"),
        outside=outside,
    )
    hydration = Hydration("hydration", hydrated, site.opts)
    for pool in (pool for pool in site.pools if pool.spec.prepull):
        wanted = PrepullArgs(
            # Several stacks may share a pool and the namespace.
            name=f"{COMPONENT}-{pool.name}-{fingerprint(owner)}",
            pool=pool,
            images=images(models, pool, site.mirrors),
            namespace=after(site.models_namespace, *cloud.nodes_of(pool.name)),
            mirrors=site.mirrors,
            pull_secrets=pull_secrets(site.mirrors, hydration.objects),
        )
        Prepull(f"{COMPONENT}-{pool.name}", wanted, site.opts)

    def server(model: ModelPlan) -> ModelServer:
        args = ModelServerArgs(
            plan=model,
            # It is created after its nodes, and deleted before them.
            namespace=after(site.models_namespace, *cloud.nodes_of(model.pool.name)),
            mirrors=site.mirrors,
            storage_class=cloud.shared_class,
            huggingface_token=site.secrets.get("huggingface_token"),
            region=cloud.modelscope_region,
            identity=_identity(site, cloud, model),
            hydration=hydration.objects,
            outside=outside,
            monitoring_namespace=site.scraper,
            monitoring_crds=site.crds.get(MONITORS),
            prometheus_url=site.prometheus_url,
            keda=site.crds.get(SCALED_OBJECTS),
            kserve=site.crds.get(INFERENCE_SERVICES),
            lws=site.crds.get(GROUPS) if model.nodes > 1 else None,
            ray=site.crds.get(RAY),
            ray_operator=site.ray_operator,
        )
        kind = RayServer if isinstance(model.spec.engine, RayServe) else ModelServer
        return kind(model.name, args, site.opts)

    servers = {model.name: server(model) for model in models}
    _rules(site, models, owner)
    return servers


def _rules(site: Site, models: Sequence[ModelPlan], owner: Sequence[str]) -> None:
    """The rules about the models, where a Prometheus reads them."""
    if not site.scraped or MONITORS not in site.crds:
        return
    monitoring = site.wanted(Monitoring)
    groups = model_rules(
        models,
        namespace=site.models_home,
        environment=site.environment.name,
        runbooks=monitoring.runbooks if monitoring and monitoring.runbooks else PAGES,
    )
    if groups:
        wanted = RulesArgs(
            # Several stacks may share the namespace; no model has a dot.
            name=f"rules.{site.environment.name}-{fingerprint(owner)}",
            namespace=site.models_namespace,
            groups=groups,
            crds=site.crds[MONITORS],
        )
        Rules("model-rules", wanted, site.opts)


def _identity(site: Site, cloud: CloudServices, model: ModelPlan) -> WorkloadIdentity | None:
    """The identity of a model's download, which reads its buckets and nothing else; None without any."""
    found = model.buckets
    if found is None:
        return None
    if cloud.identity is None or cloud.read_objects is None:
        raise ValueError(f"models.{model.name}: the cloud gives no identity that may read {found.places[0]}")
    grants = [
        # The names are part of those of policies, which take few characters.
        cloud.read_objects(f"read-{fingerprint(str(place))}", bucket=place.name, prefix=place.path, key=found.key)
        for place in found.places
    ]
    return cloud.identity(
        f"{model.name}-weights",
        namespace=site.models_home,
        service_account=account(model.name, model.spec),
        grants=grants,
    )

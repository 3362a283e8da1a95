"""CloudNativePG: makes Postgres servers within the cluster, and backs them up to a bucket by its plugin.

Makes no database by itself: `site.database` does, by `addons/postgres.py`. Databases share the operator's namespace, so
that it reads no Secret elsewhere; the plugin's chart knows no such limit, and lets it read all Secrets of the cluster.
Dangerous to replace: the namespace, with every database in it: full protection refuses to delete it. The CRDs of both
charts stay when their releases are uninstalled, and databases with them. While the operator is away, databases serve,
and a lost primary is not replaced.
Source of ports, labels and keys: cloudnative-pg/charts at cloudnative-pg-v0.29.0 and plugin-barman-cloud-v0.7.0,
templates; ports of its pods: cloudnative-pg v1.30.0, docs/src/networking.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pydantic import Field

from llmplatform.addons.postgres import PORT as POSTGRES_PORT
from llmplatform.addons.postgres import STATUS_PORT, Postgres, PostgresArgs
from llmplatform.base.chart_values import Resources, Values
from llmplatform.base.component import PlatformComponent
from llmplatform.base.contracts import ObjectStore
from llmplatform.base.namespace import Namespace
from llmplatform.base.network_policy import Allow, Openings, https, pods
from llmplatform.base.ordering import after
from llmplatform.base.site import BARMAN, CERTIFICATES, Pods, Rails, Site
from llmplatform.specs.addons import Cnpg as Spec
from llmplatform.specs.databases import InClusterPostgres
from llmplatform.specs.objects import ObjectStore as ObjectStoreSpec

OPERATOR, PLUGIN = Spec.charts
(NAMESPACE,) = Spec.namespaces
WEBHOOK_PORT, METRICS_PORT, PLUGIN_PORT = 9443, 8080, 9090
"""The charts' own: `webhook.port`, the port `metrics` of deployment.yaml, and that of the plugin's deployment.yaml."""
POSTGRES_METRICS_PORT = 9187
"""Of a database's pods (pkg/management/url/url.go)."""
OPERATOR_PODS: Mapping[str, str] = {"app.kubernetes.io/name": OPERATOR}
PLUGIN_PODS: Mapping[str, str] = {"app.kubernetes.io/name": PLUGIN}
"""Labels of their pods: `selectorLabels`, _helpers.tpl."""
INSTANCES: Mapping[str, str] = {"cnpg.io/podRole": "instance"}
"""Labels of the servers of every database (pkg/specs/pods.go)."""


class _Config(Values):
    cluster_wide: bool = False
    """Its rights are a Role in its own namespace. By default it reads every Secret of the cluster."""
    data: dict[str, str] = Field(default={"ENABLE_INSTANCE_MANAGER_INPLACE_UPDATES": "true"})
    """An upgrade of the operator replaces its program within the databases' pods. By default it restarts each of
    them."""


class _Monitoring(Values):
    pod_monitor_enabled: bool


class CnpgValues(Values):
    """Values of the operator's chart that we set."""

    replica_count: int = 2
    """One leads, and the other takes its place when its node is drained: it replaces lost primaries."""
    priority_class_name: str = "system-cluster-critical"
    config: _Config = _Config()
    monitoring: _Monitoring
    resources: Resources = Resources.of("100m", "128Mi", most_memory="512Mi")
    topology_spread_constraints: tuple[dict[str, Any], ...] = tuple(
        {
            "maxSkew": 1,
            "topologyKey": key,
            # Preferred: a small cluster has one node for both.
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": dict(OPERATOR_PODS)},
            "matchLabelKeys": ["pod-template-hash"],
        }
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    )


class BarmanCloudValues(Values):
    """Values of the plugin's chart that we set. It has one pod: it knows no rolling update (deployment.yaml)."""

    priority_class_name: str = "system-cluster-critical"
    """While it is away, the operator does nothing for databases with backups."""
    resources: Resources = Resources.of("50m", "96Mi", most_memory="256Mi")


@dataclass(frozen=True, kw_only=True)
class CnpgArgs:
    """Arguments of `Cnpg`."""

    spec: Spec
    site: Site

    def __post_init__(self) -> None:
        if self.spec.barman_cloud and CERTIFICATES not in self.site.crds:
            raise ValueError("addons.cnpg.barman_cloud: its certificates need addons.cert_manager")


class Cnpg(PlatformComponent):
    """The operator, its plugin, and the namespace of all databases."""

    namespace: pulumi.Output[str]
    """Namespace of the databases; known when the operator and its plugin are installed."""

    def __init__(self, name: str, args: CnpgArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:addons:Cnpg", name, opts)
        site = args.site
        rails = Rails(
            namespace=NAMESPACE,
            pods=Pods(200, "servers of all databases, and a Job for each that is made or restored"),
            openings=openings(args.spec),
            metrics=(METRICS_PORT, POSTGRES_METRICS_PORT),
            keeps_data=True,
        )
        space = site.namespace(self, name, rails)
        operator = site.release(self, name, OPERATOR, values(site), space)
        installed = [operator, *self._plugin(name, args, space, operator)]
        self.namespace = after(NAMESPACE, *installed)
        self.finish()

    def _plugin(
        self, name: str, args: CnpgArgs, space: Namespace, operator: pulumi.Resource
    ) -> list[kubernetes.helm.v3.Release]:
        if not args.spec.barman_cloud:
            return []
        site = args.site
        before = [operator, *site.needs(CERTIFICATES)]
        values = BarmanCloudValues()
        return [site.release(self, name, PLUGIN, values, space, role="barman-cloud", depends_on=before)]


def install(site: Site) -> Site:
    """The site with CRDs of Postgres and of its backups, and what acts on them, where the settings ask for it."""
    spec = site.wanted(Spec)
    if spec is None:
        return site
    made = Cnpg("cnpg", CnpgArgs(spec=spec, site=site), site.opts)
    site = site.with_crds(OPERATOR, made)
    here = site.with_crds(PLUGIN, made) if spec.barman_cloud else site

    def database(name: str, wanted: InClusterPostgres, /, *, client: str) -> Postgres:
        return Postgres(f"{name}-postgres", arguments(here, made.namespace, name, wanted, client), here.opts)

    return replace(here, in_cluster_database=database)


def arguments(
    site: Site, namespace: pulumi.Input[str], name: str, spec: InClusterPostgres, client: str
) -> PostgresArgs:
    """Arguments of a server, with its buckets and rights. Raises ValueError where the cloud gives none for backups."""
    server, store, source = spec.name or name, None, None
    if spec.backups:
        store = _store(site, f"{name}-backups", spec.backups.store)
    if spec.restore_from and spec.restore_from.store:
        source = _store(site, f"{name}-restored", spec.restore_from.store)
    grants = [*([store.read_write()] if store else []), *([source.read()] if source else [])]
    identity = None
    if grants and site.cloud and site.cloud.identity:
        # The operator gives pods a service account of the server's name.
        identity = site.cloud.identity(f"{server}-postgres", namespace=NAMESPACE, service_account=server, grants=grants)
    return PostgresArgs(
        spec=spec,
        site=site,
        name=server,
        namespace=namespace,
        home=NAMESPACE,
        operator=OPERATOR_PODS,
        client=client,
        store=store,
        source=source,
        identity=identity,
    )


def _store(site: Site, name: str, spec: ObjectStoreSpec) -> ObjectStore:
    """Barman lists backups by paths with the bucket in them, which OSS refuses, and it needs a permanent key there."""
    if BARMAN not in site.crds:
        raise ValueError(f"{name}: nothing here makes backups; set addons.cnpg.barman_cloud to true")
    if site.cloud is None or site.cloud.object_store is None or site.cloud.identity is None:
        raise ValueError(f"{name}: this cluster's cloud gives no buckets, or no rights to use them; remove backups")
    made = site.cloud.object_store(name, spec)
    if made.provider != "aws":
        raise ValueError(f"{name}: the backup plugin works with no bucket of OSS; remove backups")
    return made


def openings(spec: Spec) -> Openings:
    """The API server calls webhooks from addresses that no selector names; the operator asks plugin and databases."""
    inside = {
        "allow-webhooks": Allow(direction="Ingress", ports=(WEBHOOK_PORT,), pods=OPERATOR_PODS),
        "allow-instances": Allow(
            direction="Egress",
            peers=(pods(NAMESPACE, INSTANCES),),
            ports=(STATUS_PORT, POSTGRES_PORT),
            pods=OPERATOR_PODS,
        ),
    }
    if not spec.barman_cloud:
        return {**https(), **inside}
    return {
        **https(),
        **inside,
        "allow-plugin-in": Allow(
            direction="Ingress", peers=(pods(NAMESPACE, OPERATOR_PODS),), ports=(PLUGIN_PORT,), pods=PLUGIN_PODS
        ),
        "allow-plugin-out": Allow(
            direction="Egress", peers=(pods(NAMESPACE, PLUGIN_PODS),), ports=(PLUGIN_PORT,), pods=OPERATOR_PODS
        ),
    }


def values(site: Site) -> CnpgValues:
    """Values of the operator's release."""
    return CnpgValues(monitoring=_Monitoring(pod_monitor_enabled=site.scraped))

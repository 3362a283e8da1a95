"""A cluster, and the common needs of everything that is installed into it, in one object.

`Site.release` is the one way to install third-party software: a namespace with its guard rails, a pinned chart, images
from the mirrors, and CRDs before their users. It has no provider: its `opts` have them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self, TypeVar

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.base import charts
from llmplatform.base.chart_values import Values
from llmplatform.base.component import PlatformComponent
from llmplatform.base.contracts import Cache, Database, InClusterDatabases, KnownCache
from llmplatform.base.foundation import CloudServices
from llmplatform.base.images import mirrored
from llmplatform.base.namespace import ADDON_DEFAULTS, INTERNAL, Namespace, NamespaceArgs, PodSecurity
from llmplatform.base.network_policy import Allow, Openings, scraped
from llmplatform.base.pulling import RegistryLogin, login, pull_secret
from llmplatform.catalog.chart_values import chart_crds
from llmplatform.catalog.trees import merged
from llmplatform.catalog.versions import CHARTS
from llmplatform.planning.pools import PoolPlan
from llmplatform.specs.caches import ExistingCache, NewCache
from llmplatform.specs.databases import InClusterPostgres, NewPostgres
from llmplatform.specs.environment import Environment
from llmplatform.specs.mirrors import PULL_SECRET, Mirrors
from llmplatform.specs.platform_ref import Services
from llmplatform.specs.section import Section

S = TypeVar("S", bound=Section)

MONITORS = "monitoring.coreos.com"
"""API group of ServiceMonitor, PodMonitor and PrometheusRule."""
SCALED_OBJECTS = "keda.sh"
"""API group of ScaledObject."""
CERTIFICATES = "cert-manager.io"
"""API group of Certificate."""
INFERENCE_SERVICES = "serving.kserve.io"
"""API group of InferenceService."""
GROUPS = "leaderworkerset.x-k8s.io"
"""API group of LeaderWorkerSet."""
RAY = "ray.io"
"""API group of RayService."""
POSTGRES = "postgresql.cnpg.io"
"""API group of Cluster and ScheduledBackup of CloudNativePG."""
BARMAN = "barmancloud.cnpg.io"
"""API group of ObjectStore of its plugin."""


@dataclass(frozen=True)
class Pods:
    """Quota of pods in a namespace: far above its needs, so that an update can replace all at once."""

    most: int
    because: str
    """Reason for a high or low number."""


USUAL = Pods(50, "a controller, its webhooks and its jobs, each twice while they are replaced")


@dataclass(frozen=True, kw_only=True)
class Rails:
    """Guard rails of a capability's own namespace, which is closed by default and has no public Service."""

    namespace: str
    """Its name in the cluster."""
    pod_security: PodSecurity = "restricted"
    """Enforced Pod Security level. A level above `restricted` has its reason beside it."""
    pods: Pods = USUAL
    openings: Openings = field(default_factory=dict[str, Allow])
    """Name of a policy to its openings, beside DNS."""
    metrics: tuple[int, ...] = ()
    """Ports of metrics, open only with a scraping Prometheus."""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """Further labels of the namespace."""
    keeps_data: bool = False
    """Whether it has volumes that no other resource protects: full protection refuses to delete it."""
    delete: str | None = None
    """Time for its deletion, e.g. `45m`. None: the provider's own."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """A cluster, and the needs of installers in it."""

    charts_dir: str
    """Folder of the charts' archives; see `llmplatform charts pull`."""
    environment: Environment
    """Owner and protection."""
    pools: tuple[PoolPlan, ...] = ()
    """Pools of its nodes."""
    mirrors: Mirrors = field(default_factory=Mirrors)
    secrets: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])
    """Secrets of the settings by name; `registry_password` is that of the mirrors' login."""
    sections: tuple[Section, ...] = ()
    """Settings of the capabilities to install; see `plan_capabilities`."""
    cloud: CloudServices | None = None
    """The cloud's services for the cluster. None: only nodes."""
    opts: pulumi.ResourceOptions | None = None
    """Options of installed resources, with the providers."""

    scraper: pulumi.Input[str] | None = None
    """Namespace of the Prometheus that scrapes metrics. None: metrics are not scraped."""
    prometheus_url: pulumi.Input[str] | None = None
    """Address of that Prometheus in the cluster. None: there is none, or its settings do not say."""
    crds: Mapping[str, pulumi.Resource | None] = field(default_factory=dict[str, pulumi.Resource | None])
    """API group of CRDs to the release that installs them; None if the cluster has them already."""
    ray_operator: pulumi.Input[str] | None = None
    """Namespace of the KubeRay operator, which asks the heads of Ray clusters. None: there is none."""
    in_cluster_database: InClusterDatabases | None = None
    """Makes servers of Postgres within the cluster; None: nothing does."""
    issuer: pulumi.Input[str] | None = None
    """ClusterIssuer of certificates. None: there is none."""
    before_models: tuple[pulumi.Resource, ...] = ()
    """Resources that make nodes and GPUs usable: the models' namespace depends on them."""
    models_namespace: pulumi.Input[str] = "models"
    """Namespace of the models; an output of its guard rails if this stack creates it."""
    models_home: str = "models"
    """Its plain name, for rights in the cloud."""
    services: Services = field(default_factory=lambda: Services(mlflow=None, milvus=None))
    """Services, as the output `platform` tells of them."""
    outputs: Mapping[str, pulumi.Output[Any]] = field(default_factory=dict[str, pulumi.Output[Any]])
    """Outputs of the stack by name."""

    def wanted(self, *kinds: type[S]) -> S | None:
        """Settings of one of these classes; None if that is not installed."""
        return next((each for each in self.sections if isinstance(each, kinds)), None)

    def with_crds(self, chart: str, release: pulumi.Resource | None) -> Self:
        """The site with the CRDs of a chart. `release` installs them; None: the cluster has them already."""
        return replace(self, crds={**self.crds, **{each.group: release for each in chart_crds(chart)}})

    def cache(self, name: str, spec: NewCache | ExistingCache) -> Cache:
        """A cache of the cloud, or an existing one. `name`: of its resources, in this stack.

        Raises ValueError if the cloud makes none, or an existing one has no password.
        """
        if isinstance(spec, ExistingCache):
            password = self.secrets.get("cache_password")
            if password is None:
                raise ValueError("an existing cache: it needs secrets.cache_password")
            return KnownCache.of(spec, password)
        if self.cloud is None or self.cloud.cache is None:
            raise ValueError("a new cache: nothing here makes caches in the cloud; write kind: in_cluster")
        return self.cloud.cache(name, spec)

    @property
    def scraped(self) -> bool:
        """Whether metrics are scraped."""
        return self.scraper is not None

    def needs(self, group: str) -> list[pulumi.Resource]:
        """Dependencies of a resource of an API group: the release of its CRDs.

        Raises LookupError if nothing installs the group, and the cluster does not have it.
        """
        if group not in self.crds:
            raise LookupError(f"CRDs of {group}: installed by nothing before this; site.crds has {sorted(self.crds)}")
        release = self.crds[group]
        return [release] if release else []

    def database(self, name: str, spec: NewPostgres | InClusterPostgres, *, client: str) -> Database:
        """The server of Postgres that settings ask for, open to the pods of the namespace `client`.

        `name`: of its resources, in this stack.
        Raises ValueError where nothing makes one.
        """
        if isinstance(spec, InClusterPostgres):
            if self.in_cluster_database is None:
                raise ValueError(f"{name}: nothing makes databases in the cluster; set addons.cnpg.enabled to true")
            return self.in_cluster_database(name, spec, client=client)
        if self.cloud is None or self.cloud.database is None:
            raise ValueError(f"{name}: nothing here makes databases; write kind: existing")
        return self.cloud.database(name, spec)

    def _login(self) -> RegistryLogin | None:
        return login(self.mirrors, self.secrets.get("registry_password"))

    def namespace(
        self, owner: PlatformComponent, name: str, rails: Rails, *, after: Sequence[pulumi.Resource] = ()
    ) -> Namespace:
        """A namespace with its guard rails. `after`: what is made before it, and so before its pods."""
        args = NamespaceArgs(
            namespace=rails.namespace,
            pod_security=rails.pod_security,
            labels=rails.labels,
            quota={"pods": str(rails.pods.most), **INTERNAL},
            container_defaults=ADDON_DEFAULTS,
            login=self._login(),
            openings={**rails.openings, **scraped(self.scraper, *rails.metrics)} if rails.metrics else rails.openings,
            protect=rails.keeps_data and self.environment.protected,
            delete=rails.delete,
            after=after,
        )
        return Namespace(f"{name}-space", args, owner.child())

    def release(
        self,
        owner: PlatformComponent,
        name: str,
        chart: str,
        values: Values,
        home: Rails | Namespace | pulumi.Input[str],
        *,
        role: str = "release",
        depends_on: Sequence[pulumi.Resource] = (),
    ) -> kubernetes.helm.v3.Release:
        """A chart of the catalog, installed by a component of that name.

        `home`: guard rails of a new namespace, or a `Namespace` that it shares with another release, or the name of an
        existing namespace. With scraping, it depends on the CRDs of its ServiceMonitors.
        """
        if isinstance(home, Rails):
            home = self.namespace(owner, name, home)
        before = [*depends_on, *(self.needs(MONITORS) if self.scraped else ())]
        secret = PULL_SECRET
        if not isinstance(home, Namespace):
            # It may have Secrets of others.
            secret = f"{chart}-registry-login"
            if wanted := self._login():
                before.append(pull_secret(f"{name}-login", secret, home, wanted, owner.child()))
        images = mirrored(chart, self.mirrors, secret if self.mirrors.login else None)
        return charts.release(
            f"{name}-{role}",
            CHARTS[chart],
            merged(images, values.dump()),
            namespace=home.name if isinstance(home, Namespace) else home,
            charts_dir=self.charts_dir,
            opts=owner.child(depends_on=before),
        )

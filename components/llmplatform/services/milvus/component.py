"""Milvus, a database of vectors: its operator, and one Milvus.

Makes: the operator with its CRDs, the resource from which it makes Deployments and an etcd, passwords, an authority and
a certificate, a Job for users and roles, CronJobs for backups, PodDisruptionBudgets and PodMonitors; `install` makes
buckets and identities.
The operator can make no budgets, and its own monitor never selects etcd (`NewAppLabels`, pkg/controllers/utils.go,
v1.3.8).
Dangerous to replace: the release, whose CRDs are templates: without it every Milvus is deleted; the resource, with
which its etcd goes: nothing in the bucket can be found again; the namespace, with etcd's volumes. Full protection
refuses to delete resource and namespace, and the operator keeps the volumes of a resource that is deleted by hand.
Access: port 19530 is open to clients, and that of the REST API to this namespace. Port 9091 is open to Prometheus
alone: it stops a server, and shows its settings, without a password (milvus-io/milvus#50763, #46817). Etcd has no
password, because the operator takes one only in clear text: its network lets in Milvus and the operator alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.base.chart_values import Resources, Values
from llmplatform.base.component import PlatformComponent
from llmplatform.base.contracts import Grant, ObjectStore, WorkloadIdentity
from llmplatform.base.labels import labels
from llmplatform.base.network_policy import Allow, Openings, addresses, https, namespace, own_pods, pods
from llmplatform.base.ordering import after
from llmplatform.base.outputs import later, unchecked
from llmplatform.base.site import MONITORS, Pods, Rails, Site
from llmplatform.planning.milvus import plan_milvus
from llmplatform.services.milvus import access
from llmplatform.services.milvus import backups as milvus_backups
from llmplatform.services.milvus.place import Place, account, certificate
from llmplatform.services.milvus.resource import (
    CERTIFICATE,
    ETCD_METRICS,
    ETCD_METRICS_PORT,
    METRICS_PORT,
    NAME,
    PORT,
    REST_PORT,
    Wiring,
    component_labels,
    etcd_labels,
    resource,
)
from llmplatform.specs.platform_ref import MilvusService
from llmplatform.specs.services import Milvus as Spec

PATIENCE = "45m"
"""Time for its end: query nodes move their segments while they stop, and no other one is left to take them."""
CHART = "milvus-operator"
(NAMESPACE,) = Spec.namespaces
OPERATOR_METRICS_PORT = 8080
INTERNAL = (PORT, REST_PORT, 19529, 53100, 19531, 13333, 21123, 21124, 22222, 2379, 2380)
"""Ports among its own pods: of clients, of REST, proxy, coordinators (root, query, data), query, data and streaming
nodes, and etcd. Source: milvus-operator v1.3.8, pkg/controllers/components.go; milvus.yaml, `proxy.internalPort`; etcd
chart 8.12.0."""

core = kubernetes.core.v1
meta = kubernetes.meta.v1
CustomResource = kubernetes.apiextensions.CustomResource


class MilvusOperatorValues(Values):
    """Values of the operator's chart that we set."""

    monitoring_enabled: bool
    resources: Resources = Resources.of("100m", "256Mi", most_memory="1Gi")


@dataclass(frozen=True, kw_only=True)
class MilvusArgs:
    """Arguments of `Milvus`."""

    spec: Spec
    site: Site
    store: ObjectStore
    """Bucket of its data."""
    identity: WorkloadIdentity
    """Service account of its pods, with the right to read and write the bucket."""
    storage_class: pulumi.Input[str] | None = None
    """Class of etcd's volumes. None: the cluster's default."""
    backups: milvus_backups.BackupArgs | None = None
    """Bucket and identities of backups. None: none are made."""

    def __post_init__(self) -> None:
        if self.spec.tls and self.site.issuer is None:
            raise ValueError("services.milvus.tls: certificates need addons.cert_manager")


class Milvus(PlatformComponent):
    """One Milvus in a namespace of its own, with its operator."""

    address: pulumi.Output[str]
    """Address for clients in the cluster, `https://` with TLS. Depends on the resource."""
    root_secret: pulumi.Output[str]
    """Secret with `username` and `password` of the first user, `NAMESPACE/NAME`."""
    user_secrets: pulumi.Output[dict[str, str]]
    """User of the settings to its Secret, `NAMESPACE/NAME`. Known when the users are there."""

    def __init__(self, name: str, args: MilvusArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:services:Milvus", name, opts)
        self._logical, self._args, site = name, args, args.site
        plan = plan_milvus(args.spec)
        rails = Rails(
            namespace=NAMESPACE,
            # The operator's init container keeps its capabilities, and no setting takes them (`renderInitContainer`).
            pod_security="baseline",
            pods=Pods(3 * sum(part.replicas for part in plan.everything) + 10, "each twice while it is replaced"),
            openings=openings(args),
            metrics=(METRICS_PORT, ETCD_METRICS_PORT, OPERATOR_METRICS_PORT),
            labels=args.identity.namespace_labels,
            keeps_data=True,
            delete=PATIENCE,
        )
        space = site.namespace(self, name, rails, after=site.before_models)
        values = MilvusOperatorValues(monitoring_enabled=site.scraped)
        operator = site.release(self, name, CHART, values, space)
        place = Place(logical=name, site=site, spec=args.spec, space=space.name, child=self.child)
        wiring = Wiring(
            store=args.store,
            storage_class=args.storage_class,
            environment=site.environment.name,
            keep_disks=site.environment.protected,
            mirrors=site.mirrors,
            pool=next((pool for pool in site.pools if pool.name == args.spec.pool), None),
            service_account=account(place, NAME, args.identity, "account"),
            root_secret=access.root(place),
            certificate=certificate(place, NAMESPACE) if args.spec.tls else None,
        )
        made = CustomResource(
            f"{name}-resource",
            api_version="milvus.io/v1beta1",
            kind="Milvus",
            metadata=self._meta(NAME, space.name),
            spec=resource(args.spec, plan, wiring),
            opts=self.child(
                depends_on=[operator],
                protect=site.environment.protected,
                custom_timeouts=pulumi.CustomTimeouts(delete=PATIENCE),
            ),
        )
        for part, planned in {**plan.parts, "etcd": plan.etcd}.items():
            if planned.replicas > 1:
                self._budget(part, space.name)
        if site.scraped:
            self._monitor("servers", space.name, {"app.kubernetes.io/name": "milvus"}, {"port": "metrics"})
            self._monitor("etcd", space.name, etcd_labels(), ETCD_METRICS)
        host, scheme = f"{NAME}-milvus.{NAMESPACE}.svc", "https" if args.spec.tls else "http"
        address, rest = f"{scheme}://{host}:{PORT}", f"{scheme}://{host}:{REST_PORT if args.spec.tls else PORT}"
        programs = access.files(place)
        secrets, passwords = access.user_secrets(place, address)
        users = access.job(place, rest, programs, passwords, wiring.root_secret, wiring.certificate, made)
        if args.backups is not None:
            milvus_backups.Backups(
                place,
                args.backups,
                milvus_backups.Server(
                    host=host,
                    rest=rest,
                    root_secret=wiring.root_secret,
                    certificate=wiring.certificate,
                    programs=programs,
                    resource=made,
                ),
            )
        self.address = after(address, made)
        self.root_secret = pulumi.Output.concat(space.name, "/", wiring.root_secret)
        self.user_secrets = after(access.outputs(secrets), users)
        self.finish()

    def _meta(self, name: str, space: pulumi.Input[str], **further: Any) -> meta.ObjectMetaArgs:
        return meta.ObjectMetaArgs(
            name=name, namespace=space, labels=labels("milvus", instance=self._logical), **further
        )

    def _budget(self, part: str, space: pulumi.Input[str]) -> None:
        """One pod at a time: a drained node may take no more of a part."""
        kubernetes.policy.v1.PodDisruptionBudget(
            f"{self._logical}-budget-{part.lower()}",
            metadata=self._meta(f"milvus-{part.lower()}", space),
            spec=kubernetes.policy.v1.PodDisruptionBudgetSpecArgs(
                max_unavailable=1,
                selector=meta.LabelSelectorArgs(
                    match_labels=etcd_labels() if part == "etcd" else component_labels(part)
                ),
            ),
            opts=self.child(),
        )

    def _monitor(
        self, role: str, space: pulumi.Input[str], chosen: Mapping[str, str], endpoint: Mapping[str, Any]
    ) -> None:
        CustomResource(
            f"{self._logical}-monitor-{role}",
            api_version="monitoring.coreos.com/v1",
            kind="PodMonitor",
            metadata=self._meta(f"milvus-{role}", space),
            spec={
                "selector": {"matchLabels": dict(chosen)},
                "podMetricsEndpoints": [{**endpoint, "path": "/metrics", "interval": "30s"}],
                "podTargetLabels": ["app.kubernetes.io/instance", "app.kubernetes.io/component"],
            },
            opts=self.child(depends_on=self._args.site.needs(MONITORS)),
        )


def install(site: Site) -> Site:
    """The site with a Milvus, where the settings ask for it. Raises ValueError where the cloud gives no bucket."""
    spec = site.wanted(Spec)
    if spec is None:
        return site
    if site.cloud is None or site.cloud.object_store is None or site.cloud.identity is None:
        raise ValueError("services.milvus: this cluster's cloud gives no buckets, or no rights to use them")
    make, stores = site.cloud.identity, site.cloud.object_store
    store = stores("milvus-data", spec.store)
    identity = make("milvus", namespace=NAMESPACE, service_account=NAME, grants=[store.read_write()])
    backups = None
    if spec.backups.enabled:
        kept = stores("milvus-backups", spec.backups.store)

        def reaching(name: str, *grants: Grant) -> WorkloadIdentity:
            return make(name, namespace=NAMESPACE, service_account=name, grants=grants)

        backups = milvus_backups.BackupArgs(
            data=store,
            store=kept,
            backup=reaching(milvus_backups.BACKUP, store.read(), kept.read_write()),
            restore=reaching(milvus_backups.RESTORE, store.read_write(), kept.read()),
        )
    args = MilvusArgs(
        spec=spec,
        site=site,
        store=store,
        identity=identity,
        storage_class=site.cloud.block_class,
        backups=backups,
    )
    made = Milvus("milvus", args, site.opts)
    outputs = {
        **site.outputs,
        "milvus_address": made.address,
        "milvus_secret": made.root_secret,
        "milvus_user_secrets": made.user_secrets,
    }
    told = unchecked(MilvusService)(
        address=later(made.address),
        clients=spec.clients,
        namespace=NAMESPACE,
        authority_secret=CERTIFICATE if spec.tls else None,
        user_secrets=later(made.user_secrets),
    )
    known = site.services.model_copy(update={"milvus": told})
    return replace(site.with_crds(CHART, made), services=known, outputs=outputs)


def openings(args: MilvusArgs) -> Openings:
    """Clients reach the proxies alone, and its own pods each other."""
    clients = (args.site.models_namespace, *args.spec.clients)
    agent = args.identity.credentials
    credentials = (
        {"allow-credentials": Allow(direction="Egress", peers=(addresses(agent[0]),), ports=(agent[1],))}
        if agent
        else {}
    )
    return {
        **https(),
        **credentials,
        "allow-clients": Allow(
            direction="Ingress",
            peers=tuple(namespace(each) for each in clients),
            ports=(PORT,),
            pods={"milvus.io/service": "true"},
        ),
        # milvus-backup asks it to keep old segments while they are copied.
        "allow-backup-in": Allow(
            direction="Ingress",
            peers=(pods(NAMESPACE, milvus_backups.LABELS),),
            ports=(METRICS_PORT,),
            pods={"milvus.io/service": "true"},
        ),
        "allow-backup-out": Allow(
            direction="Egress", peers=(own_pods(),), ports=(METRICS_PORT,), pods=milvus_backups.LABELS
        ),
        "allow-servers-in": Allow(direction="Ingress", peers=(own_pods(),), ports=INTERNAL),
        "allow-servers-out": Allow(direction="Egress", peers=(own_pods(),), ports=INTERNAL),
    }

"""MLflow: experiments, and a registry of models with their artifacts.

Makes: the namespace, the servers behind one Service, a Job that creates or upgrades the tables before they start, the
administrator's password, dumps, and a ServiceMonitor if metrics are scraped. Objects of our own: ADR 0019 says why.
Does not: the Postgres, nor a way in from outside the cluster.
Dangerous to replace: the Secret `mlflow-keys`, because its passphrase encrypts keys in the database; the claim or the
bucket, with all artifacts. A database that is upgraded can only be restored, not downgraded: dump it before.
The administrator's password counts when the database has no user yet. A later one is set through MLflow.
Source: mlflow 3.17.2, server/__init__.py and server/auth; `/health` alone is answered without a login.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pulumi
import pulumi_kubernetes as kubernetes
import pulumi_random as random

from llmplatform.base.component import PlatformComponent
from llmplatform.base.contracts import ObjectStore, WorkloadIdentity
from llmplatform.base.labels import labels, selector
from llmplatform.base.ordering import after
from llmplatform.base.site import MONITORS, Rails, Site
from llmplatform.catalog.versions import MLFLOW_IMAGE, POSTGRES_IMAGE
from llmplatform.services import mlflow_dumps
from llmplatform.services import mlflow_pods as pods
from llmplatform.services import mlflow_server as server
from llmplatform.specs.services import ExistingPostgres, Volume
from llmplatform.specs.services import Mlflow as Spec

(NAMESPACE,) = Spec.namespaces
NAME = "mlflow"
ADMIN, KEYS = "mlflow-admin", "mlflow-keys"
_MIGRATION_SECONDS = 1800

core = kubernetes.core.v1
meta = kubernetes.meta.v1


@dataclass(frozen=True, kw_only=True)
class MlflowArgs:
    """Arguments of `Mlflow`."""

    spec: Spec
    site: Site
    database_password: pulumi.Input[str]
    """Password of the database's user."""
    store: ObjectStore | None = None
    """Bucket of the artifacts; None for a volume."""
    identity: WorkloadIdentity | None = None
    """Identity of the servers, with rights in the bucket; None for a volume."""

    @property
    def database(self) -> ExistingPostgres:
        """Its Postgres. Raises ValueError without one."""
        if self.spec.database is None:
            raise ValueError("services.mlflow.database: MLflow needs a Postgres")
        return self.spec.database

    def __post_init__(self) -> None:
        if isinstance(self.spec.artifacts, Volume) is not (self.store is None):
            raise ValueError("services.mlflow.artifacts: a bucket comes as a store, and a volume without one")
        if self.store is not None and self.store.provider != "aws":
            raise ValueError("services.mlflow.artifacts: its client of OSS needs a permanent key; write kind: volume")


class Mlflow(PlatformComponent):
    """MLflow servers with their users, on a Postgres and a store of artifacts."""

    namespace: pulumi.Output[str]
    """Its namespace; known when it serves."""
    url: pulumi.Output[str]
    """Address within the cluster."""
    admin_secret: pulumi.Output[str]
    """Secret of the administrator, with `username` and `password`."""

    def __init__(self, name: str, args: MlflowArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:services:Mlflow", name, opts)
        self._logical, self._args = name, args
        self._labels, self._selector = labels(NAME, instance=name), selector(NAME, name)
        identity = args.identity
        rails = Rails(
            namespace=NAMESPACE,
            openings=server.openings(args.spec, args.database, identity),
            metrics=(server.PORT,),
            labels=identity.namespace_labels if identity else {},
        )
        self._space = args.site.namespace(self, name, rails).name
        account = self._account()
        self.admin_secret, keys = self._secrets()
        files = self._files()
        claim, destination = self._artifacts()
        pod = pods.PodArgs(
            spec=args.spec,
            database=args.database,
            image=args.site.mirrors.image(MLFLOW_IMAGE),
            pull_secrets=args.site.mirrors.pull_secrets,
            namespace=NAMESPACE,
            labels=self._labels,
            selector=self._selector,
            service_account=account,
            admin=self.admin_secret,
            keys=keys,
            files=files,
            destination=destination,
            claim=claim,
            marks={"config": _mark(server.ini(args.spec, args.database)), "database": self._password_mark()},
        )
        deployment = self._deployment(pod, self._migration(pod))
        if args.spec.dumps.enabled:
            image = args.site.mirrors.image(POSTGRES_IMAGE)
            mlflow_dumps.cron_job(f"{name}-dumps", self._meta("mlflow-dump"), pod, image, self.child())
        service = self._service()
        self._budget()
        self._monitor()

        self.namespace = after(NAMESPACE, deployment)
        self.url = after(f"http://{NAME}.{NAMESPACE}.svc:{server.PORT}", service, deployment)
        self.finish()

    def _meta(
        self, name: str = NAME, annotations: Mapping[str, pulumi.Input[str]] | None = None
    ) -> meta.ObjectMetaArgs:
        return meta.ObjectMetaArgs(name=name, namespace=self._space, labels=self._labels, annotations=annotations)

    def _account(self) -> pulumi.Output[str]:
        identity = self._args.identity
        account = core.ServiceAccount(
            f"{self._logical}-account",
            # An empty mapping would be a change in every update: the API server drops it.
            metadata=self._meta(annotations=({**identity.annotations} or None) if identity else None),
            automount_service_account_token=False,
            opts=self.child(),
        )
        # A pod gets the rights of its identity only if it starts after them.
        return after(identity.service_account if identity else pulumi.Output.from_input(NAME), account)

    def _secrets(self) -> tuple[pulumi.Output[str], pulumi.Output[str]]:
        def generated(role: str) -> pulumi.Output[str]:
            made = random.RandomPassword(f"{self._logical}-{role}", length=40, special=False, opts=self.child())
            return pulumi.Output.secret(made.result)

        self._session = generated("session")
        admin = core.Secret(
            f"{self._logical}-admin-secret",
            metadata=self._meta(ADMIN),
            string_data={"username": "admin", "password": generated("admin")},
            opts=self.child(),
        )
        keys = core.Secret(
            f"{self._logical}-keys-secret",
            metadata=self._meta(KEYS),
            string_data={
                pods.SESSION: self._session,
                pods.PASSPHRASE: generated("passphrase"),
                pods.DATABASE: pulumi.Output.secret(self._args.database_password),
            },
            opts=self.child(),
        )
        return after(ADMIN, admin), after(KEYS, keys)

    def _password_mark(self) -> pulumi.Output[str]:
        """Changes with the database's password, so that pods restart with it. The generated key hides a short one."""
        both = pulumi.Output.all(self._session, self._args.database_password)
        return pulumi.Output.secret(both.apply(lambda known: _mark(json.dumps(known))))

    def _files(self) -> pulumi.Output[str]:
        database = self._args.database
        authorities = {server.CERTIFICATES: database.certificates} if database.certificates else {}
        files = core.ConfigMap(
            f"{self._logical}-files",
            metadata=self._meta(),
            data={server.INI: server.ini(self._args.spec, database), **mlflow_dumps.files(), **authorities},
            opts=self.child(),
        )
        return after(NAME, files)

    def _artifacts(self) -> tuple[pulumi.Output[str] | None, pulumi.Input[str]]:
        """Claim of the artifacts, and their address."""
        wanted, store, site = self._args.spec.artifacts, self._args.store, self._args.site
        if not isinstance(wanted, Volume):
            # Another stack may use the same bucket.
            return None, store.url.apply(f"{{}}/{site.environment.name}/mlflow/artifacts".format) if store else ""
        claim = core.PersistentVolumeClaim(
            f"{self._logical}-artifacts",
            metadata=self._meta("mlflow-artifacts"),
            spec=core.PersistentVolumeClaimSpecArgs(
                access_modes=["ReadWriteMany"],
                storage_class_name=site.cloud.shared_class if site.cloud else None,
                resources=core.VolumeResourceRequirementsArgs(requests={"storage": f"{wanted.size_gib}Gi"}),
            ),
            # Its volume, with all artifacts, is deleted with it.
            opts=self.child(protect=site.environment.protected),
        )
        return after("mlflow-artifacts", claim), f"{pods.ARTIFACTS}/files"

    def _migration(self, pod: pods.PodArgs) -> kubernetes.batch.v1.Job:
        """What a Job cannot change is in its name. A completed one stays, and a repeated one does nothing."""
        args = self._args
        inputs = [pod.image, server.migrations(args.database), args.database.certificates, list(pod.pull_secrets)]
        seconds = f"{_MIGRATION_SECONDS + 300}s"
        return kubernetes.batch.v1.Job(
            f"{self._logical}-migration",
            metadata=self._meta(f"mlflow-migration-{_mark(json.dumps(inputs))}", {"pulumi.com/replaceUnready": "true"}),
            spec=kubernetes.batch.v1.JobSpecArgs(
                backoff_limit=6,
                active_deadline_seconds=_MIGRATION_SECONDS,
                template=pods.migration(pod),
            ),
            opts=self.child(custom_timeouts=pulumi.CustomTimeouts(create=seconds, update=seconds)),
        )

    def _deployment(self, pod: pods.PodArgs, migration: pulumi.Resource) -> kubernetes.apps.v1.Deployment:
        return kubernetes.apps.v1.Deployment(
            f"{self._logical}-deployment",
            metadata=self._meta(),
            spec=kubernetes.apps.v1.DeploymentSpecArgs(
                replicas=self._args.spec.replicas,
                selector=meta.LabelSelectorArgs(match_labels=self._selector),
                # The old servers answer until the new ones do.
                strategy=kubernetes.apps.v1.DeploymentStrategyArgs(
                    type="RollingUpdate",
                    rolling_update=kubernetes.apps.v1.RollingUpdateDeploymentArgs(max_surge=1, max_unavailable=0),
                ),
                progress_deadline_seconds=900,
                revision_history_limit=3,
                template=pods.template(pod),
            ),
            opts=self.child(depends_on=[migration]),
        )

    def _service(self) -> core.Service:
        return core.Service(
            f"{self._logical}-service",
            # The Deployment waits for its pods.
            metadata=self._meta(annotations={"pulumi.com/skipAwait": "true"}),
            spec=core.ServiceSpecArgs(
                type="ClusterIP",
                selector=self._selector,
                ports=[core.ServicePortArgs(name="http", port=server.PORT, target_port="http", app_protocol="http")],
            ),
            opts=self.child(),
        )

    def _budget(self) -> kubernetes.policy.v1.PodDisruptionBudget:
        return kubernetes.policy.v1.PodDisruptionBudget(
            f"{self._logical}-budget",
            metadata=self._meta(),
            spec=kubernetes.policy.v1.PodDisruptionBudgetSpecArgs(
                max_unavailable=1,
                selector=meta.LabelSelectorArgs(match_labels=self._selector),
                unhealthy_pod_eviction_policy="AlwaysAllow",
            ),
            opts=self.child(),
        )

    def _monitor(self) -> None:
        """MLflow asks for a login here as well: Prometheus has the administrator's."""
        site = self._args.site
        if not site.scraped:
            return
        login = {key: {"name": self.admin_secret, "key": key} for key in ("username", "password")}
        kubernetes.apiextensions.CustomResource(
            f"{self._logical}-monitor",
            api_version="monitoring.coreos.com/v1",
            kind="ServiceMonitor",
            metadata=self._meta(),
            spec={
                "selector": {"matchLabels": self._selector},
                "endpoints": [{"port": "http", "path": "/metrics", "interval": "30s", "basicAuth": login}],
            },
            opts=self.child(depends_on=site.needs(MONITORS)),
        )


def install(site: Site) -> Site:
    """The site with it, where the settings ask for it."""
    spec = site.wanted(Spec)
    if spec is None:
        return site
    password = site.secrets.get("mlflow_database_password")
    if password is None:
        raise ValueError("services.mlflow: it needs secrets.mlflow_database_password")
    store, identity = None, None
    if not isinstance(spec.artifacts, Volume):
        cloud = site.cloud
        if cloud is None or cloud.object_store is None or cloud.identity is None:
            raise ValueError("services.mlflow.artifacts: nothing here makes buckets; write kind: volume")
        store = cloud.object_store("mlflow-artifacts", spec.artifacts)
        grants = [store.read_write()]
        identity = cloud.identity(NAME, namespace=NAMESPACE, service_account=NAME, grants=grants)
    args = MlflowArgs(spec=spec, site=site, database_password=password, store=store, identity=identity)
    made = Mlflow(NAME, args, site.opts)
    return replace(site, outputs={**site.outputs, "mlflow_url": made.url, "mlflow_secret": made.admin_secret})


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]

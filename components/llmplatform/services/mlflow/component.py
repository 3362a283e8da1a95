"""MLflow: experiments, and a registry of models with their artifacts.

Makes: the namespace, the servers behind one Service, a Job that creates or upgrades the tables before they start,
passwords and a Job that makes users of them, dumps with drills and a Job that restores one, collection of what was
deleted, and a ServiceMonitor if metrics are scraped. Objects of our own: ADR 0019 says why.
Does not: the Postgres, nor a way in from outside the cluster.
Dangerous to replace: the Secret `mlflow-keys`, because its keys encrypt what is in the database; the claim or the
bucket, with all artifacts. A database that is upgraded can only be restored, not downgraded: dump it before.
The administrator's password counts when the database has no user yet. A later one is set through MLflow.
Source: mlflow 3.17.2, server/__init__.py and server/auth; `/health` alone is answered without a login.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.base.component import PlatformComponent
from llmplatform.base.contracts import Database, Identities, ObjectStore, WorkloadIdentity
from llmplatform.base.labels import labels, selector
from llmplatform.base.ordering import after
from llmplatform.base.outputs import later, unchecked
from llmplatform.base.site import MONITORS, Rails, Site
from llmplatform.catalog.versions import MLFLOW_IMAGE, POSTGRES_IMAGE
from llmplatform.services.mlflow import database as databases
from llmplatform.services.mlflow import dumps, jobs, pods, server, users, workload
from llmplatform.specs.platform_ref import MlflowService
from llmplatform.specs.services import Mlflow as Spec
from llmplatform.specs.services import MlflowPostgres, Volume

(NAMESPACE,) = Spec.namespaces
NAME = "mlflow"
ARTIFACTS = "artifacts"
"""Folder of the artifacts in a bucket."""

core = kubernetes.core.v1
meta = kubernetes.meta.v1


@dataclass(frozen=True, kw_only=True)
class MlflowArgs:
    """Arguments of `Mlflow`."""

    spec: Spec
    site: Site
    database: Database | None = None
    """Its server of Postgres, if the stack makes one."""
    database_password: pulumi.Input[str] | None = None
    """Password of the user, on a server that exists."""
    store: ObjectStore | None = None
    """Bucket of the artifacts; None for a volume."""
    identity: WorkloadIdentity | None = None
    """Identity of the servers, with rights in the bucket's artifacts; None for a volume."""
    keeper: WorkloadIdentity | None = None
    """Identity of the Jobs that store and fetch dumps, with rights in the bucket's dumps; None for a volume."""

    @property
    def server(self) -> databases.Server:
        """Its server of Postgres. Raises ValueError without one."""
        if self.database is not None:
            return databases.made(self.database)
        if isinstance(self.spec.database, MlflowPostgres) and self.database_password is not None:
            return databases.existing(self.spec.database)
        raise ValueError("services.mlflow.database: MLflow needs a Postgres, and the password of its user")

    def __post_init__(self) -> None:
        if isinstance(self.spec.artifacts, Volume) is not (self.store is None):
            raise ValueError("services.mlflow.artifacts: a bucket comes as a store, and a volume without one")
        if self.spec.dumps.enabled and (self.store is None) is not (self.keeper is None):
            raise ValueError("services.mlflow.dumps: in a bucket they need an identity of their own")
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
    user_secrets: Mapping[str, pulumi.Output[str]]
    """User of the settings to Secret, with the variables of MLflow's client. Depends on the Job of the users."""

    def __init__(self, name: str, args: MlflowArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:services:Mlflow", name, opts)
        self._logical, self._args = name, args
        self._labels, self._selector = labels(NAME, instance=name), selector(NAME, name)
        identity, postgres = args.identity, args.server
        rails = Rails(
            namespace=NAMESPACE,
            openings=server.openings(args.spec, postgres.opening, identity),
            metrics=(server.PORT,),
            labels=identity.namespace_labels if identity else {},
        )
        self._space = args.site.namespace(self, name, rails, after=args.site.before_models).name
        account = self._account("account", NAME, identity)
        spaces = {args.site.models_home: args.site.models_namespace}
        logins = users.Logins(name=name, namespace=self._space, others=spaces, opts=self.child())
        self.admin_secret = logins.admin()
        keys, session = logins.keys(args.database_password)
        login = self._login(keys)
        files = self._files(postgres)
        claim, destination = self._artifacts()
        pod = pods.PodArgs(
            spec=args.spec,
            database=databases.variables(postgres, login, f"{server.CONFIG}/{server.CERTIFICATES}"),
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
            marks={"config": _mark(server.ini(args.spec)), "database": _password_mark(session, login.password)},
        )
        tables = self._migration(pod)
        deployment = workload.deployment(name, self._meta(), pod, self.child(depends_on=[tables]))
        # The Deployment waits for its pods.
        service = workload.service(name, self._meta(annotations={"pulumi.com/skipAwait": "true"}), pod, self.child())
        workload.budget(name, self._meta(), pod, self.child())
        self._schedules(pod)
        secrets = logins.users(args.spec)
        made = self._users(pod, secrets, [deployment, service])
        if args.site.scraped:
            after_crds = self.child(depends_on=args.site.needs(MONITORS))
            workload.monitor(name, self._meta(), pod, after_crds)

        self.namespace = after(NAMESPACE, deployment)
        self.url = after(server.url(NAMESPACE), service, deployment)
        self.user_secrets = {name: after(secrets[name], made) for name in args.spec.users}
        self.finish()

    def _meta(
        self, name: str = NAME, annotations: Mapping[str, pulumi.Input[str]] | None = None
    ) -> meta.ObjectMetaArgs:
        return meta.ObjectMetaArgs(name=name, namespace=self._space, labels=self._labels, annotations=annotations)

    def _account(self, role: str, name: str, identity: WorkloadIdentity | None) -> pulumi.Output[str]:
        account = core.ServiceAccount(
            f"{self._logical}-{role}",
            # An empty mapping would be a change in every update: the API server drops it.
            metadata=self._meta(name, ({**identity.annotations} or None) if identity else None),
            automount_service_account_token=False,
            opts=self.child(),
        )
        # A pod gets the rights of its identity only if it starts after them.
        return after(identity.service_account if identity else pulumi.Output.from_input(name), account)

    def _login(self, keys: pulumi.Output[str]) -> databases.Login:
        """Who asks the databases. A Job makes it in a server of the stack."""
        args = self._args
        if args.database is None:
            user = args.spec.database.user if isinstance(args.spec.database, MlflowPostgres) else None
            return databases.Login(user=user, secret=keys, password=args.database_password or "")
        return databases.prepared(
            self._logical,
            args.spec,
            args.database,
            namespace=self._space,
            image=args.site.mirrors.image(POSTGRES_IMAGE),
            pull_secrets=args.site.mirrors.pull_secrets,
            opts=self.child(),
        )

    def _files(self, postgres: databases.Server) -> pulumi.Output[str]:
        certificates = postgres.certificates
        files = core.ConfigMap(
            f"{self._logical}-files",
            metadata=self._meta(),
            data={
                server.INI: server.ini(self._args.spec),
                **dumps.files(),
                **users.files(self._args.spec),
                **({server.CERTIFICATES: certificates} if certificates is not None else {}),
            },
            opts=self.child(),
        )
        return after(NAME, files)

    def _artifacts(self) -> tuple[pulumi.Output[str] | None, pulumi.Input[str]]:
        """Claim of the artifacts, and their address."""
        wanted, store, site = self._args.spec.artifacts, self._args.store, self._args.site
        if not isinstance(wanted, Volume):
            return None, store.url.apply(f"{{}}/{_place(site)}/{ARTIFACTS}".format) if store else ""
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
        """A repeated one does nothing."""
        spec = self._args.spec
        # Its variables say where a server of the stack is; their change replaces the Job as well.
        where = spec.database.model_dump(mode="json") if isinstance(spec.database, MlflowPostgres) else None
        inputs = [pod.image, server.migrations(spec.databases), where, list(pod.pull_secrets)]
        metadata = self._meta(f"mlflow-migration-{_mark(json.dumps(inputs))}", jobs.AGAIN)
        return jobs.once(f"{self._logical}-migration", metadata, jobs.migration(pod), self.child())

    def _users(
        self, pod: pods.PodArgs, secrets: Mapping[str, pulumi.Output[str]], servers: Sequence[pulumi.Resource]
    ) -> kubernetes.batch.v1.Job:
        inputs = [pod.image, list(pod.pull_secrets), *users.inputs(self._args.spec)]
        metadata = self._meta(f"mlflow-users-{_mark(json.dumps(inputs))}", jobs.AGAIN)
        return jobs.once(f"{self._logical}-users", metadata, users.job(pod, secrets), self.child(depends_on=[*servers]))

    def _schedules(self, pod: pods.PodArgs) -> None:
        """Dumps, drills, the Job of a restore, and the collection."""
        wanted, image, name = self._args.spec, self._args.site.mirrors.image(POSTGRES_IMAGE), self._logical

        def scheduled(role: str, schedule: str, template: core.PodTemplateSpecArgs, **how: Any) -> None:
            jobs.scheduled(f"{name}-{role}", self._meta(f"mlflow-{role}"), schedule, template, self.child(), **how)

        if wanted.dumps.enabled:
            keeping, keeper = pod, self._args.keeper
            if keeper:
                keeping = replace(pod, service_account=self._account("dumps-account", dumps.KEEPER, keeper))
            scheduled("dump", wanted.dumps.schedule, dumps.dump(keeping, image))
            scheduled("restore", jobs.NEVER, dumps.restore(keeping, image), retries=0, suspend=True)
            if wanted.dumps.drill.enabled:
                scheduled("drill", wanted.dumps.drill.schedule, dumps.drill(keeping, image), retries=1)
        if wanted.collection.enabled:
            scheduled("collection", wanted.collection.schedule, jobs.collection(pod))


def install(site: Site) -> Site:
    """The site with it, where the settings ask for it."""
    spec = site.wanted(Spec)
    if spec is None:
        return site
    made, password = None, None
    if isinstance(spec.database, MlflowPostgres):
        password = site.secrets.get("mlflow_database_password")
    elif spec.database is not None:
        made = site.database(NAME, spec.database, client=NAMESPACE)
    store, identity, keeper = None, None, None
    if not isinstance(spec.artifacts, Volume):
        cloud = site.cloud
        if cloud is None or cloud.object_store is None or cloud.identity is None:
            raise ValueError("services.mlflow.artifacts: nothing here makes buckets; write kind: volume")
        store = cloud.object_store("mlflow-artifacts", spec.artifacts)
        identity = _identity(cloud.identity, store, NAME, f"{_place(site)}/{ARTIFACTS}")
        if spec.dumps.enabled:
            keeper = _identity(cloud.identity, store, dumps.KEEPER, f"{_place(site)}/{dumps.PLACE}")
    args = MlflowArgs(
        spec=spec,
        site=site,
        database=made,
        database_password=password,
        store=store,
        identity=identity,
        keeper=keeper,
    )
    mlflow = Mlflow(NAME, args, site.opts)
    told = unchecked(MlflowService)(
        url=later(mlflow.url),
        clients=spec.callers,
        namespace=NAMESPACE,
        user_secrets={name: later(secret) for name, secret in mlflow.user_secrets.items()},
    )
    outputs = {**site.outputs, "mlflow_url": mlflow.url, "mlflow_secret": mlflow.admin_secret}
    return replace(site, services=site.services.model_copy(update={"mlflow": told}), outputs=outputs)


def _place(site: Site) -> str:
    """Prefix of what is its in a bucket, which another stack may use as well."""
    return f"{site.environment.name}/mlflow"


def _identity(make: Identities, store: ObjectStore, name: str, folder: str) -> WorkloadIdentity:
    """One with rights in one folder: what MLflow lets a user name elsewhere, the cloud refuses."""
    return make(name, namespace=NAMESPACE, service_account=name, grants=[store.read_write(folder)])


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _password_mark(session: pulumi.Output[str], password: pulumi.Input[str]) -> pulumi.Output[str]:
    """Changes with the database's password, so that pods restart with it. The generated key hides a short one."""
    both = pulumi.Output.all(session, password)
    return pulumi.Output.secret(both.apply(lambda known: _mark(json.dumps(known))))

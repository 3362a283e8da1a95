"""A server of Postgres within the cluster, of one instance or of several, which CloudNativePG makes.

Makes: the resource `Cluster`, its administrator's password, an authority that signs its certificates, policies, a
PodMonitor if metrics are scraped, and for backups a bucket, an identity, ObjectStore and ScheduledBackup. The operator
makes pods, volumes, Services, certificates and PodDisruptionBudgets of it.
Does not: roles and databases of clients. Their Job retries until the server answers, which takes minutes at first.
Dangerous to replace: the resource, with which its volumes go: full protection refuses to delete it. Backups are not
restored in place, but into a server of another name (docs/postgres.md). What is in the bucket stays with the bucket.
Access: 5432 is open to one namespace of clients, over TLS alone; a login needs a password.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pulumi_random as random

from llmplatform.addons import postgres_resources as resources
from llmplatform.base.component import PlatformComponent
from llmplatform.base.contracts import Admin, ObjectStore, WorkloadIdentity
from llmplatform.base.derived_authority import certificate_of, key_of
from llmplatform.base.labels import labels
from llmplatform.base.network_policy import Allow, addresses, namespace, opening, pods
from llmplatform.base.ordering import after
from llmplatform.base.site import BARMAN, MONITORS, POSTGRES, Site
from llmplatform.specs.databases import InClusterPostgres

PORT, STATUS_PORT, METRICS = 5432, 8000, "metrics"
"""Ports of clients and replicas, and of the operator's questions; name of the port of metrics (pkg/specs/pods.go)."""

core = kubernetes.core.v1
meta = kubernetes.meta.v1
networking = kubernetes.networking.v1
CustomResource = kubernetes.apiextensions.CustomResource


@dataclass(frozen=True, kw_only=True)
class PostgresArgs:
    """Arguments of `Postgres`."""

    spec: InClusterPostgres
    site: Site
    name: str
    """Name of the server."""
    namespace: pulumi.Input[str]
    """Namespace of all servers; known when the operator is there."""
    home: str
    """Its plain name."""
    operator: Mapping[str, str]
    """Labels of the operator's pods, in the same namespace."""
    client: str
    """Namespace of the pods that connect."""
    store: ObjectStore | None = None
    """Bucket of its backups; None: there are none."""
    source: ObjectStore | None = None
    """Bucket of the backups that it is restored from."""
    identity: WorkloadIdentity | None = None
    """Identity with rights in both; None without them."""


class Postgres(PlatformComponent):
    """A server of Postgres, as `base.contracts.Database` promises it."""

    host: pulumi.Output[str]
    """Name of its primary within the cluster. Depends on the resource, and not on its readiness."""
    port: pulumi.Output[int]
    certificates: pulumi.Output[str]
    """Its authority, as PEM."""

    def __init__(self, name: str, args: PostgresArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:addons:Postgres", name, opts)
        self._logical, self._args = name, args
        spec, site = args.spec, args.site
        # Letters and digits: 64 of them have 381 bits.
        seed = random.RandomPassword(f"{name}-authority", length=64, special=False, opts=self.child()).result
        policies = self._policies()
        wiring = resources.Wiring(
            name=args.name,
            admin_secret=self._admin_secret(),
            authority_secret=self._authority_secret(seed),
            storage_class=site.cloud.block_class if site.cloud else None,
            mirrors=site.mirrors,
            pool=next((pool for pool in site.pools if pool.name == spec.pool), None),
            annotations=args.identity.annotations if args.identity else {},
            objects=self._objects("backups", args.store),
            source_objects=self._objects("source", args.source or args.store),
        )
        made = self._custom(
            "cluster",
            POSTGRES,
            "Cluster",
            resources.resource(spec, wiring),
            self.child(
                depends_on=[*site.needs(POSTGRES), *policies],
                protect=site.environment.protected or None,
            ),
        )
        if spec.backups:
            scheduled = resources.scheduled_backup(args.name, spec.backups)
            self._custom("schedule", POSTGRES, "ScheduledBackup", scheduled, self.child(depends_on=[made]))
        if site.scraped:
            self._monitor()
        self.host = after(f"{args.name}-rw.{args.home}.svc", made)
        self.port = pulumi.Output.from_input(PORT)
        self.certificates = certificate_of(seed, args.name)
        there = pods(args.home, resources.labels_of(args.name))
        self.opening = Allow(direction="Egress", peers=(there,), ports=(PORT,))
        """Egress to it."""
        self.finish()

    def _meta(self, name: str, **further: Any) -> meta.ObjectMetaArgs:
        return meta.ObjectMetaArgs(
            name=name, namespace=self._args.namespace, labels=labels("postgres", instance=self._args.name), **further
        )

    def _custom(
        self, role: str, group: str, kind: str, spec: Mapping[str, Any], opts: pulumi.ResourceOptions, name: str = ""
    ) -> CustomResource:
        return CustomResource(
            f"{self._logical}-{role}",
            api_version=f"{group}/v1",
            kind=kind,
            metadata=self._meta(name or self._args.name),
            spec=spec,
            opts=opts,
        )

    def _admin_secret(self) -> pulumi.Output[str]:
        """Clients' Jobs get a copy of it in their own namespace."""
        name = f"{self._args.name}-admin"
        password = random.RandomPassword(f"{self._logical}-admin", length=40, special=False, opts=self.child()).result
        secret = core.Secret(
            f"{self._logical}-admin-secret",
            # Without the label the operator does not see that it changes (docs/src/declarative_role_management.md).
            metadata=self._watched(name),
            type="kubernetes.io/basic-auth",
            string_data={"username": resources.ADMIN, "password": password},
            opts=self.child(),
        )
        self.admin = Admin(user=pulumi.Output.from_input(resources.ADMIN), password=password)
        """Its administrator."""
        return after(name, secret)

    def _authority_secret(self, seed: pulumi.Output[str]) -> pulumi.Output[str]:
        name = f"{self._args.name}-authority"
        secret = core.Secret(
            f"{self._logical}-authority-secret",
            metadata=self._watched(name),
            string_data={"ca.crt": certificate_of(seed, self._args.name), "ca.key": key_of(seed, self._args.name)},
            opts=self.child(),
        )
        return after(name, secret)

    def _watched(self, name: str) -> meta.ObjectMetaArgs:
        found = self._meta(name)
        found.labels = {**labels("postgres", instance=self._args.name), "cnpg.io/reload": "true"}
        return found

    def _objects(self, role: str, store: ObjectStore | None) -> pulumi.Output[str] | None:
        """Where backups are kept, or where those are that it is restored from."""
        spec, site = self._args.spec, self._args.site
        backups = spec.backups if role == "backups" else None
        restored = spec.restore_from if role == "source" else None
        if store is None or not (backups or restored):
            return None
        folder = (restored.environment if restored else None) or site.environment.name
        name = f"{self._args.name}-{role}"
        kept = resources.object_store(store, folder, backups)
        made = self._custom(role, BARMAN, "ObjectStore", kept, self.child(depends_on=site.needs(BARMAN)), name)
        # Pods that start before their rights have none.
        rights = self._args.identity.service_account if self._args.identity else None
        return pulumi.Output.all(after(name, made), rights).apply(lambda both: str(both[0]))

    def _policies(self) -> list[networking.NetworkPolicy]:
        args, own = self._args, resources.labels_of(self._args.name)
        themselves = pods(args.home, own)
        found = {
            "clients": Allow(direction="Ingress", peers=(namespace(args.client),), ports=(PORT,), pods=own),
            # Replicas follow the primary, and a primary that lost the API server asks the others whether they see it.
            "instances-in": Allow(
                direction="Ingress",
                peers=(themselves, pods(args.home, args.operator)),
                ports=(PORT, STATUS_PORT),
                pods=own,
            ),
            "instances-out": Allow(direction="Egress", peers=(themselves,), ports=(PORT, STATUS_PORT), pods=own),
        }
        if args.identity and args.identity.credentials:
            address, number = args.identity.credentials
            found["credentials"] = Allow(direction="Egress", peers=(addresses(address),), ports=(number,), pods=own)
        return [
            networking.NetworkPolicy(
                f"{self._logical}-{name}",
                metadata=self._meta(f"{args.name}-{name}"),
                spec=opening(allow),
                opts=self.child(),
            )
            for name, allow in found.items()
        ]

    def _monitor(self) -> None:
        site, own = self._args.site, resources.labels_of(self._args.name)
        monitored = {
            "selector": {"matchLabels": own},
            "podMetricsEndpoints": [{"port": METRICS, "path": "/metrics", "interval": "30s"}],
            "podTargetLabels": ["cnpg.io/cluster", "cnpg.io/instanceRole"],
        }
        self._custom("monitor", MONITORS, "PodMonitor", monitored, self.child(depends_on=site.needs(MONITORS)))

"""Valkey in the cluster, for development: one pod with a disk.

Makes: a StatefulSet of one pod and its volume, its users with generated passwords, a certificate of an authority of its
own, a Service, and a PodMonitor if metrics are scraped. Objects of our own and not the official chart, which gives a
user one password and reads it when the pod starts, so that a rotation would cut clients off (ADR 0021).
Does not: replicas or failover, and no PodDisruptionBudget, because the one pod must be allowed to move.
A rotation of the password: three are valid, that of the version, the one before, and the next, because the pod sees
a changed Secret later than clients do. A program beside the server loads users and certificate again.
Dangerous to replace: the claim, with all data. Full protection refuses to delete it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.base.authority import own_certificate
from llmplatform.base.component import PlatformComponent
from llmplatform.base.contracts import CACHE_USER
from llmplatform.base.labels import labels, selector
from llmplatform.base.ordering import after
from llmplatform.base.passwords import rotated
from llmplatform.base.site import MONITORS, Site
from llmplatform.services.cache import valkey_pods as pods
from llmplatform.services.cache import valkey_server as server
from llmplatform.specs.caches import InClusterValkey

NAME = "valkey"
KEYS, USERS, CERTIFICATE = "valkey-keys", "valkey-users", "valkey-tls"

core = kubernetes.core.v1
meta = kubernetes.meta.v1


@dataclass(frozen=True, kw_only=True)
class ValkeyArgs:
    """Arguments of `Valkey`."""

    spec: InClusterValkey
    site: Site
    namespace: str
    space: pulumi.Output[str]
    """Its namespace. Depends on its guard rails."""

    def __post_init__(self) -> None:
        if self.site.issuer is None:
            raise ValueError("services.cache.server: a cache in the cluster needs addons.cert_manager for its TLS")


class Valkey(PlatformComponent):
    """One Valkey, over TLS and with a login."""

    host: pulumi.Output[str]
    """Name of its Service. Depends on its pod."""
    port: pulumi.Output[int]
    """6379."""
    certificates: pulumi.Output[str] | None
    """None: cert-manager writes them."""
    certificate_secret: pulumi.Output[str]
    """Secret with the `ca.crt` that clients trust."""
    user: pulumi.Output[str]
    """The clients' user, without rights of administration."""
    password: pulumi.Output[str]
    """A secret. The server knows it since the version before."""

    def __init__(self, name: str, args: ValkeyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:services:Valkey", name, opts)
        self._logical, self._args = name, args
        self._labels, self._selector = labels(NAME, instance=name), selector(NAME, name)
        clients = rotated(f"{name}-password", args.spec.password_version, self.child(), valid=3, following=True)
        service = f"{NAME}.{args.namespace}"
        self.certificate_secret = own_certificate(
            self,
            name,
            secret=CERTIFICATE,
            space=args.space,
            labels=self._labels,
            hosts=[service, f"{service}.svc", f"{service}.svc.cluster.local"],
            issuer=args.site.issuer or "",
        )
        keys, users = self._logins(clients.valid)
        config = server.configuration(args.spec)
        pod = pods.PodArgs(
            spec=args.spec,
            mirrors=args.site.mirrors,
            scraped=args.site.scraped,
            labels=self._labels,
            config=self._config(config),
            keys=keys,
            users=users,
            certificate=self.certificate_secret,
            claim=self._claim(),
            mark=_digest(config)[:12],
        )
        running = self._set(pod)
        self._service()
        self._monitor()
        self.host = after(f"{service}.svc", running)
        self.port = after(server.PORT, running)
        self.certificates = None
        self.user = after(CACHE_USER, running)
        self.password = after(clients.current, running)
        self.finish()

    def _meta(self, name: str = NAME, annotations: Mapping[str, str] | None = None) -> meta.ObjectMetaArgs:
        return meta.ObjectMetaArgs(name=name, namespace=self._args.space, labels=self._labels, annotations=annotations)

    def _logins(self, clients: Sequence[pulumi.Output[str]]) -> tuple[pulumi.Output[str], pulumi.Output[str]]:
        """Secret of the pod's own passwords, and Secret of the digests of all."""
        operator, monitor = (
            rotated(f"{self._logical}-{user}", 1, self.child(), valid=1).current
            for user in (server.OPERATOR, server.MONITOR)
        )
        keys = core.Secret(
            f"{self._logical}-keys",
            metadata=self._meta(KEYS),
            string_data={server.OPERATOR: operator, server.MONITOR: monitor},
            opts=self.child(),
        )

        def file(passwords: Sequence[str]) -> str:
            *those, first, second = map(_digest, passwords)
            return server.users(those, first, second)

        users = core.Secret(
            f"{self._logical}-users",
            metadata=self._meta(USERS),
            string_data={server.ACL: pulumi.Output.secret(pulumi.Output.all(*clients, operator, monitor).apply(file))},
            opts=self.child(),
        )
        return after(KEYS, keys), after(USERS, users)

    def _config(self, config: str) -> pulumi.Output[str]:
        files = core.ConfigMap(
            f"{self._logical}-config",
            metadata=self._meta(),
            data={server.FILE: config, server.RELOAD: server.reload()},
            opts=self.child(),
        )
        return after(NAME, files)

    def _claim(self) -> pulumi.Output[str]:
        site = self._args.site
        claim = core.PersistentVolumeClaim(
            f"{self._logical}-data",
            # A class may bind it when its pod starts, and the pod comes after it.
            metadata=self._meta(annotations={"pulumi.com/skipAwait": "true"}),
            spec=core.PersistentVolumeClaimSpecArgs(
                access_modes=["ReadWriteOnce"],
                storage_class_name=site.cloud.block_class if site.cloud else None,
                resources=core.VolumeResourceRequirementsArgs(requests={"storage": f"{self._args.spec.disk_gib}Gi"}),
            ),
            opts=self.child(protect=site.environment.protected),
        )
        return after(NAME, claim)

    def _set(self, pod: pods.PodArgs) -> kubernetes.apps.v1.StatefulSet:
        """A StatefulSet of one: two pods must never write the same files."""
        return kubernetes.apps.v1.StatefulSet(
            f"{self._logical}-set",
            metadata=self._meta(),
            spec=kubernetes.apps.v1.StatefulSetSpecArgs(
                service_name=NAME,
                replicas=1,
                selector=meta.LabelSelectorArgs(match_labels=self._selector),
                revision_history_limit=3,
                template=pods.template(pod),
            ),
            opts=self.child(),
        )

    def _service(self) -> core.Service:
        return core.Service(
            f"{self._logical}-service",
            # The set waits for its pod.
            metadata=self._meta(annotations={"pulumi.com/skipAwait": "true"}),
            spec=core.ServiceSpecArgs(
                type="ClusterIP",
                selector=self._selector,
                ports=[core.ServicePortArgs(name="tls-valkey", port=server.PORT, target_port="valkey")],
            ),
            opts=self.child(),
        )

    def _monitor(self) -> None:
        site = self._args.site
        if not site.scraped:
            return
        kubernetes.apiextensions.CustomResource(
            f"{self._logical}-monitor",
            api_version="monitoring.coreos.com/v1",
            kind="PodMonitor",
            metadata=self._meta(),
            spec={
                "selector": {"matchLabels": self._selector},
                "podMetricsEndpoints": [{"port": "metrics", "interval": "30s"}],
            },
            opts=self.child(depends_on=site.needs(MONITORS)),
        )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

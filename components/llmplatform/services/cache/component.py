"""A cache for teams and other services, wherever its server is.

Makes: a namespace with the Secret of the login, and, for `in_cluster`, the server. A cache in the cloud is made by the
cloud's own component, an existing one is used without a change.
Does not: copies of the Secret in the clients' namespaces.
Dangerous to replace: what its server says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.base import contracts
from llmplatform.base.component import PlatformComponent
from llmplatform.base.labels import labels
from llmplatform.base.network_policy import Allow, Openings, namespace
from llmplatform.base.ordering import after
from llmplatform.base.site import Rails, Site
from llmplatform.services.cache import valkey_server as server
from llmplatform.services.cache.valkey import Valkey, ValkeyArgs
from llmplatform.specs.caches import CacheServer, InClusterValkey
from llmplatform.specs.services import Cache as Spec

(NAMESPACE,) = Spec.namespaces
NAME, LOGIN = "cache", "cache-login"

meta = kubernetes.meta.v1


@dataclass(frozen=True, kw_only=True)
class CacheArgs:
    """Arguments of `Cache`."""

    spec: Spec
    site: Site
    outside: contracts.Cache | None = None
    """The server; None for one in the cluster."""


class Cache(PlatformComponent):
    """A cache, and the login of its clients."""

    address: pulumi.Output[str]
    """`rediss://HOST:PORT`, without a login."""
    secret: pulumi.Output[str]
    """Secret of the login, `NAMESPACE/NAME`: `host`, `port`, `username`, `password`, and `ca.crt` if it is known."""
    certificates: pulumi.Output[str] | None
    """Secret with the authority's `ca.crt`, `NAMESPACE/NAME`; None: a public one, which every client knows."""

    def __init__(self, name: str, args: CacheArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:services:Cache", name, opts)
        spec, site = args.spec.server, args.site
        metrics = (server.METRICS_PORT,) if isinstance(spec, InClusterValkey) else ()
        rails = Rails(namespace=NAMESPACE, openings=openings(spec), metrics=metrics)
        space = site.namespace(self, name, rails, after=site.before_models).name
        found, authority = self._server(f"{name}-valkey", args, space)
        login = kubernetes.core.v1.Secret(
            f"{name}-login",
            metadata=meta.ObjectMetaArgs(name=LOGIN, namespace=space, labels=labels(NAME, instance=name)),
            string_data=_login(found),
            opts=self.child(),
        )
        self.secret = after(f"{NAMESPACE}/{LOGIN}", login)
        self.certificates = authority if found.certificates is None else self.secret
        self.address = pulumi.Output.concat("rediss://", found.host, ":", found.port.apply(str))
        self.finish()

    def _server(
        self, name: str, args: CacheArgs, space: pulumi.Output[str]
    ) -> tuple[contracts.Cache, pulumi.Output[str] | None]:
        """The server, and the Secret of an authority that the cluster alone knows."""
        spec = args.spec.server
        if isinstance(spec, InClusterValkey):
            made = Valkey(name, ValkeyArgs(spec=spec, site=args.site, namespace=NAMESPACE, space=space), self.child())
            return made, pulumi.Output.concat(NAMESPACE, "/", made.certificate_secret)
        if args.outside is None:
            raise ValueError("services.cache.server: a server outside of the cluster comes with address and login")
        return args.outside, None


def install(site: Site) -> Site:
    """The site with it, where the settings ask for it."""
    spec = site.wanted(Spec)
    if spec is None:
        return site
    outside = None if isinstance(spec.server, InClusterValkey) else site.cache(NAME, spec.server)
    made = Cache(NAME, CacheArgs(spec=spec, site=site, outside=outside), site.opts)
    told = {"cache_address": made.address, "cache_secret": made.secret}
    if made.certificates is not None:
        told["cache_certificates"] = made.certificates
    return replace(site, outputs={**site.outputs, **told})


def openings(spec: CacheServer) -> Openings:
    """A server in the cluster is open to named namespaces. It opens no connections."""
    if not isinstance(spec, InClusterValkey) or not spec.clients:
        return {}
    peers = tuple(map(namespace, spec.clients))
    return {"allow-clients": Allow(direction="Ingress", peers=peers, ports=(server.PORT,))}


def _login(found: contracts.Cache) -> Mapping[str, pulumi.Input[str]]:
    authorities = {"ca.crt": found.certificates} if found.certificates is not None else {}
    return {
        "host": found.host,
        "port": found.port.apply(str),
        "username": found.user,
        "password": found.password,
        **authorities,
    }

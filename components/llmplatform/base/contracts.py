"""The contracts between clouds, add-ons and services.

The conformance tests check every cloud against them: a third cloud begins with a line in their table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import pulumi

from llmplatform.base.network_policy import Allow
from llmplatform.base.policies import Statement
from llmplatform.specs import caches, objects
from llmplatform.specs.databases import InClusterPostgres, NewPostgres


class Network(Protocol):
    """A network with a private subnet in each zone."""

    network_id: pulumi.Output[str]
    private_subnet_ids: Mapping[str, pulumi.Output[str]]
    """Zone to subnet of nodes. Depends on its default route."""
    public_subnet_ids: Mapping[str, pulumi.Output[str]]
    """Zone to subnet of internet-facing load balancers."""


class Cluster(Protocol):
    """A conformant Kubernetes cluster and its login."""

    cluster_name: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]
    """JSON, with an exec plugin and no token. Depends on the administrators' access."""
    endpoint_url: pulumi.Output[str]
    """Address of the API server."""
    certificate_authority: pulumi.Output[str]
    """Base64 of the API server's CA bundle, which is public."""
    security_group_id: pulumi.Output[str]
    """Security group of its nodes."""


class NodePool(Protocol):
    """Nodes for pods."""

    group_names: Mapping[str, pulumi.Output[str]]
    """Planned group name to the autoscaler's name of the group."""

    @property
    def groups(self) -> Sequence[pulumi.Resource]:
        """What makes its nodes, for what needs them."""
        ...


@dataclass(frozen=True, kw_only=True)
class Grant:
    """Rights in the cloud, limited to the resources that its statements name."""

    name: str
    """Distinguishes it from the other grants of an identity."""
    statements: pulumi.Input[Sequence[Statement]]
    """In the policy language of the cloud. An Output carries the dependency on the resources that it names."""


class WorkloadIdentity(Protocol):
    """A service account with rights in the cloud, without a key. Its outputs depend on all its grants."""

    namespace: pulumi.Output[str]
    service_account: pulumi.Output[str]
    role_name: pulumi.Output[str]
    """Name of the role in the cloud."""
    credentials: tuple[str, int] | None
    """Range and TCP port that pods get their credentials from; None where HTTPS to the cloud is all."""
    annotations: Mapping[str, pulumi.Output[str]]
    """Annotations that the service account needs; empty if the cloud needs none."""
    namespace_labels: Mapping[str, str]
    """Labels that the service account's namespace needs; empty if the cloud needs none."""


class Storage(Protocol):
    """Storage classes."""

    block_class: pulumi.Output[str]
    """Class of encrypted volumes for one pod; the cluster's default."""
    shared_class: pulumi.Output[str]
    """Class of volumes for many pods at once. Depends on the mount targets and rights."""


class Identities(Protocol):
    """Makes identities for the service accounts of one cluster."""

    def __call__(
        self, name: str, /, *, namespace: str, service_account: str, grants: Sequence[Grant]
    ) -> WorkloadIdentity:
        """An identity of that name with these rights, and no others."""
        ...


class ObjectStore(Protocol):
    """A bucket, open to identities with its grants."""

    bucket: pulumi.Output[str]
    """Its name. Depends on its encryption, its versions and its refusals, so that no object is written before them."""
    url: pulumi.Output[str]
    """Its address in the cloud's own scheme: `s3://NAME` or `oss://NAME`."""
    endpoint: str
    """Host of the store's API in the bucket's region, without the bucket."""
    region: str
    provider: Literal["aws", "aliyun"]
    """The dialect of S3. On `aliyun` clients put the bucket into the host name, and few take a token of RRSA."""

    def read(self) -> Grant:
        """The right to list and read its objects."""
        ...

    def read_write(self, prefix: str = "") -> Grant:
        """The right to list, read, write and delete its objects; with a prefix, e.g. `a/b`, those in that folder."""
        ...


class ObjectStores(Protocol):
    """Makes buckets, or finds existing ones."""

    def __call__(self, name: str, spec: objects.ObjectStore, /) -> ObjectStore:
        """The bucket that settings ask for. `name`: of its resources, in this stack."""
        ...


CACHE_USER = "app"
"""Name of the clients' user of a cache that we make."""
CACHE_RIGHTS = "~* &* +@all -@admin -@dangerous +info"
"""Its rights, in the words of Valkey's ACL: all keys and channels, without administration and commands that delete or
list everything. Clients ask INFO for the server's version."""


class Cache(Protocol):
    """A Valkey or Redis server: it speaks TLS alone, and serves no client without a login."""

    host: pulumi.Output[str]
    """Name of the primary. Depends on its users and its network, so that no client comes before them."""
    port: pulumi.Output[int]
    certificates: pulumi.Output[str] | None
    """Authorities that sign its certificate, as PEM. None: public ones, or one that the cluster alone knows."""
    user: pulumi.Output[str]
    password: pulumi.Output[str]
    """A secret. Depends on the server's knowledge of it."""


@dataclass(kw_only=True)
class KnownCache:
    """A cache that exists, as its settings describe it."""

    host: pulumi.Output[str]
    port: pulumi.Output[int]
    certificates: pulumi.Output[str] | None
    user: pulumi.Output[str]
    password: pulumi.Output[str]

    @classmethod
    def of(cls, spec: caches.ExistingCache, password: pulumi.Input[str]) -> "KnownCache":
        """`password`: of its user."""
        known = pulumi.Output.from_input
        return cls(
            host=known(spec.host),
            port=known(spec.port),
            certificates=known(spec.certificates) if spec.certificates else None,
            user=known(spec.user),
            password=pulumi.Output.secret(password),
        )


class Caches(Protocol):
    """Makes caches in the cloud."""

    def __call__(self, name: str, spec: caches.NewCache, /) -> Cache:
        """The cache that settings ask for. `name`: of its resources, in this stack."""
        ...


@dataclass(frozen=True, kw_only=True)
class Admin:
    """A login that may create roles and databases. The Job of `base.preparation` alone gets it."""

    user: pulumi.Output[str]
    password: pulumi.Output[str]
    """A secret."""


class Database(Protocol):
    """A server of Postgres, whose roles and databases `base.preparation` makes."""

    host: pulumi.Output[str]
    """Its host name. Depends on all that makes it reachable, with `admin`, over TLS."""
    port: pulumi.Output[int]
    certificates: pulumi.Output[str] | None
    """Authorities that sign its certificate, as PEM; None: the connection is encrypted, and proves no name."""

    @property
    def admin(self) -> Admin:
        """Its administrator."""
        ...

    @property
    def opening(self) -> Allow:
        """Egress to it, for the policies of a namespace."""
        ...


class Databases(Protocol):
    """Makes managed servers of Postgres."""

    def __call__(self, name: str, spec: NewPostgres, /) -> Database:
        """The server that settings ask for. `name`: of its resources, in this stack."""
        ...


class InClusterDatabases(Protocol):
    """Makes servers of Postgres within the cluster."""

    def __call__(self, name: str, spec: InClusterPostgres, /, *, client: str) -> Database:
        """The server that settings ask for, open to the pods of the namespace `client`.

        `name`: of its resources, and of the server where the settings have none.
        """
        ...


class ReadObjects(Protocol):
    """Makes the right to list and read the objects of an existing bucket below a prefix, and no others."""

    def __call__(self, name: str, /, *, bucket: str, prefix: str, key: str | None = None) -> Grant:
        """A grant of that name. `prefix`: without slashes at its ends. `key`: KMS key of the objects."""
        ...


@dataclass(frozen=True, kw_only=True)
class DnsChallenge:
    """The right to prove by DNS records that a domain is ours, and how cert-manager uses it."""

    identity: WorkloadIdentity
    """Identity of the solver."""
    solver: Mapping[str, object]
    """The solver of cert-manager's ACME issuers."""
    webhook: str | None = None
    """Chart of the solver, in a namespace of the same name; None: cert-manager itself."""

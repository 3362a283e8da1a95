"""Milvus: a database of vectors."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from llmplatform.specs.capability import Capability
from llmplatform.specs.objects import NewStore, ObjectStore
from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.milvus import (
    EVERY,
    AccessName,
    GrantedCollection,
    GrantedDatabase,
    MilvusDatabase,
    Privilege,
)
from llmplatform.specs.vocabulary.names import Name, PoolName
from llmplatform.specs.vocabulary.times import Moment

Clusters = Annotated[int, Field(ge=1, le=65536)]


class FlatIndex(Section):
    """No index: every vector is compared, so nothing is missed, and each search takes as long as there are vectors."""

    kind: Literal["flat"]


class IvfFlatIndex(Section):
    """Clusters of whole vectors: a little more memory than the vectors."""

    kind: Literal["ivf_flat"]
    nlist: Clusters = 128
    """Number of clusters of a segment."""


class IvfSq8Index(Section):
    """Clusters of vectors with a byte for each dimension: a quarter of the memory, and a part of the accuracy."""

    kind: Literal["ivf_sq8"]
    nlist: Clusters = 128
    """Number of clusters of a segment."""


class ScannIndex(Section):
    """Clusters of compressed vectors beside the whole ones: faster than `ivf_flat`, with an eighth more memory."""

    kind: Literal["scann"]


class HnswIndex(Section):
    """A graph of the vectors: fast and accurate, with the most memory."""

    kind: Literal["hnsw"]
    m: Annotated[int, Field(ge=2, le=2048)] = 30
    """Neighbours of a vector in the graph, Milvus' `M`."""


class DiskAnnIndex(Section):
    """A graph on the nodes' disks: a quarter of the memory, and a fast local disk."""

    kind: Literal["diskann"]
    max_degree: Annotated[int, Field(ge=1, le=2048)] = 56
    """Neighbours of a vector in the graph."""


VectorIndex = Annotated[
    FlatIndex | IvfFlatIndex | IvfSq8Index | ScannIndex | HnswIndex | DiskAnnIndex, Field(discriminator="kind")
]
"""An index of vectors."""


class MilvusEtcd(Section):
    """The etcd of Milvus, with all that it knows of collections, users and segments."""

    members: Literal[1, 3, 5] | None = None
    """Members, each on a node of its own. Empty: 1 for `standalone`, 3 for `cluster`."""
    storage_gib: Annotated[int, Field(ge=20, le=1024)] = 20
    """Volume of each member, in GiB. It can grow later."""


class MilvusGrant(Section):
    """Privileges on collections."""

    privileges: Annotated[tuple[Privilege, ...], Field(min_length=1, max_length=50)]
    """Privileges, or Milvus' own groups of them, e.g. `CollectionReadOnly`. Groups of a database or of the cluster have
    none of those of a collection in them."""
    database: GrantedDatabase = "default"
    """Database of the collections, `default` or one of `databases`; `*`: every database."""
    collection: GrantedCollection = EVERY
    """One collection, which may come later; `*`: every one. A privilege on a database or the cluster needs `*`."""


class MilvusRole(Section):
    """A role: what its users may do."""

    grants: Annotated[tuple[MilvusGrant, ...], Field(min_length=1, max_length=50)]


class MilvusUser(Section):
    """A user with a generated password, in the Secret `milvus-user-NAME` with `username`, `password` and `address`."""

    roles: Annotated[tuple[AccessName, ...], Field(min_length=1, max_length=20)]
    """Its roles: names of `roles`."""
    namespace: Name | None = None
    """Namespace of its Secret: that of the models, or one of `clients`, which exists. Empty: Milvus'
    own, from where you hand it on."""
    password_version: Annotated[int, Field(ge=1, le=10_000)] = 1
    """The next number gives it another login with a new password. The one before it works until the number after, so
    raise it by one at a time: by two, the login of the clients has the new password at once."""


class MilvusDrill(Section):
    """A restore of the newest backup beside the live collections: what comes back is compared, and removed again."""

    enabled: bool = False
    schedule: Moment = "17 4 * * 0"
    """When, in UTC: minute, hour, day, month and weekday."""
    oldest_hours: Annotated[int, Field(ge=1, le=8760)] = 48
    """Age of the newest backup, in hours, from which on an alert fires, and the drill fails."""
    largest_rows: Annotated[int, Field(ge=0, le=10_000_000_000)] = 1_000_000
    """Collections with at most so many rows are loaded and counted, one at a time, which takes their memory once more.
    Of larger ones, the rows that Milvus has stored are compared."""
    tolerance_percent: Annotated[float, Field(ge=0, le=50)] = 0
    """Difference of rows that is none: what is written while a backup begins. 0: every row counts."""


class MilvusBackups(Section):
    """Backups of all collections, databases, users and roles by milvus-backup, in another bucket."""

    enabled: bool = True
    schedule: Moment = "47 0 * * *"
    """When, in UTC: minute, hour, day, month and weekday."""
    keep_days: Annotated[int, Field(ge=1, le=3650)] = 14
    """Days that a backup is kept."""
    store: ObjectStore = NewStore(kind="new")
    """Bucket of the backups: not that of the data."""
    drill: MilvusDrill = MilvusDrill()


class Milvus(Capability):
    """Milvus, a database of vectors, and its operator.

    Its data is in a bucket, and what it knows of the data in an etcd of its own. Clients log in, as `root` at first.
    """

    charts: ClassVar = ("milvus-operator",)
    namespaces: ClassVar = ("milvus",)

    enabled: bool = False
    mode: Literal["standalone", "cluster"] = "standalone"
    """`standalone` is one server. `cluster` has each part on its own, twice or more, and outlives a node."""
    store: ObjectStore = NewStore(kind="new")
    """Bucket of the data. Deleting it deletes every collection."""
    vectors: Annotated[int, Field(ge=1, le=100_000_000_000)] = 1_000_000
    """Number of vectors that its memory and disks are planned for."""
    dimension: Annotated[int, Field(ge=2, le=32768)] = 768
    """Dimension of the vectors, each of 32-bit numbers."""
    index: VectorIndex = HnswIndex(kind="hnsw")
    """Index that clients create. It only says how much memory and disk the vectors take."""
    fields_bytes: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Average size of a vector's other fields in memory, in bytes."""
    copies: Annotated[int, Field(ge=1, le=16)] = 1
    """Number of times that a cluster has the vectors in memory: the `replica_number` with which clients load them.
    With 2, a search still finds all of them when a query node is lost."""
    memory_gib: Annotated[int, Field(ge=2, le=65536)] | None = None
    """Memory of the server, 8 or more, or of all query nodes of a cluster together, in GiB. Each copy of the vectors
    has the same part of it. Empty: what the vectors need."""
    query_nodes: Annotated[int, Field(ge=2, le=1000)] | None = None
    """Query nodes of a cluster, which hold the vectors. Each holds a part of one copy, so that a multiple
    of `copies` leaves none over. Empty: as many as the vectors need, at least 2."""
    etcd: MilvusEtcd = MilvusEtcd()
    pool: PoolName | None = None
    """Pool of its pods. Empty: any node without taints."""
    clients: Annotated[tuple[Name, ...], Field(max_length=100)] = ()
    """Namespaces of clients, in addition to that of the models."""
    tls: bool = True
    """Encrypts what clients send, with a certificate of an authority of its own, which cert-manager keeps."""
    databases: Annotated[tuple[MilvusDatabase, ...], Field(max_length=60)] = ()
    """Databases beside `default`. One that is removed here stays, with its data."""
    roles: Annotated[dict[AccessName, MilvusRole], Field(max_length=100)] = Field(default_factory=dict)
    """Roles by name. Milvus calls them `platform_NAME`, and one of that form that is not here is removed."""
    users: Annotated[dict[AccessName, MilvusUser], Field(max_length=100)] = Field(default_factory=dict)
    """Users by name. Milvus calls them `platform_NAME_a` or `_b`, and one of that form that is not here is removed.
    `root` and users of another form stay as they are."""
    backups: MilvusBackups = MilvusBackups()
    root_password_version: Annotated[int, Field(ge=1, le=10_000)] = 1
    """The next number gives `root` a new password. Raise it by one at a time: the change needs the one before."""

    @property
    def etcd_members(self) -> int:
        """Members of etcd."""
        return self.etcd.members or (3 if self.mode == "cluster" else 1)

"""A cache that teams and other services share."""

from typing import ClassVar

from llmplatform.specs.caches import CacheServer, InClusterValkey
from llmplatform.specs.capability import Capability


class Cache(Capability):
    """A cache for teams and other services: Valkey, or a server that speaks its protocol.

    The stack gives its address, and a Secret with the login: the outputs `cache_address` and `cache_secret`.
    """

    namespaces: ClassVar = ("cache",)

    enabled: bool = False
    server: CacheServer = InClusterValkey(kind="in_cluster")
    """The server: `new` in the cloud, one `in_cluster` for development, or an `existing` one."""

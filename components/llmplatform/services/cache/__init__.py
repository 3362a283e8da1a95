"""The cache of teams: a service of the cloud, an existing server or one Valkey in the cluster."""

from llmplatform.services.cache.component import Cache, CacheArgs, install
from llmplatform.services.cache.valkey import Valkey, ValkeyArgs

__all__ = ["Cache", "CacheArgs", "Valkey", "ValkeyArgs", "install"]

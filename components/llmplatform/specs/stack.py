"""The whole stack file: the one definition of what a user can ask for."""

from pydantic import Field

from llmplatform.specs.addons import Addons
from llmplatform.specs.cloud import Cloud
from llmplatform.specs.cluster import Cluster
from llmplatform.specs.environment import Environment
from llmplatform.specs.mirrors import Mirrors
from llmplatform.specs.models import Model
from llmplatform.specs.network import Network
from llmplatform.specs.platform import NewPlatform, Platform
from llmplatform.specs.pools import Pool
from llmplatform.specs.secrets import Secrets
from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary import Name, PoolName, TagKey, TagValue


class Stack(Section):
    """One environment, as its stack file describes it under the `llmplatform:` keys."""

    environment: Environment
    """Who the environment belongs to, and how carefully it is kept."""
    cloud: Cloud
    """Account, region and zones."""
    network: Network
    """The network of nodes and pods: `new`, or an `existing` one."""
    cluster: Cluster
    """The Kubernetes cluster: `new`, or an `existing` one."""
    platform: Platform = NewPlatform(kind="new")
    """What runs beneath the models: `new`, or installed by another stack (`existing`)."""
    pools: dict[PoolName, Pool] = Field(default_factory=dict)
    """Node pools by name."""
    models: dict[Name, Model] = Field(default_factory=dict)
    """Served models by name; the name is what clients ask for."""
    addons: Addons = Addons()
    """What is installed in the cluster beneath the models."""
    mirrors: Mirrors = Mirrors()
    """Where charts, images and models come from when not from their public homes."""
    secrets: Secrets = Secrets()
    """Encrypted values; `pulumi config set --secret --path` writes them."""
    tags: dict[TagKey, TagValue] = Field(default_factory=dict)
    """Tags on every cloud object beside ours."""

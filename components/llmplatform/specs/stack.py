"""The whole stack file, by cloud: the one definition of the settings.

Each cloud has a class, so that a key of the other cloud is an unknown key.
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from llmplatform.specs.capabilities import AlicloudAddons, AwsAddons, Jobs, Services
from llmplatform.specs.cloud import Alicloud, Aws
from llmplatform.specs.cluster import AckCluster, EksCluster
from llmplatform.specs.environment import Environment
from llmplatform.specs.mirrors import AlicloudMirrors, Mirrors
from llmplatform.specs.models import Model
from llmplatform.specs.network import AlicloudNetwork, AwsNetwork
from llmplatform.specs.outside import AwsOutside, Outside
from llmplatform.specs.platform import AckPlatform, EksPlatform, NewAckPlatform, NewPlatform
from llmplatform.specs.pools import AlicloudPool, AwsPool
from llmplatform.specs.secrets import Secrets
from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.names import Name, PoolName, TagKey, TagValue

NAMESPACE = "llmplatform:"
"""Prefix of our keys in the file. Keys of providers and of Pulumi itself are only searched for secrets."""


class _Stack(Section):
    """Settings of all clouds."""

    environment: Environment
    """Owner and protection of the environment."""
    models: Annotated[dict[Name, Model], Field(max_length=2000)] = Field(default_factory=dict)
    """Served models by name; the name is what clients ask for."""
    services: Services = Services()
    """Software beside the models: for the models themselves, their clients or developers."""
    jobs: Jobs = Jobs()
    """What can be run to its end, or on a schedule."""
    secrets: Secrets = Secrets()
    """Encrypted values, written by `pulumi config set --secret --path`."""
    tags: Annotated[dict[TagKey, TagValue], Field(max_length=100)] = Field(default_factory=dict)
    """Further tags on every cloud object."""


class AwsStack(_Stack):
    """One environment, as its stack file describes it under the `llmplatform:` keys."""

    cloud: Aws
    """Account, region and zones."""
    network: AwsNetwork
    """The network of nodes and pods: `new`, or an `existing` one."""
    cluster: EksCluster
    """The Kubernetes cluster: `new`, or an `existing` one."""
    platform: EksPlatform = NewPlatform(kind="new")
    """The software beneath the models: `new`, or installed by another stack (`existing`)."""
    pools: Annotated[dict[PoolName, AwsPool], Field(max_length=100)] = Field(default_factory=dict)
    """Node pools by name."""
    addons: AwsAddons = AwsAddons()
    """Software that is installed in the cluster beneath the models."""
    mirrors: Mirrors = Mirrors()
    """Other addresses for charts, images and models."""
    outside: AwsOutside = AwsOutside()
    """Access to the internet: a proxy, and certificates of private authorities."""


class AlicloudStack(_Stack):
    """One environment, as its stack file describes it under the `llmplatform:` keys."""

    cloud: Alicloud
    """Account, region and zones."""
    network: AlicloudNetwork
    """The network of nodes and pods: `new`, or an `existing` one."""
    cluster: AckCluster
    """The Kubernetes cluster: `new`, or an `existing` one."""
    platform: AckPlatform = NewAckPlatform(kind="new")
    """The software beneath the models: `new`, or installed by another stack (`existing`)."""
    pools: Annotated[dict[PoolName, AlicloudPool], Field(max_length=100)] = Field(default_factory=dict)
    """Node pools by name."""
    addons: AlicloudAddons = AlicloudAddons()
    """Software that is installed in the cluster beneath the models."""
    mirrors: AlicloudMirrors = AlicloudMirrors()
    """Other addresses for charts, images and models."""
    outside: Outside = Outside()
    """Access to the internet: a proxy, and certificates of private authorities."""


Stack = AwsStack | AlicloudStack
"""One environment on any cloud."""

STACKS: Mapping[str, type[AwsStack] | type[AlicloudStack]] = {"aws": AwsStack, "alicloud": AlicloudStack}
"""The class of a stack file by `cloud.provider`."""

"""The settings of a stack, and its single sections for programs of other teams."""

from llmplatform.specs.cloud import Alicloud, Aws
from llmplatform.specs.cluster import (
    EksEndpoint,
    Endpoint,
    ExistingAckCluster,
    ExistingEksCluster,
    NewAckCluster,
    NewEksCluster,
)
from llmplatform.specs.engines import Engine
from llmplatform.specs.environment import Environment
from llmplatform.specs.mirrors import AlicloudMirrors, Mirrors
from llmplatform.specs.models import Model
from llmplatform.specs.network import ExistingSubnets, ExistingVswitches, NewNetwork, Vswitch
from llmplatform.specs.platform import ExistingAckPlatform, ExistingPlatform, NewAckPlatform, NewPlatform, StorageClass
from llmplatform.specs.platform_ref import AlicloudPlatformRef, AwsPlatformRef, PlatformRef
from llmplatform.specs.pools import AlicloudPool, AwsPool
from llmplatform.specs.stack import AlicloudStack, AwsStack, Stack
from llmplatform.specs.weights import Weights

__all__ = [
    "Alicloud",
    "AlicloudMirrors",
    "AlicloudPlatformRef",
    "AlicloudPool",
    "AlicloudStack",
    "Aws",
    "AwsPlatformRef",
    "AwsPool",
    "AwsStack",
    "EksEndpoint",
    "Endpoint",
    "Engine",
    "Environment",
    "ExistingAckCluster",
    "ExistingAckPlatform",
    "ExistingEksCluster",
    "ExistingPlatform",
    "ExistingSubnets",
    "ExistingVswitches",
    "Mirrors",
    "Model",
    "NewAckCluster",
    "NewAckPlatform",
    "NewEksCluster",
    "NewNetwork",
    "NewPlatform",
    "PlatformRef",
    "Stack",
    "StorageClass",
    "Vswitch",
    "Weights",
]

"""What is wanted: the settings of a stack, checked as a whole, and the single sections for programs of their own."""

from llmplatform.specs.cloud import Alicloud, Aws
from llmplatform.specs.cluster import (
    EksEndpoint,
    Endpoint,
    ExistingAckCluster,
    ExistingEksCluster,
    NewAckCluster,
    NewEksCluster,
)
from llmplatform.specs.environment import Environment
from llmplatform.specs.files import Checked, check, check_stack_file, load_stack, parse, stack_problems
from llmplatform.specs.mirrors import AlicloudMirrors, Mirrors
from llmplatform.specs.models import Model, Vllm, Weights
from llmplatform.specs.network import ExistingSubnets, ExistingVswitches, NewNetwork, Vswitch
from llmplatform.specs.platform import ExistingAckPlatform, ExistingPlatform, NewAckPlatform, NewPlatform, StorageClass
from llmplatform.specs.platform_ref import AlicloudPlatformRef, AwsPlatformRef, PlatformRef, parse_platform_ref
from llmplatform.specs.pools import AlicloudPool, AwsPool
from llmplatform.specs.problems import InvalidStack, Problem
from llmplatform.specs.rules import warnings
from llmplatform.specs.stack import AlicloudStack, AwsStack, Stack

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
    "Checked",
    "EksEndpoint",
    "Endpoint",
    "Environment",
    "ExistingAckCluster",
    "ExistingAckPlatform",
    "ExistingEksCluster",
    "ExistingPlatform",
    "ExistingSubnets",
    "ExistingVswitches",
    "InvalidStack",
    "Mirrors",
    "Model",
    "NewAckCluster",
    "NewAckPlatform",
    "NewEksCluster",
    "NewNetwork",
    "NewPlatform",
    "PlatformRef",
    "Problem",
    "Stack",
    "StorageClass",
    "Vllm",
    "Vswitch",
    "Weights",
    "check",
    "check_stack_file",
    "load_stack",
    "parse",
    "parse_platform_ref",
    "stack_problems",
    "warnings",
]

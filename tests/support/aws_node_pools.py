"""Node pools on AWS as a program registers them, and what EKS' API knows of them."""

from typing import Any

import botocore.loaders

from llmplatform.planning.pools import PoolPlan
from llmplatform.testing import RecordingEngine
from support.aws_platform import node_pool

GROUP = "aws:eks/nodeGroup:NodeGroup"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
TAG = "aws:autoscaling/tag:Tag"


def shape(name: str) -> dict[str, Any]:
    return botocore.loaders.Loader().load_service_model("eks", "service-2")["shapes"][name]


def made(pool: PoolPlan) -> RecordingEngine:
    return RecordingEngine().run(lambda: {"groups": node_pool(pool).group_names})

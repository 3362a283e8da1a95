"""GPU nodes for a cluster that we have already: a group of spot machines, and one of on-demand machines."""

import pulumi

from llmplatform.aws import NodePool, NodePoolArgs, NodeRole, NodeRoleArgs, fail_at_the_end
from llmplatform.planning import plan_pool
from llmplatform.specs import Aws, AwsPool

config = pulumi.Config()
subnets = config.require_object("subnets")
tags = {"team": "search"}

account = Aws(provider="aws", account_id="111122223333", region="us-east-1", zones=tuple(subnets))
wanted = AwsPool(instance_types=("g6.2xlarge",), capacity="spot_first", min=1, max=4)

role = NodeRole("gpu", NodeRoleArgs(cloud=account, tags=tags))
pool = NodePool(
    "gpu",
    NodePoolArgs(
        plan=plan_pool("gpu", wanted, account),
        cluster_name=config.require("cluster"),
        kubernetes_version="1.35",
        node_role_arn=role.role_arn,
        subnet_ids=subnets,
        tags=tags,
    ),
)

pulumi.export("groups", pool.group_names)
# A group that EKS no longer works with ends the update in an error that names the remedy.
fail_at_the_end(pool.faults)

"""Machines of a pool of the simulated ACK."""

from typing import Any

from llmplatform_sandbox.cloud import SimulatedCloud
from support.sandboxes.alicloud_account import NODE_POOL, Made, pool
from support.sandboxes.clouds import ALICLOUD

A10, T4 = "ecs.gn7i-c16g1.4xlarge", "ecs.gn6i-c16g1.4xlarge"


def grown(account: SimulatedCloud, made: Made, size: int, **changes: Any) -> list[bool]:
    """Whether each machine of a pool of that size is a spot one."""
    scaling = {"enable": True, "minSize": 0, "maxSize": 8}
    ALICLOUD.make(account, NODE_POOL, **pool(made, scalingConfig=scaling, **changes))
    account.resize(account.node_groups()[0].id, size)
    return [one.detail["spot"] for one in account.objects() if one.type == "instance"]

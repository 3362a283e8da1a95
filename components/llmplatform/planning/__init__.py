"""What follows from settings and catalog: fit, placement and capacity, as pure functions."""

from llmplatform.planning.models import ModelPlan, plan_model, plan_models
from llmplatform.planning.network import SubnetPlan, VswitchPlan, plan_subnets, plan_vswitches
from llmplatform.planning.pools import GroupPlan, PoolPlan, gpu_capacity, plan_pool, plan_pools

__all__ = [
    "GroupPlan",
    "ModelPlan",
    "PoolPlan",
    "SubnetPlan",
    "VswitchPlan",
    "gpu_capacity",
    "plan_model",
    "plan_models",
    "plan_pool",
    "plan_pools",
    "plan_subnets",
    "plan_vswitches",
]

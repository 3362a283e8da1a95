"""Plans for tests, made the way the program makes them: from settings."""

from typing import Any

from llmplatform.checks import parse
from llmplatform.planning.models import ModelPlan, plan_models
from llmplatform.planning.pools import PoolPlan, plan_pools
from llmplatform.specs.environment import Environment
from llmplatform.specs.stack import Stack

STACK: dict[str, Any] = {
    "environment": {"name": "test", "owner": "team", "cost_center": "none", "protection": "none"},
    "cloud": {
        "provider": "aws",
        "account_id": "111122223333",
        "region": "us-east-1",
        "zones": ["us-east-1a", "us-east-1b"],
    },
    "network": {"kind": "new", "cidr": "10.20.0.0/16"},
    "cluster": {
        "kind": "new",
        "kubernetes_version": "1.35",
        "endpoint": {"public_cidrs": ["203.0.113.0/24"]},
        "admins": ["arn:aws:iam::111122223333:role/admin"],
    },
}
GROUPS = {"lws": {"enabled": True}}
"""Add-ons for replicas over several nodes."""
SYSTEM = {"instance_types": ["m7i.xlarge"], "min": 2, "max": 4, "disk_gib": 50}
SPOT_FIRST = {"instance_types": ["g5.2xlarge"], "capacity": "spot_first", "max": 3}
ON_DEMAND = {"instance_types": ["g5.2xlarge"], "max": 2}
SPOT_OF_FOUR = {"instance_types": ["g5.12xlarge"], "capacity": "spot", "max": 2}
T4 = {"instance_types": ["g4dn.xlarge"], "max": 2}
SMALL = {"source": "Qwen/Qwen3-8B", "pool": "gpu", "context_length": 8192}


def environment(protection: str = "none") -> Environment:
    """The environment that the plans are of, with that protection."""
    return Environment.model_validate({**STACK["environment"], "protection": protection})


def stack(pools: dict[str, Any], models: dict[str, Any] | None = None) -> Stack:
    """A stack of pools and models, beside a system pool, with the controller of groups."""
    return parse({**STACK, "addons": GROUPS, "pools": {"system": SYSTEM, **pools}, "models": models or {}})


def pool_plans(**pools: dict[str, Any]) -> tuple[PoolPlan, ...]:
    """Plans of pools, the system pool first."""
    return plan_pools(stack(pools))


def model_plan(pool: dict[str, Any] = SPOT_FIRST, **settings: Any) -> ModelPlan:
    """Plan of the model `chat` on the pool `gpu`."""
    addons = {"addons": {**GROUPS, **settings.pop("addons", {})}}
    token = {"secrets": {"huggingface_token": {"secure": "v1:x:y"}}} if settings.get("gated") else {}
    pools, models = {"system": SYSTEM, "gpu": pool}, {"chat": {**SMALL, **settings}}
    parsed = parse({**STACK, **token, **addons, "pools": pools, "models": models})
    (plan,) = plan_models(parsed, plan_pools(parsed))
    return plan

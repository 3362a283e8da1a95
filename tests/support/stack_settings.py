"""Settings of the development environment, for tests that change a few of them and read the problems."""

from copy import deepcopy
from pathlib import Path
from typing import Any

from llmplatform.checks import InvalidStack, parse
from llmplatform.checks.files import read

ROOT = Path(__file__).parents[2]
VPC = "vpc-0123456789abcdef0"
EXISTING_CLUSTER = {
    "kind": "existing",
    "name": "Team_Cluster",
    "kubernetes_version": "1.35",
    "endpoint_url": "https://example.eks.amazonaws.com",
    "certificate_authority": "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t",
    "security_group_id": "sg-0123456789abcdef0",
}

EXISTING_NETWORK = {
    "kind": "existing",
    "vpc_id": VPC,
    "cidr": "10.9.0.0/16",
    "private_subnets": {"us-east-1a": "subnet-0123456789abcde00", "us-east-1b": "subnet-0123456789abcde01"},
}


def dev() -> dict[str, Any]:
    """The plain settings of the development environment."""
    return deepcopy(read(ROOT / "Pulumi.dev.yaml"))


def on_a_platform(raw: dict[str, Any]) -> dict[str, Any]:
    """The same models on the platform of another stack, which has the pools, the add-ons and the services."""
    pools = {name: {**pool, "existing": True} for name, pool in raw["pools"].items()}
    found = {**raw, "cluster": EXISTING_CLUSTER, "network": EXISTING_NETWORK, "pools": pools}
    return {**found, "platform": {"kind": "existing"}, "addons": {}, "services": {}}


def problems(raw: dict[str, Any]) -> list[str]:
    """What is wrong with them, one line each."""
    try:
        parse(raw)
    except InvalidStack as error:
        return [str(problem) for problem in error.problems]
    return []

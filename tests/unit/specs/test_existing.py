"""Rules about what is there already: sizes of subnets, and node images in a cluster of another minor.

Facts: amazon-vpc-cni-k8s, prefix-and-ip-target.md (a node takes whole blocks of 16 addresses, one of them kept free);
Amazon VPC user guide, subnet CIDR blocks (five addresses of each subnet are AWS's).
"""

from typing import Any

from support.stack_settings import EXISTING_CLUSTER, EXISTING_NETWORK, dev, problems


def existing(**changes: Any) -> dict[str, Any]:
    """The development environment in a network and a cluster that are there."""
    raw = {**dev(), "network": EXISTING_NETWORK, "cluster": EXISTING_CLUSTER}
    raw["addons"] = {**raw["addons"], "cluster_autoscaler": {"enabled": False}, "gpu_operator": {"enabled": False}}
    return {**raw, "pools": {"gpu": {"instance_types": ["g5.2xlarge"], "min": 3, "max": 3}}, **changes}


def subnets(*cidrs: str) -> dict[str, Any]:
    """The network with its subnets' ranges told."""
    return {**EXISTING_NETWORK, "private_subnet_cidrs": dict(zip(("us-east-1a", "us-east-1b"), cidrs, strict=True))}


def test_nodes_of_a_zone_fit_into_its_existing_subnet() -> None:
    assert problems(existing(network=subnets("10.9.0.0/24", "10.9.1.0/24"))) == []
    [line] = problems(existing(network=subnets("10.9.0.0/26", "10.9.1.0/24")))
    assert line.startswith(
        "network.private_subnet_cidrs.us-east-1a: 10.9.0.0/26 has 59 addresses, and the 2 nodes that the pools may put"
    )
    assert "take 64 (32 each)" in line, "three nodes in two zones: two in one of them"


def test_an_existing_network_is_held_to_its_nodes_as_a_whole_where_no_subnet_is_told() -> None:
    small = {**EXISTING_NETWORK, "cidr": "10.9.0.0/26"}
    [line] = [each for each in problems(existing(network=small)) if each.startswith("network.cidr: ")]
    assert "10.9.0.0/26 has 64 addresses" in line


def test_a_pool_with_an_image_of_its_own_may_be_in_an_existing_cluster_of_any_minor() -> None:
    older = {**EXISTING_CLUSTER, "kubernetes_version": "1.33"}
    [line] = problems(existing(cluster=older))
    assert line == "pools.gpu.image: no release of al2023 for Kubernetes 1.33 is pinned; write image_release"
    pool = {"instance_types": ["g5.2xlarge"], "min": 3, "max": 3, "image_release": "1.33.5-20260512"}
    assert problems(existing(cluster=older, pools={"gpu": pool})) == []

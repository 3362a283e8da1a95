"""What the committed stacks have in common on every cloud: what waits for which nodes, components, outputs."""

import re
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest
from support.conformance.clouds import CLOUDS
from support.program import STACKS, committed, run_program, stack_config

from llmplatform.planning.pools import POOL_LABEL
from llmplatform.testing import RecordingEngine, Registered

CLOUD_OWN = {
    "aws": {"llmplatform:addons:ClusterAutoscaler", "llmplatform:addons:GpuOperator"},
    "alicloud": {"llmplatform:addons:GpuMetrics"},
}
"""Add-ons that one cloud needs and another brings itself."""
WORKLOADS = {f"kubernetes:{kind}" for kind in ("apps/v1:Deployment", "apps/v1:StatefulSet", "batch/v1:Job")}
RELEASE = "kubernetes:helm.sh/v3:Release"
MAKERS_OF_NODES = {"cluster-autoscaler", "gpu-operator"}
"""Charts without which a pod that asks for a GPU may wait for ever."""
SLOTS = 4
"""How many operations the engine works on at once with one core; four for each further one (pulumi/pulumi:
pkg/cmd/pulumi/operations/up.go, `defaultParallel`). One that waits for pods keeps its slot."""


def _makes_nodes(found: Registered) -> bool:
    chart = found.type == RELEASE and found.inputs["name"] in MAKERS_OF_NODES
    return chart or found.type.endswith((":AutoscalingConfig", "cs/nodePool:NodePool", "eks/nodeGroup:NodeGroup"))


GROUPS = ("aws:eks/nodeGroup:NodeGroup", "alicloud:cs/nodePool:NodePool")


def _group_of(found: Registered) -> str:
    """The pool that a group of nodes is of; the engine puts it before nothing but what runs on that pool."""
    if found.type not in GROUPS:
        return ""
    labels = found.inputs["labels"]
    return ({each["key"]: each["value"] for each in labels} if isinstance(labels, list) else labels)[POOL_LABEL]


def _pool_of(engine: RecordingEngine, found: Registered, config: Mapping[str, Any]) -> str:
    """The pool of the model that a resource is part of, or the empty string."""
    above = {each.urn: each for each in engine.registered}
    while found.parent in above and not found.type.endswith(":ModelServer"):
        found = above[found.parent]
    return config["llmplatform:models"][found.name]["pool"] if found.type.endswith(":ModelServer") else ""


@pytest.mark.parametrize("stack", STACKS)
def test_what_waits_for_a_node_comes_after_everything_that_makes_its_nodes(stack: str) -> None:
    config = stack_config(stack)
    engine = run_program(config, stack)
    waiting = [found for found in engine.registered if found.type in WORKLOADS]
    makers = [found for found in engine.registered if _makes_nodes(found)]
    assert waiting
    assert makers
    early = {
        one.name: [
            maker.name
            for maker in makers
            if not engine.waits_for(one, maker)
            and not (maker.inputs.get("taints") and _group_of(maker) not in ("", _pool_of(engine, one, config)))
        ]
        for one in waiting
    }
    assert not any(early.values()), f"enough of them hold all of the engine's slots, and none is left for: {early}"


@pytest.mark.parametrize("stack", STACKS)
def test_a_group_of_gpus_that_fails_holds_up_nothing_but_models_of_its_pool(stack: str) -> None:
    # The engine skips what depends on a failed resource (pulumi/pulumi, deployment_executor.go, doesStepDependOn).
    config = stack_config(stack)
    engine = run_program(config, stack)
    groups = [found for found in engine.registered if found.type in GROUPS and found.inputs.get("taints")]
    assert groups
    held = {
        f"{found.name} waits for {group.name}"
        for group in groups
        for found in engine.registered
        if found.type.startswith(("kubernetes:", "pulumi:providers:", "alicloud:"))
        and found is not group
        and engine.waits_for(found, group)
        and _pool_of(engine, found, config) != _group_of(group)
    }
    assert held == set()


@pytest.mark.parametrize("stack", STACKS)
def test_a_model_is_made_after_the_nodes_of_its_pool(stack: str) -> None:
    config = stack_config(stack)
    engine = run_program(config, stack)
    servers = [found for found in engine.all("kubernetes:apps/v1:Deployment") if _pool_of(engine, found, config)]
    assert servers
    for server in servers:
        groups = [one for one in engine.registered if _group_of(one) == _pool_of(engine, server, config)]
        assert groups
        assert all(engine.waits_for(server, group) for group in groups)


ON_EKS = [stack for stack in STACKS if stack_config(stack)["llmplatform:cloud"]["provider"] == "aws"]
ON_ACK = [stack for stack in STACKS if stack not in ON_EKS]
BROKEN: dict[str, dict[str, Any]] = {
    "failed": {"status": "CREATE_FAILED"},
    # EKS API, `Nodegroup.resources` and `NodegroupResources.autoScalingGroups`: not required.
    "failed early": {"status": "CREATE_FAILED", "resources": []},
    "nothing behind it": {"status": "DEGRADED", "resources": [{"autoscalingGroups": None}]},
}


@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize("stack", ON_EKS)
def test_a_broken_group_stops_the_program_when_all_else_is_registered(stack: str, how: str) -> None:
    def broken(group: Registered) -> Mapping[str, Any]:
        return BROKEN[how] if group.name.endswith("on-demand") else {}

    config = stack_config(stack)
    healthy = run_program(config, stack)
    engine = RecordingEngine(stack=stack, outputs={"aws:eks/nodeGroup:NodeGroup": broken})
    with pytest.raises(pulumi.RunError) as raised:
        run_program(config, stack, engine=engine)
    names = [found.name for found in engine.all("aws:eks/nodeGroup:NodeGroup") if broken(found)]
    assert sorted(re.findall(r"pulumi up --replace 'urn:pulumi:.*::(.*)'", str(raised.value))) == names
    missing = [found for found in healthy.registered if found.urn not in {each.urn for each in engine.registered}]
    unnamed = [f"eks-{name}" for name in names if "resources" in BROKEN[how]]
    assert {found.type for found in missing} <= {"aws:autoscaling/tag:Tag"}
    assert {found.inputs["autoscalingGroupName"] for found in missing} == set(unnamed), "tags of no group"


@pytest.mark.parametrize("stack", ON_ACK)
def test_a_pool_that_ack_does_not_give_is_told_when_all_else_is_registered(stack: str) -> None:
    config = stack_config(stack)
    healthy = run_program(config, stack)
    stuck = [one.name for one in healthy.registered if one.type in GROUPS and one.inputs.get("taints")]
    engine = RecordingEngine(stack=stack, failed=frozenset(stuck))
    with pytest.raises(pulumi.RunError) as raised:
        run_program(config, stack, engine=engine)
    assert re.findall(r"^node pool (\S+): .* pulumi up --refresh$", str(raised.value), re.MULTILINE) == stuck
    assert {found.urn for found in engine.registered} == {found.urn for found in healthy.registered}
    priorities = engine.one("alicloud:cs/autoscalingConfig:AutoscalingConfig").inputs["priorities"]
    named = {each for ids in priorities.values() for each in ids.split(",")}
    assert named == {
        f"asg-{one.name}"
        for one in healthy.registered
        if one.type in GROUPS and one.name not in stuck and "scalingConfig" in one.inputs
    }


@pytest.mark.parametrize("stack", STACKS)
def test_what_the_autoscaler_does_not_come_before_leaves_it_a_slot(stack: str) -> None:
    engine = committed(stack)
    releases = engine.all(RELEASE)
    for scaler in (found for found in releases if found.inputs["name"] == "cluster-autoscaler"):
        beside = [
            found.name
            for found in releases
            if found != scaler and not engine.waits_for(found, scaler) and not engine.waits_for(scaler, found)
        ]
        assert len(beside) < SLOTS, f"pods of {beside} may wait for a node that only the autoscaler makes"


def test_above_the_clouds_every_stack_is_made_of_the_same_components() -> None:
    above: dict[str, set[str]] = {}
    for stack in ("dev", "dev-ack"):
        config = stack_config(stack)
        provider = config["llmplatform:cloud"]["provider"]
        tokens = {each.type for each in run_program(config, stack).registered if not each.custom}
        above[provider] = {each for each in tokens if each.split(":")[1] not in CLOUD_OWN}
        assert CLOUD_OWN[provider] <= above[provider]
    assert above["aws"] - CLOUD_OWN["aws"] == above["alicloud"] - CLOUD_OWN["alicloud"]


def test_every_stack_answers_with_the_same_outputs() -> None:
    def outputs(stack: str) -> set[str]:
        exported = committed(stack).result
        return set(exported)

    assert outputs("dev") == outputs("dev-ack") != set()


THEIRS: dict[str, dict[str, Any]] = {
    "dev": {
        "network": {
            "vpc_id": "vpc-0123456789abcdef0",
            "private_subnets": {"us-east-1a": "subnet-0123456789abcdef0", "us-east-1b": "subnet-0123456789abcdef1"},
        },
        "cluster": {"name": "theirs", "security_group_id": "sg-0123456789abcdef0"},
    },
    "dev-ack": {
        "network": {
            "vpc_id": "vpc-bp1aevy8sofi8mh1qabcd",
            "node_vswitches": {
                zone: {"id": f"vsw-bp12mw1f8k3jgygk9abc{zone[-1]}", "cidr": cidr}
                for zone, cidr in (("cn-hangzhou-j", "10.40.0.0/20"), ("cn-hangzhou-k", "10.40.16.0/20"))
            },
        },
        "cluster": {"id": "c" + "0" * 32, "security_group_id": "sg-bp1a2b3c4d5e6f7g8h9i"},
    },
}
"""What a cloud's existing network and cluster are called by, by example stack."""


def _on_theirs(stack: str) -> dict[str, Any]:
    """The stack's own models and nodes without GPUs, on a network, a cluster and a platform that exist."""
    config = stack_config(stack)
    pools = config["llmplatform:pools"]
    network = {"kind": "existing", "cidr": config["llmplatform:network"]["cidr"], **THEIRS[stack]["network"]}
    cluster = {
        "kind": "existing",
        "kubernetes_version": "1.35",
        "endpoint_url": "https://10.0.0.5:6443",
        "certificate_authority": "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t",
        **THEIRS[stack]["cluster"],
    }
    gone = {"llmplatform:addons", "llmplatform:services"}
    changed = {
        "llmplatform:network": network,
        "llmplatform:cluster": cluster,
        "llmplatform:platform": {"kind": "existing"},
        "llmplatform:pools": {**pools, "gpu": {**pools["gpu"], "existing": True}},
    }
    return {**{key: value for key, value in config.items() if key not in gone}, **changed}


@pytest.mark.parametrize("stack", THEIRS)
def test_models_and_pools_can_be_added_to_existing_clusters(stack: str) -> None:
    engine = run_program(_on_theirs(stack), stack)
    made = {found.type for found in engine.registered if found.custom}
    (cloud,) = [each for each in CLOUDS if each.name == stack_config(stack)["llmplatform:cloud"]["provider"]]
    assert cloud.types["group"] in made, "our pools are added to it"
    assert "kubernetes:apps/v1:Deployment" in made, "our models run in it"
    left_alone = {cloud.types[role] for role in ("network", "subnet", "nat", "cluster", "addon", "key", "file_system")}
    assert not made & left_alone, "existing objects are only read"
    assert not [found for found in engine.registered if found.type.endswith(("AutoscalingConfig", "v3:Release"))], (
        "a cluster has one autoscaler and one platform: another stack's"
    )

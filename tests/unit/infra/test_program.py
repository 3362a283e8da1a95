"""How the program joins its parts, beyond what the committed stacks show."""

from copy import deepcopy
from typing import Any

import pytest
from support.program import run_program, stack_config

from llmplatform.testing import RecordingEngine

RELEASE = "kubernetes:helm.sh/v3:Release"
QUOTA = "kubernetes:core/v1:ResourceQuota"
GPU = "requests.nvidia.com/gpu"


def changed(stack: str, **sections: dict[str, Any] | None) -> RecordingEngine:
    """The program over a committed stack; None takes a section away."""
    config = deepcopy(stack_config(stack))
    for name, section in sections.items():
        config[f"llmplatform:{name}"] = section
    return run_program({key: value for key, value in config.items() if value is not None}, stack)


def in_an_existing_cluster(pools: dict[str, Any], models: dict[str, Any] | None, **more: Any) -> RecordingEngine:
    zones = stack_config("dev")["llmplatform:cloud"]["zones"]
    return changed(
        "dev",
        network={
            "kind": "existing",
            "vpc_id": "vpc-0123456789abcdef0",
            "cidr": "10.20.0.0/16",
            "private_subnets": {zone: f"subnet-0123456789abcdef{place}" for place, zone in enumerate(zones)},
        },
        cluster={
            "kind": "existing",
            "name": "theirs",
            "kubernetes_version": "1.35",
            "endpoint_url": "https://0123.gr7.us-east-1.eks.amazonaws.com",
            "certificate_authority": "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t",
            "security_group_id": "sg-0123456789abcdef0",
        },
        pools=pools,
        models=models,
        **more,
    )


def test_addons_with_pods_wait_for_every_pool_that_has_room_for_them_from_the_start() -> None:
    pools = stack_config("dev")["llmplatform:pools"]
    spare = {"instance_types": ["m7i.xlarge"], "max": 2, "disk_gib": 50}
    engine = changed("dev", pools={"spare": spare, **pools, "second": {**spare, "min": 1}})
    for group in ("system-a", "system-b", "second-a"):
        assert engine.waits_for(engine.named("addons-coredns"), engine.named(group)), f"{group} has a node"
    assert not engine.waits_for(engine.named("addons-coredns"), engine.named("spare-a")), "it starts without one"


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_nothing_depends_on_the_tags_of_a_group_that_a_fast_or_a_slow_answer_would_add(stack: str) -> None:
    engine = run_program(stack_config(stack), stack)
    tags = {each.urn for each in engine.all("aws:autoscaling/tag:Tag")}
    assert tags
    assert not [each.urn for each in engine.registered if each.dependencies & tags]


def test_the_kubernetes_provider_depends_on_untainted_nodes_and_managed_addons() -> None:
    engine = run_program(stack_config("prod"), "prod")
    needed = {urn.rpartition("::")[2] for urn in engine.one("pulumi:providers:kubernetes").dependencies}
    groups = {group.name for group in engine.all("aws:eks/nodeGroup:NodeGroup")} & needed
    assert groups == {"system-a", "system-b", "system-c"}, "a GPU pool that is stuck would hold up every object"
    assert {addon.name for addon in engine.all("aws:eks/addon:Addon") if addon.name.startswith("addons-")} <= needed


def test_a_private_cluster_reaches_aws_through_its_gateways_unless_it_wants_more() -> None:
    config = deepcopy(stack_config("dev"))
    config["llmplatform:cluster"] |= {"endpoint": {}}
    engine = run_program(config, "dev", preview=True)
    (endpoint,) = engine.all("aws:ec2/vpcEndpoint:VpcEndpoint")
    assert endpoint.inputs["vpcEndpointType"] == "Gateway", "the others are charged by the hour and zone"
    assert engine.all("aws:ec2/natGateway:NatGateway"), "nodes reach AWS through it"


def test_the_gpus_of_an_existing_pool_are_within_the_quota_of_the_models() -> None:
    dev = stack_config("dev")
    pools = {"gpu": {**dev["llmplatform:pools"]["gpu"], "existing": True}}
    engine = in_an_existing_cluster({**_system(), **pools}, dev["llmplatform:models"])
    quota = engine.one(QUOTA, "models-quota").inputs["spec"]["hard"][GPU]
    assert quota == "6", "`max` holds for each of its two groups, of spot machines and of those on demand"


def test_a_stack_without_gpus_bounds_none_but_keeps_its_models_inside() -> None:
    hard = in_an_existing_cluster(_system(), None).one(QUOTA, "models-quota").inputs["spec"]["hard"]
    assert hard == {"services.loadbalancers": "0", "services.nodeports": "0"}


def test_the_groups_that_a_cluster_had_before_are_filled_as_well() -> None:
    engine = in_an_existing_cluster(_system(), None)
    assert "\n1:\n- .*\n" in engine.named("autoscaler-priorities").inputs["data"]["priorities"]
    ours = changed("dev").named("autoscaler-priorities").inputs["data"]["priorities"]
    assert ".*" not in ours, "in a cluster of our own every group is known"


def test_certificates_of_an_authority_come_after_the_right_to_answer_it() -> None:
    engine = changed("prod")
    release = engine.one(RELEASE, "cert-manager-release")
    assert engine.waits_for(release, engine.named("cert-manager-records"))
    assert not [each for each in changed("dev").registered if each.name.startswith("cert-manager-records")], (
        "no authority asks"
    )


def test_models_are_not_scraped_where_the_platform_has_no_prometheus() -> None:
    dev = stack_config("dev")
    pools = {"gpu": {**dev["llmplatform:pools"]["gpu"], "existing": True}}
    theirs = {"kind": "existing", "monitoring_namespace": None}
    engine = in_an_existing_cluster(pools, dev["llmplatform:models"], platform=theirs, addons=None, services=None)
    assert not engine.all("kubernetes:monitoring.coreos.com/v1:ServiceMonitor")
    (rule,) = engine.named("qwen3-8b-network").inputs["spec"]["ingress"]
    assert len(rule["from"]) == 1, "only clients get in"


def _system() -> dict[str, Any]:
    return {"system": stack_config("dev")["llmplatform:pools"]["system"]}

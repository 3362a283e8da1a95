"""What is right on Alibaba Cloud, beyond the shipped files, and what rules leave alone."""

from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from llmplatform.checks import InvalidStack, parse, warnings
from llmplatform.checks.files import read
from llmplatform.checks.rules import clusters
from llmplatform.specs.mirrors import Mirrors
from llmplatform.specs.stack import AlicloudStack, AwsStack

ROOT = Path(__file__).parents[3]
EXISTING_CLUSTER = {
    "kind": "existing",
    "id": f"c{'0123456789abcdef' * 2}",
    "kubernetes_version": "1.34",
    "endpoint_url": "https://10.40.0.1:6443",
    "certificate_authority": "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t",
    "security_group_id": "sg-bp1a2b3c4d5e6f7g8h",
}
EXISTING_NETWORK: dict[str, Any] = {
    "kind": "existing",
    "vpc_id": "vpc-bp1aevy8sofi8mh1qabcd",
    "cidr": "10.0.0.0/8",
    "node_vswitches": {
        "cn-hangzhou-j": {"id": "vsw-bp1theirsj00000", "cidr": "10.40.0.0/20"},
        "cn-hangzhou-k": {"id": "vsw-bp1theirsk00000", "cidr": "10.40.16.0/20"},
    },
}


@pytest.fixture(autouse=True)
def _on_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "today", lambda: date(2026, 11, 21))


@pytest.fixture
def raw() -> dict[str, Any]:
    return deepcopy(read(ROOT / "Pulumi.dev-ack.yaml"))


def problems(raw: dict[str, Any]) -> list[str]:
    try:
        parse(raw)
    except InvalidStack as error:
        return [str(problem) for problem in error.problems]
    return []


def vswitches(network: str) -> dict[str, Any]:
    """One for each zone, of a /20 each, beginning at a network's third number."""
    zones = ("cn-hangzhou-j", "cn-hangzhou-k")
    return {
        zone: {"id": f"vsw-bp1{network.replace('.', 'x')}{zone[-1]}00000", "cidr": f"{network}.{16 * index}.0/20"}
        for index, zone in enumerate(zones)
    }


def test_each_cloud_has_a_class_of_its_own(raw: dict[str, Any]) -> None:
    assert isinstance(parse(raw), AlicloudStack)
    assert isinstance(parse(read(ROOT / "Pulumi.dev.yaml")), AwsStack)


def test_a_network_that_exists_has_vswitches_for_nodes_and_pods(raw: dict[str, Any]) -> None:
    network = {"kind": "existing", "vpc_id": "vpc-bp1aevy8sofi8mh1qabcd", "cidr": "10.0.0.0/8"}
    raw["network"] = {**network, "node_vswitches": vswitches("10.40"), "pod_vswitches": vswitches("10.41")}
    assert problems(raw) == []
    raw["network"] = {**network, "node_vswitches": vswitches("10.40")}
    assert problems(raw) == [], "pods may share the vSwitches of the nodes where those are large"


def test_a_cluster_that_exists_may_run_what_is_no_longer_offered(raw: dict[str, Any]) -> None:
    raw["cluster"], raw["network"] = EXISTING_CLUSTER, EXISTING_NETWORK
    assert problems(raw) == []
    raw["cluster"] = {**EXISTING_CLUSTER, "id": "team-cluster"}
    assert problems(raw) == [
        "cluster.id: 'team-cluster' is not valid; write a cluster id: 'c' and 32 letters and digits"
    ]


@pytest.mark.parametrize("release", ["1.35.7-aliyun.1", "1.35.1-aliyun.1"])
def test_a_cluster_can_stay_at_a_version_that_new_ones_no_longer_get(raw: dict[str, Any], release: str) -> None:
    raw["cluster"]["release"] = release
    assert problems(raw) == []


def test_a_minor_whose_support_has_ended_is_warned_of(raw: dict[str, Any]) -> None:
    raw["cluster"]["kubernetes_version"] = "1.34"
    assert [str(warning) for warning in warnings(parse(raw))] == [
        (
            "cluster.kubernetes_version: support of 1.34 ended on 2026-09-30: ACK makes no clusters of it, and repairs "
            "none; raise it one minor at a time, to '1.35' or '1.36', as docs/upgrading.md says"
        )
    ]


def test_instant_scaling_is_for_machines_on_demand(raw: dict[str, Any]) -> None:
    raw["addons"]["cluster_autoscaler"] = {"scaler": "goatscaler"}
    raw["pools"]["gpu"]["capacity"] = "on_demand"
    assert problems(raw) == []


def test_pools_of_another_stack_are_its_business(raw: dict[str, Any]) -> None:
    raw["cluster"] = EXISTING_CLUSTER
    raw["platform"] = {"kind": "existing"}
    raw["addons"] = raw["services"] = {}
    raw["cloud"]["zones"] = ["cn-hangzhou-b", "cn-hangzhou-g"]
    theirs = EXISTING_NETWORK["node_vswitches"].values()
    raw["network"] = {**EXISTING_NETWORK, "node_vswitches": dict(zip(raw["cloud"]["zones"], theirs, strict=True))}
    raw["pools"] = {"gpu": {**raw["pools"]["gpu"], "existing": True}}
    assert problems(raw) == [], "nothing is made there"


def test_the_class_of_shared_volumes_is_the_clouds(raw: dict[str, Any]) -> None:
    raw["cluster"], raw["network"], raw["platform"] = EXISTING_CLUSTER, EXISTING_NETWORK, {"kind": "existing"}
    raw["addons"] = raw["services"] = {}
    raw["pools"] = {"gpu": {**raw["pools"]["gpu"], "existing": True}}
    platform = parse(raw).platform
    assert platform.kind == "existing"
    assert platform.shared_storage_class == "nas"


def test_an_account_may_know_of_more_zones_than_the_catalog(raw: dict[str, Any]) -> None:
    raw["cloud"]["zones"] = ["cn-hangzhou-b", "cn-hangzhou-g"]
    assert problems(raw), "no zone is known to sell gn7i"
    raw["cloud"]["gpu_zones"] = {"gn7i": ["cn-hangzhou-b"]}
    assert problems(raw) == []


def test_an_older_model_runs_on_the_release_that_it_needs(raw: dict[str, Any]) -> None:
    raw["models"]["qwen3-8b"] = {
        "source": "zai-org/chatglm3-6b",
        "pool": "gpu",
        "trust_remote_code": True,
        "engine": {"version": "0.6.6.post1"},
    }
    assert problems(raw) == []
    raw["pools"]["gpu"]["driver"] = "550.163.01"
    assert problems(raw) == [], "CUDA 12.4 runs on driver 550"
    raw["pools"]["gpu"]["driver"] = "535.161.07"
    assert [line.partition(":")[0] for line in problems(raw)] == ["pools.gpu.driver"]


def test_the_driver_of_a_pool_serves_each_of_its_models(raw: dict[str, Any]) -> None:
    raw["models"]["chatglm3"] = {
        "source": "zai-org/chatglm3-6b",
        "pool": "gpu",
        "trust_remote_code": True,
        "engine": {"version": "0.6.6.post1"},
    }
    raw["pools"]["gpu"]["driver"] = "570.169"
    (line,) = problems(raw)
    assert "model 'qwen3-8b'" in line, "the older engine is content"


def test_zones_are_spelt_as_their_region_has_them(raw: dict[str, Any]) -> None:
    raw["cloud"] |= {"region": "ap-southeast-1", "zones": ["ap-southeast-1a", "ap-southeast-1-b"]}
    raw["mirrors"] = {"models": "modelscope"}  # Those of the file answer in another region.
    (line,) = problems(raw)
    assert line.startswith("cloud.zones[1]: ")
    assert "write a zone like 'ap-southeast-1b'" in line


def test_a_public_endpoint_is_open_to_the_internet(raw: dict[str, Any]) -> None:
    raw["cluster"]["endpoint"] = {"public_cidrs": ["0.0.0.0/0"]}
    assert problems(raw) == []


def test_mistakes_of_the_cloud_do_not_hide_those_of_the_others(raw: dict[str, Any]) -> None:
    raw["cloud"]["account_id"] = "1"
    raw["pools"]["gpu"]["driver"] = "1.2"
    raw["models"]["qwen3-8b"]["pool"] = "gpus"
    told = [line.partition(":")[0] for line in problems(raw)]
    assert told == ["cloud.account_id", "pools.gpu.driver", "models.qwen3-8b.pool"]


def test_weights_keep_their_name_where_the_hub_does_not_know_another() -> None:
    assert Mirrors(models="modelscope").model("team/own-model") == "team/own-model"
    assert Mirrors(models="modelscope").model("zai-org/chatglm3-6b") == "ZhipuAI/chatglm3-6b"
    assert Mirrors().model("zai-org/chatglm3-6b") == "zai-org/chatglm3-6b"


def test_a_model_without_a_record_is_asked_for_as_it_is_written(raw: dict[str, Any]) -> None:
    shape = {
        "parameters_billion": 7.6,
        "layers": 28,
        "hidden_size": 3584,
        "attention_heads": 28,
        "kv_heads": 4,
        "head_dim": 128,
        "vocabulary": 152064,
        "context_length": 32768,
    }
    raw["models"]["qwen3-8b"] |= {"source": "team/own-model", "shape": shape}
    assert problems(raw) == []


def test_the_operating_system_is_held_against_the_kubernetes_version(raw: dict[str, Any]) -> None:
    raw["pools"]["system"]["image"] = "alinux3"
    assert problems(raw) == [line for line in problems(raw) if line.startswith("pools.system.image: 'alinux3' has")]
    assert len(problems(raw)) == 1
    raw["pools"]["system"]["image_id"] = "m-bp1a2b3c4d5e6f7g8h9i"
    assert problems(raw) == [], "what an image of one's own has, only its owner knows"
    del raw["pools"]["system"]["image_id"]
    raw["cluster"]["kubernetes_version"] = "1.34"
    assert problems(raw) == []


def test_a_request_to_upgrade_is_warned_of_for_as_long_as_it_stands(raw: dict[str, Any]) -> None:
    assert not warnings(parse(raw))
    raw["cluster"]["upgrade"] = True
    raw["pools"]["gpu"] |= {"renew": True, "image_id": "aliyun_3_x64_20G_alibase_20261101.vhd"}
    assert [problem.path for problem in warnings(parse(raw))] == ["cluster.upgrade", "pools.gpu.renew"]


def test_nodes_are_renewed_to_an_image_that_is_named(raw: dict[str, Any]) -> None:
    raw["pools"]["gpu"]["renew"] = True
    assert problems(raw) == ["pools.gpu.renew: no image is named to bring the nodes to; write image_id, or remove it"]


def test_a_pool_of_fixed_size_has_one_number_of_machines_that_stay(raw: dict[str, Any]) -> None:
    raw["pools"]["system"] |= {"max": 4}
    [said] = problems(raw)
    assert said.startswith("pools.system.max: the pool keeps 2 nodes, and max says 4; write the number of nodes")
    raw["pools"]["system"] |= {"max": 2, "capacity": "spot_first"}
    [said] = problems(raw)
    assert said.startswith("pools.system.scaling: spot machines come and go")


def test_a_cluster_whose_nodes_all_come_and_go_is_warned_of(raw: dict[str, Any]) -> None:
    """terraform-provider-alicloud 2.0, alicloud_cs_kubernetes_node_pool: such nodes are kept free of system pods."""
    raw["pools"]["system"] |= {"scaling": "auto", "max": 4}
    assert [problem.path for problem in warnings(parse(raw))] == ["pools.system.scaling"]

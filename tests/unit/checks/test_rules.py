"""What settings demand of one another, beyond the wrong files of test_bad_files: networks, clusters, names."""

from datetime import date
from typing import Any

import pytest
from support.stack_settings import EXISTING_CLUSTER, EXISTING_NETWORK, VPC, on_a_platform, problems

from llmplatform.catalog import versions
from llmplatform.checks import parse, warnings
from llmplatform.checks.rules import clusters
from llmplatform.planning.pools import plan_pools

pytestmark = pytest.mark.usefixtures("on_a_day")


def subnets(*zones: str) -> dict[str, str]:
    return {zone: f"subnet-0123456789abcde{index:02x}" for index, zone in enumerate(zones)}


def test_an_existing_network_serves_every_zone(raw: dict[str, Any]) -> None:
    network = {"kind": "existing", "vpc_id": VPC, "cidr": "10.9.0.0/16"}
    raw["network"] = {**network, "private_subnets": subnets("us-east-1a", "us-east-1b")}
    assert problems(raw) == []
    raw["network"] = {**network, "private_subnets": subnets("us-east-1a", "us-east-1c")}
    assert problems(raw) == [
        (
            "network.private_subnets: there is none for zone 'us-east-1b'; add 'us-east-1b: subnet-…', or "
            "remove the zone from cloud.zones"
        ),
        (
            "network.private_subnets.us-east-1c: 'us-east-1c' is not a zone of the environment; add it to "
            "cloud.zones, or remove it here"
        ),
    ]


def test_a_subnet_is_named_once(raw: dict[str, Any]) -> None:
    one = "subnet-0123456789abcde00"
    raw["network"] = {
        "kind": "existing",
        "vpc_id": VPC,
        "cidr": "10.9.0.0/16",
        "private_subnets": {"us-east-1a": one, "us-east-1b": one},
    }
    assert problems(raw) == [
        (
            f"network.private_subnets.us-east-1b: '{one}' is network.private_subnets.us-east-1a as well; "
            "a subnet lies in one zone and is private or public: write the other id"
        )
    ]


def test_services_have_a_private_range_of_a_size_that_eks_takes(raw: dict[str, Any]) -> None:
    for cidr in ("172.20.0.0/25", "100.64.0.0/16", "10.0.0.0/8"):
        raw["cluster"]["service_cidr"] = cidr
        assert any(line.startswith(f"cluster.service_cidr: EKS does not take {cidr}") for line in problems(raw)), cidr


def test_an_existing_platform_is_in_an_existing_cluster(raw: dict[str, Any]) -> None:
    raw["platform"] = {"kind": "existing"}
    assert problems(raw) == [
        "platform.kind: an existing platform cannot be in a new cluster; write 'new', or set cluster.kind to 'existing'"
    ]
    assert problems(on_a_platform(raw)) == []


def test_gpus_beside_those_of_a_platform_are_refused_in_one_line(raw: dict[str, Any]) -> None:
    raw = on_a_platform(raw)
    raw["pools"]["ours"] = {"instance_types": ["g6.2xlarge"], "max": 1}
    assert problems(raw) == [
        (
            "pools.ours: another stack's platform counts, fills and offers no GPUs but those of its own pools; declare "
            "the pool in the platform's stack, and let 'llmplatform use-platform' write it here"
        )
    ]
    raw["pools"]["ours"] = {"instance_types": ["m7i.xlarge"], "max": 1}
    assert problems(raw) == [], "nodes without GPUs are as good as those of the cluster's owner"


def test_addons_of_another_stack_are_set_there(raw: dict[str, Any]) -> None:
    raw = on_a_platform(raw)
    for section in ({"gateway": {"host": "llm.example.org"}}, {"cluster_autoscaler": {"enabled": False}}):
        raw["addons"] = section
        assert problems(raw) == ["addons: another stack installs the add-ons of an existing platform; remove it"]


@pytest.mark.parametrize(
    "addons",
    [
        {"cluster_autoscaler": {"enabled": False}},
        {"gpu_operator": {"enabled": False}},
        {"cluster_autoscaler": {"enabled": False}, "gpu_operator": {"enabled": False}},
    ],
)
def test_an_existing_cluster_may_have_an_autoscaler_and_a_device_plugin_of_its_own(
    raw: dict[str, Any], addons: dict[str, Any]
) -> None:
    raw["addons"] |= addons
    assert problems(raw), "a new cluster has neither"
    raw["cluster"], raw["network"] = EXISTING_CLUSTER, EXISTING_NETWORK
    assert problems(raw) == [], "as docs/existing.md says"


def test_an_existing_cluster_needs_no_system_pool(raw: dict[str, Any]) -> None:
    del raw["pools"]["system"]
    assert any(line.startswith("pools: no pool without GPUs") for line in problems(raw))
    raw["cluster"], raw["network"] = EXISTING_CLUSTER, EXISTING_NETWORK
    assert problems(raw) == []


def test_models_alone_may_use_a_pool_of_another_stack(raw: dict[str, Any]) -> None:
    del raw["pools"]["system"]
    raw["pools"]["gpu"]["existing"] = True
    assert any(line.startswith("pools.gpu.existing: a new cluster has no pools") for line in problems(raw))
    raw = on_a_platform(raw)
    assert problems(raw) == []
    (pool,) = plan_pools(parse(raw))
    assert pool.groups == (), "nothing is made for it"
    assert pool.interruptible, "its models still drain within the notice of a spot machine"


def test_a_version_is_one_that_the_chosen_charts_know(raw: dict[str, Any]) -> None:
    raw["cluster"] = {**EXISTING_CLUSTER, "kubernetes_version": "1.37"}
    lines = problems(raw)
    (line,) = [line for line in lines if line.startswith("cluster.kubernetes_version")]
    assert "chart cluster-autoscaler 9.59.0 and gpu-operator v26.7.0 are not tested with 1.37" in line
    raw["addons"]["cluster_autoscaler"] = {"enabled": False}
    raw["pools"]["gpu"]["min"] = 1
    assert not any("cluster-autoscaler" in line for line in problems(raw)), "a chart that is left out has no say"


def test_the_day_on_which_support_ends_warns_and_leaves_a_stack_usable(
    raw: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    raw["cluster"]["kubernetes_version"] = "1.34"
    assert warnings(parse(raw)) == []
    monkeypatch.setattr(clusters, "today", lambda: date(2026, 12, 2))
    assert [str(warning) for warning in warnings(parse(raw))] == [
        (
            "cluster.kubernetes_version: standard support of 1.34 ended on 2026-12-02: EKS raises clusters to the next "
            "minor by itself; raise it one minor at a time, to '1.35' or '1.36', as docs/upgrading.md says"
        )
    ]
    monkeypatch.setattr(clusters, "today", lambda: date(2036, 1, 1))
    assert problems(raw) == [], "a cluster that is there is to be kept, and to be upgraded"
    (warning,) = warnings(parse(raw))
    assert warning.remedy.startswith("update llmplatform"), "no minor that is known here is supported any more"


def test_an_existing_cluster_is_its_owners_business(raw: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "today", lambda: date(2036, 1, 1))
    raw["cluster"], raw["network"] = EXISTING_CLUSTER, EXISTING_NETWORK
    assert warnings(parse(raw)) == []


def test_tags_keep_clear_of_the_clouds_and_ours(raw: dict[str, Any]) -> None:
    raw["tags"] = {"aws:a": "x", "llmplatform:owner": "y", "team": "LLM platform <x>"}
    assert problems(raw) == [
        (
            "tags.team: 'LLM platform <x>' is not valid; use at most 256 letters, digits, spaces within and . : / = "
            "+ - @ _"
        ),
        "tags.aws:a: AWS keeps tags that begin with 'aws:' to itself; choose another name",
        "tags.llmplatform:owner: tags that begin with 'llmplatform:' are ours; choose another name",
    ]
    raw["tags"] = {"team": "AWS:ml"}
    assert problems(raw) == ["tags.team: AWS keeps values that begin with 'aws:' to itself; write another value"], (
        "IAM, EKS and ACM take no such value in any case of letters"
    )
    raw["tags"] = {f"tag-{number}": "x" for number in range(31)}
    assert problems(raw) == ["tags: 31 tags are too many: AWS allows 50 in all; write at most 30"]


def test_mistakes_of_a_broken_section_do_not_hide_those_of_the_others(raw: dict[str, Any]) -> None:
    raw["cloud"]["account_id"] = "1"
    raw["models"]["broken"] = {"source": "nonsense"}
    raw["models"]["qwen3-8b"]["pool"] = "gpus"
    assert [line.partition(":")[0] for line in problems(raw)] == [
        "cloud.account_id",
        "models.broken.source",
        "models.broken.pool",
        "models.qwen3-8b.pool",
    ]


def test_numbers_in_quotes_and_words_for_numbers_are_refused(raw: dict[str, Any]) -> None:
    raw["pools"]["gpu"]["max"] = "3"
    raw["models"]["qwen3-8b"]["replicas"] = True
    raw["network"]["flow_logs"] = "yes"
    assert problems(raw) == [
        "network.flow_logs: 'yes' is not true or false; write true or false, without quotes",
        "pools.gpu.max: '3' is not a whole number; write digits without quotes",
        "models.qwen3-8b.replicas: true is not a whole number; write digits without quotes",
    ]


def test_settings_cannot_be_changed_once_read(raw: dict[str, Any]) -> None:
    stack = parse(raw)
    with pytest.raises(Exception, match="frozen"):
        stack.environment.name = "other"  # pyright: ignore[reportAttributeAccessIssue]


def test_a_cluster_in_mainland_china_without_mirrors_is_warned_of(raw: dict[str, Any]) -> None:
    raw["cloud"] |= {"region": "cn-north-1", "zones": ["cn-north-1a", "cn-north-1b"]}
    raw["cluster"]["admins"] = ["arn:aws-cn:iam::111122223333:role/platform-admin"]
    assert {warning.path for warning in warnings(parse(raw))} == {"mirrors.images", "mirrors.models"}
    images = {host: f"registry.example.cn/{host}" for host in versions.IMAGE_REGISTRIES}
    raw["mirrors"] = {"models": "modelscope", "images": images}
    del raw["models"]["qwen3-8b"]["revision"]
    assert warnings(parse(raw)) == []


@pytest.mark.parametrize("minor", ["1.33", "1.37"])
def test_nodes_of_an_existing_cluster_of_any_minor_have_the_release_that_is_written(
    raw: dict[str, Any], minor: str
) -> None:
    raw["cluster"], raw["network"] = {**EXISTING_CLUSTER, "kubernetes_version": minor}, EXISTING_NETWORK
    raw["platform"], raw["addons"], raw["services"] = {"kind": "existing"}, {}, {}
    raw["models"], raw["pools"] = {}, {"system": {**raw["pools"]["system"], "image_release": f"{minor}.5-20260912"}}
    assert problems(raw) == []
    del raw["pools"]["system"]["image_release"]
    assert problems(raw) == [
        f"pools.system.image: no release of al2023 for Kubernetes {minor} is pinned; write image_release"
    ], "the cluster's version is its owner's"

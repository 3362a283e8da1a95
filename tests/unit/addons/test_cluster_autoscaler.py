"""The autoscaler of EKS: the order in which it fills groups, and its flags."""

import re
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest
import yaml
from support.addons import autoscaler
from support.plans import ON_DEMAND, SPOT_FIRST, pool_plans
from support.sites import on_sites

from llmplatform.catalog.versions import CLUSTER_AUTOSCALER
from llmplatform.specs import addons as specs
from llmplatform.testing import RecordingEngine

RELEASE = "kubernetes:helm.sh/v3:Release"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"

VARIANTS = on_sites("autoscaler", autoscaler)


def values(engine: RecordingEngine, release: str) -> dict[str, Any]:
    return engine.one(RELEASE, release).inputs["values"]


def test_the_autoscaler_fills_spot_groups_before_on_demand_groups() -> None:
    engine = RecordingEngine().run(autoscaler)
    config = engine.one(CONFIG_MAP).inputs
    assert config["metadata"]["name"] == "cluster-autoscaler-priority-expander", "the autoscaler reads no other"
    assert config["metadata"]["namespace"] == "kube-system"
    document = yaml.safe_load(config["data"]["priorities"])
    best, rest = sorted(document, reverse=True)
    assert [bool(re.search(pattern, "eks-gpu-spot-1.a")) for pattern in document[best]] == [True]
    assert len(document[rest]) == 3, (
        "a group that the expander does not know is never filled: not the system pool's either"
    )


def test_every_pattern_of_the_expander_means_exactly_one_group() -> None:
    engine = RecordingEngine().run(lambda: autoscaler(pools=pool_plans(gpu=SPOT_FIRST, gpu2=ON_DEMAND)))
    document = yaml.safe_load(engine.one(CONFIG_MAP).inputs["data"]["priorities"])
    patterns = [pattern for found in document.values() for pattern in found]
    groups = [f"eks-{group}-1.a" for group in ("system-a", "system-b", "gpu-spot", "gpu-on-demand", "gpu2")]
    for group in groups:
        assert sum(bool(re.search(pattern, group)) for pattern in patterns) == 1, f"patterns overlap at {group}"
    assert not any(re.search(pattern, "eks-gpu-spot-1xa") for pattern in patterns), "a dot in a name is a dot"


def test_the_chart_makes_no_priorities_of_its_own() -> None:
    assert "expanderPriorities" not in values(RecordingEngine().run(autoscaler), "autoscaler-release"), (
        "two owners, one object"
    )


def test_the_autoscaler_starts_with_its_priorities_and_not_before() -> None:
    engine = RecordingEngine().run(autoscaler)
    assert engine.waits_for(engine.one(RELEASE), engine.one(CONFIG_MAP)), "it would buy at random"


@pytest.mark.parametrize("minor", CLUSTER_AUTOSCALER)
def test_the_autoscaler_is_of_the_clusters_minor(minor: str) -> None:
    found = values(RecordingEngine().run(lambda: autoscaler(kubernetes_version=minor)), "autoscaler-release")
    assert found["image"]["tag"].startswith(f"v{minor}."), "it simulates that minor's scheduler"


def test_the_autoscaler_is_tuned_for_gpu_pools() -> None:
    spec = specs.ClusterAutoscaler(scale_down_minutes=7)
    flags = values(RecordingEngine().run(lambda: autoscaler(spec=spec)), "autoscaler-release")["extraArgs"]
    assert flags["expander"] == "priority,least-waste"
    # cluster-autoscaler's FAQ: 15 minutes unless set; a node counts as unready until its device plugin has answered.
    assert "max-node-provision-time" not in flags, "a GPU node that is still starting would be given up, and kept"
    assert flags["balance-similar-node-groups"] == "true", "the groups of a pool's zones are filled evenly"
    # Below the threshold a node is emptied: one of 8 GPUs is used by an eighth.
    assert float(flags["scale-down-gpu-utilization-threshold"]) < 1 / 8, "a model on a large node would be moved"
    assert flags["skip-nodes-with-local-storage"] == "false", "shared memory would keep every GPU node for ever"
    assert flags["node-info-cache-expire-time"] == "10m"
    assert flags["scale-down-unneeded-time"] == flags["scale-down-delay-after-add"] == "7m"


def test_the_autoscaler_runs_as_the_service_account_that_has_the_rights() -> None:
    account = values(RecordingEngine().run(autoscaler), "autoscaler-release")["rbac"]["serviceAccount"]
    assert account == {"create": True, "name": "cluster-autoscaler"}


def test_groups_of_others_are_filled_after_all_that_are_planned() -> None:
    engine = RecordingEngine().run(lambda: autoscaler(other_groups=True))
    document = yaml.safe_load(engine.one(CONFIG_MAP).inputs["data"]["priorities"])
    assert document[min(document)] == [".*"], "a group that the expander does not know is never filled"
    assert sorted(document) == [1, 10, 50], "the catch-all takes the place of no planned group"


def test_a_group_that_fails_leaves_the_others_in_their_order_and_is_filled_after_them() -> None:
    pools = pool_plans(gpu=SPOT_FIRST, gpu2=ON_DEMAND)

    def program() -> None:
        stuck = kubernetes.core.v1.Secret("stuck", metadata={"name": "eks-gpu2-1.a"})
        autoscaler(pools=pools, named={"gpu2": stuck.metadata.name})

    engine = RecordingEngine(failed=frozenset({"stuck"})).run(program)
    document = yaml.safe_load(engine.one(CONFIG_MAP).inputs["data"]["priorities"])
    assert document == {
        50: ["^eks\\-gpu\\-spot\\-1\\.a$"],
        10: [f"^eks\\-{group}\\-1\\.a$" for group in ("system\\-a", "system\\-b", "gpu\\-on\\-demand")],
        1: [".*"],
    }
    assert not engine.waits_for(engine.one(CONFIG_MAP), engine.named("stuck")), "the engine would skip it as well"


def test_a_preview_knows_no_order_before_it_knows_the_groups() -> None:
    pools = pool_plans(gpu=SPOT_FIRST)

    def program() -> None:
        coming = kubernetes.core.v1.Secret("coming")
        autoscaler(pools=pools, named={"gpu-spot": coming.metadata.name})

    engine = RecordingEngine(preview=True).run(program)
    assert isinstance(engine.one(CONFIG_MAP).inputs["data"]["priorities"], pulumi.output.Unknown)

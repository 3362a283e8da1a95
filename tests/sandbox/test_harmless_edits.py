"""Edits that look harmless, on pools whose GPU nodes all serve: what they change, and that no node and no pod goes.

Each edit is one line of a stack file. What has to stay is counted by ids: machines of the account, pods of the cluster.
One that cannot be harmless says in the plan what goes.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from support.sandboxes.sandboxed import NAMESPACE, Config, Platform, changed, eventually, platform_of, pulumi

pytestmark = pytest.mark.sandbox

MODEL, POOL = "qwen3-8b", "gpu"
FIRST = {"dev": "m7i.xlarge", "dev-ack": "ecs.g7.xlarge"}
SECOND = {"dev": "m6i.xlarge", "dev-ack": "ecs.g8i.xlarge"}
"""Instance types of one shape: a pool without GPUs has the first, and gets the second."""
GROUPS = ("aws:eks/nodeGroup:NodeGroup", "alicloud:cs/nodePool:NodePool")
RENEWING = (*GROUPS, "aws:ec2/launchTemplate:LaunchTemplate", "aws:eks/cluster:Cluster")
"""Types whose replacement, or new version, costs nodes."""


@dataclass(frozen=True)
class Edit:
    """One change of a stack file that must cost nothing."""

    what: str
    change: Callable[[Config], object]
    updates: frozenset[str] = frozenset()
    """Types whose objects change in place, by their last word; tags of everything aside."""
    creates: bool = False
    """Whether something is made beside what there is."""
    pools: tuple[str, ...] = (POOL,)
    """Pools whose machines have to stay."""


def pool(**settings: Any) -> Callable[[Config], object]:
    return lambda config: config["pools"][POOL].update(settings)


def label(config: Config) -> None:
    config["pools"][POOL]["labels"] = {"team": "search"}


SHARED = (
    Edit("another owner", lambda config: config["environment"].update(owner="search-team")),
    Edit("another cost centre", lambda config: config["environment"].update(cost_center="rnd-2000")),
    Edit("logs kept longer", lambda config: config["cluster"].update(log_retention_days=14)),
)
ON_EKS = (
    Edit("a larger pool", pool(max=6), frozenset({"NodeGroup"})),
    *SHARED,
    Edit("a label of the pool", label, frozenset({"NodeGroup"}), creates=True),
    Edit("one more zone", lambda config: config["cloud"]["zones"].append("us-east-1c"), creates=True),
)
ON_ACK = (
    Edit("a larger pool", pool(max=12), frozenset({"NodePool"})),
    *SHARED,
    Edit("a label of the pool", label, frozenset({"NodePool"})),
    # In place: terraform-provider-alicloud, resource_alicloud_cs_kubernetes_node_pool.go, instance_types.
    Edit(
        "a second instance type",
        lambda config: config["pools"]["system"]["instance_types"].append(SECOND["dev-ack"]),
        frozenset({"NodePool"}),
        pools=(POOL, "system"),
    ),
    Edit("one more zone", lambda config: config["cloud"]["zones"].append("cn-hangzhou-i"), creates=True),
)


@dataclass
class Serving:
    """What serves at a moment."""

    machines: set[str]
    pods: set[str]
    remarks: set[str]
    """What the cloud did unasked."""


def serving(platform: Platform, *pools: str) -> Serving:
    with platform.kube() as kube:
        servers = [one for one in kube.list("v1", "Pod", NAMESPACE) if _owner(one) == "ReplicaSet"]
    machines = {one.id for pool in pools for one in platform.machines(pool)}
    return Serving(
        machines=machines,
        pods={one["metadata"]["uid"] for one in servers},
        remarks=set(platform.sandbox.snapshot().remarks),
    )


def _owner(pod: Mapping[str, Any]) -> str:
    """The Job that has fetched the weights is none that serves."""
    return pod["metadata"]["ownerReferences"][0]["kind"]


def busy(stack: str, replicas: int, most: int, folder: Any) -> Iterator[Platform]:
    """A platform whose GPU nodes all have a model on them, bought by the autoscaler."""

    def fill(config: Config) -> None:
        config["pools"][POOL]["max"] = most
        config["pools"]["system"]["instance_types"] = [FIRST[stack]]
        config["models"][MODEL]["replicas"] = replicas

    for platform in platform_of(stack, folder):
        platform.edit(fill)
        platform.up()
        eventually(lambda one=platform: one.available(MODEL), "the model serves")
        eventually(lambda one=platform: len(serving(one).pods) == replicas, "each replica runs")
        assert len(platform.machines(POOL)) == replicas, "one node for each replica"
        yield platform


@pytest.fixture(scope="module")
def eks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    yield from busy("dev", 4, 4, tmp_path_factory.mktemp("eks"))


@pytest.fixture(scope="module")
def ack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    yield from busy("dev-ack", 4, 10, tmp_path_factory.mktemp("ack"))


def judge(platform: Platform, edit: Edit) -> None:
    before = serving(platform, *edit.pools)
    platform.edit(edit.change)
    outcome = platform.up()
    steps = [step for step in outcome.steps if step.op not in ("same", "read", "refresh")]
    dangerous = [f"{step.op} {step.name}" for step in steps if step.type in RENEWING and "replace" in step.op]
    dangerous += [f"{step.op} {step.name}" for step in steps if "delete" in step.op]
    assert dangerous == [], f"{edit.what}: these cost nodes"
    updated = {step.type.rsplit(":", 1)[1] for step in steps if step.op == "update" and step.type in RENEWING}
    assert edit.updates <= updated, f"{edit.what}: it has to reach the pool"
    assert edit.creates or not any(step.op == "create" for step in steps), f"{edit.what}: {changed(outcome)}"
    after = serving(platform, *edit.pools)
    assert before.machines - after.machines == set(), f"{edit.what}: nodes lost"
    assert before.pods - after.pods == set(), f"{edit.what}: pods evicted"
    assert after.remarks - before.remarks == set(), f"{edit.what}: the cloud acted unasked"


@pytest.mark.parametrize("edit", ON_EKS, ids=lambda edit: edit.what)
def test_on_eks_it_costs_no_node_and_no_pod(eks: Platform, edit: Edit) -> None:
    judge(eks, edit)


@pytest.mark.parametrize("edit", ON_ACK, ids=lambda edit: edit.what)
def test_on_ack_it_costs_no_node_and_no_pod(ack: Platform, edit: Edit) -> None:
    judge(ack, edit)


def goes(platform: Platform) -> dict[str, set[str]]:
    """Name of each node group that a user's own preview replaces or deletes → the properties for which it does."""
    found = pulumi(platform, "preview", "--json")
    assert found.returncode == 0, found.stdout + found.stderr
    reasons: defaultdict[str, set[str]] = defaultdict(set)
    for step in json.loads(found.stdout)["steps"]:
        kind, name = step["urn"].split("::")[-2:]
        if kind.endswith(GROUPS) and step["op"] in ("replace", "create-replacement", "delete-replaced", "delete"):
            reasons[name].update(step.get("replaceReasons") or [])
    return dict(reasons)


def test_other_instance_types_replace_groups_on_eks_and_the_plan_names_each_that_goes(eks: Platform) -> None:
    """ForceNew: terraform-provider-aws, internal/service/eks/node_group.go, instance_types."""
    before = serving(eks, POOL)
    eks.edit(lambda config: config["pools"]["system"]["instance_types"].append(SECOND["dev"]))
    eks.edit(pool(instance_types=["g5.4xlarge"]))
    going = goes(eks)
    assert sorted(going) == ["gpu-on-demand", "gpu-spot", "system-a", "system-b", "system-c"]
    assert all(reasons == {"instanceTypes"} for reasons in going.values()), going
    assert serving(eks, POOL) == before, "a plan costs nothing"
    eks.edit(lambda config: config["pools"]["system"]["instance_types"].remove(SECOND["dev"]))
    eks.edit(pool(instance_types=["g5.2xlarge"]))

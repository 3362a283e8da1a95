"""Edits that look harmless, on pools whose GPU nodes all serve: what they change, and that no node and no pod goes.

Each edit is one line of a stack file. What has to stay is counted by ids: machines of the account, pods of the cluster.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from support.sandboxes.sandboxed import NAMESPACE, Config, Platform, changed, eventually

MODEL, POOL = "qwen3-8b", "gpu"
REPLICAS = 4
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


def busy(platform: Platform, most: int, instance_type: str) -> None:
    """All GPU nodes have a model on them, bought by the autoscaler. `instance_type`: of the pool without GPUs."""

    def fill(config: Config) -> None:
        config["pools"][POOL]["max"] = most
        config["pools"]["system"]["instance_types"] = [instance_type]
        config["models"][MODEL]["replicas"] = REPLICAS

    platform.edit(fill)
    platform.serve(MODEL)
    eventually(lambda: len(serving(platform).pods) == REPLICAS, "each replica runs")
    assert len(platform.machines(POOL)) == REPLICAS, "one node for each replica"


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

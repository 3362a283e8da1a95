"""Nodes that AWS terminates silently, whatever runs on them: counted, and reported at the end of a run."""

import json
from collections.abc import Mapping, Sequence

from llmplatform_sandbox.cloud.account import Account
from llmplatform_sandbox.cloud.aws.groups import Groups
from llmplatform_sandbox.cloud.store import Record, Store
from llmplatform_sandbox.interfaces import Unavailable

_KEY = "nodes ended undrained"


def set_size(account: Account, group: Record, size: int) -> None:
    """Set a group to the size in the request: botocore's eks model, NodegroupScalingConfig.desiredSize.

    A smaller size terminates nodes, regardless of disruption budgets (EKS user guide, managed node groups). For missing
    machines it tries again and again: the group's issue is AsgInstanceLaunchFailures, and the update succeeds.
    """
    groups = Groups(account)
    before = len(groups.running(group))
    try:
        groups.resize(group.id, size)
    except Unavailable as error:
        groups.want(group, size, str(error))
        return
    gone = before - len(groups.running(group))
    if gone > 0:
        name = groups.owner(group).outputs["nodeGroupName"]
        lost = {**ended(account.store)}
        lost[name] = lost.get(name, 0) + gone
        account.store.set(_KEY, json.dumps(lost))


def ended(store: Store) -> Mapping[str, int]:
    """Node group → number of nodes that a smaller desired size terminated."""
    return json.loads(store.setting(_KEY, "{}"))


def remarks(account: Account) -> Sequence[str]:
    """A line for each group that lost nodes, or whose nodes an add-on reports as broken."""
    groups = Groups(account)
    names = {one.id: groups.owner(one).outputs["nodeGroupName"] for one in account.store.all(groups.group_type)}
    broken = {
        f"node group {names.get(one.group)}: {found.type} is False on its nodes ({found.reason}): {found.message}"
        for one in groups.instances()
        for found in one.conditions
        if not found.healthy
    }
    return sorted(broken) + [
        f"node group {name}: a smaller desiredSize ended {count} nodes with all that ran on them, whatever disruption "
        "budgets said"
        for name, count in ended(account.store).items()
    ]

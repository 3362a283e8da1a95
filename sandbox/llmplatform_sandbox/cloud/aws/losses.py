"""Nodes that AWS ends without a word, whatever runs on them: counted, and said at the end of a run."""

import json
from collections.abc import Mapping, Sequence

from llmplatform_sandbox.cloud.account import Account
from llmplatform_sandbox.cloud.aws.groups import Groups
from llmplatform_sandbox.cloud.store import Record, Store
from llmplatform_sandbox.interfaces import Unavailable

_KEY = "nodes ended undrained"


def set_size(account: Account, group: Record, size: int) -> None:
    """Bring a group to the size that was sent: botocore's eks model, NodegroupScalingConfig.desiredSize.

    Below the current number nodes end, and disruption budgets are not respected (EKS user guide, managed node groups).
    What cannot be had is tried for on and on: the group's issue is AsgInstanceLaunchFailures, and the update succeeds.
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
    """Node group → how many of its nodes were ended by a smaller desired size."""
    return json.loads(store.setting(_KEY, "{}"))


def remarks(account: Account) -> Sequence[str]:
    """A line for each group that lost nodes, or whose nodes an add-on takes for broken."""
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

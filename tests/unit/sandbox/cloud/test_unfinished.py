"""A cloud continues what it has accepted, whichever process was killed meanwhile."""

from pathlib import Path
from typing import Any

import pytest
from support.sandboxes.cloud_account import SCOPE, FakeControlPlane, cloud, make, whole_account

from llmplatform_sandbox.cloud.aws.node_groups import NodeGroupBehaviour

CLUSTER, NODE_GROUP = "aws:eks/cluster:Cluster", "aws:eks/nodeGroup:NodeGroup"


class Killed(BaseException):
    """Nothing runs after it: like SIGKILL, and unlike any error."""


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets the slow part of a node group's create be killed at its end, when its machines are there."""
    original = NodeGroupBehaviour.created

    def created(self: Any, account: Any, record: Any) -> Any:
        original(self, account, record)
        monkeypatch.setattr("llmplatform_sandbox.cloud.unfinished.Unfinished.end", lambda *_: None)
        raise Killed

    monkeypatch.setattr(NodeGroupBehaviour, "created", created)
    return monkeypatch


def test_a_create_that_was_accepted_is_finished_at_the_next_look(tmp_path: Path, killed: Any) -> None:
    account = cloud(tmp_path)
    with pytest.raises(Killed):
        whole_account(account, NODE_GROUP)
    killed.undo()
    account.close()
    again = cloud(tmp_path)
    half = again.account.store.all(NODE_GROUP)[0]
    found = again.account.read(NODE_GROUP, half.id)
    assert found is not None
    groups = again.account.store.all("auto-scaling-group")
    assert [one.id for one in groups] == [found.outputs["resources"][0]["autoscalingGroups"][0]["name"]], (
        "one group, not one more for each try"
    )
    assert len(again.instances()) == found.outputs["scalingConfig"]["desiredSize"]


def test_an_update_that_was_accepted_is_finished_at_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = cloud(tmp_path)
    group = whole_account(account, NODE_GROUP)[NODE_GROUP]

    def killed(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(NodeGroupBehaviour, "updated", killed)
        patch.setattr("llmplatform_sandbox.cloud.unfinished.Unfinished.end", lambda *_: None)
        scaling = {**group.inputs["scalingConfig"], "maxSize": 9}
        with pytest.raises(Killed):
            account.account.update(NODE_GROUP, group.id, {**group.inputs, "scalingConfig": scaling}, SCOPE)
    assert account.node_groups()[0].maximum != 9
    account.account.read(NODE_GROUP, group.id)
    assert account.node_groups()[0].maximum == 9


def test_an_object_that_is_removed_half_made_leaves_no_note(tmp_path: Path) -> None:
    control_plane = FakeControlPlane()
    account = cloud(tmp_path, control_plane)
    vpc = make(account, "aws:ec2/vpc:Vpc", cidrBlock="10.0.0.0/16")
    account.remove_object(vpc.id, vpc.made_by)
    assert account.account.store.setting(f"unfinished {vpc.key}") == ""
    assert account.account.store.get(vpc.type, vpc.id) is None

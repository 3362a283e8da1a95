"""The real providers stand on pulumi-terraform-bridge; what it does with states, failures and refreshes.

Sources: pulumi/pulumi-terraform-bridge pkg/tfbridge/provider.go (Diff, Create, Read, Update), pkg/tfbridge/schema.go
(ExtractInputsFromOutputs), pkg/tfbridge/diff.go (computeIgnoreChanges); hashicorp/terraform-provider-aws
internal/service/eks/node_group.go (resourceNodeGroupUpdate).
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.sandboxes.cloud_account import FakeControlPlane, cloud, whole_account

from llmplatform_sandbox.cloud import SimulatedCloud
from llmplatform_sandbox.providers.base import InitFailed, ProviderError
from llmplatform_sandbox.providers.cloud import CloudProvider

GROUP, ADDON, RULE = (
    "aws:eks/nodeGroup:NodeGroup",
    "aws:eks/addon:Addon",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
)
NAME = "dev:gpu-spot"
DESIRED = "scalingConfig.desiredSize"


@dataclass
class Engine:
    """What the engine does with one resource: it keeps inputs and outputs, and a failed one's as well."""

    provider: CloudProvider
    type: str
    id: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    ignored: list[str] = field(default_factory=list[str])

    def plan(self, **changes: Any) -> set[str]:
        """The paths that a run with these inputs would change."""
        inputs = self._given(changes)
        return set(self.provider.diff(self.type, self.id, self.inputs, self.outputs, inputs).changes)

    def update(self, **changes: Any) -> None:
        """Apply them, whether or not anything is planned, as after a failure."""
        inputs = self._given(changes)
        try:
            outputs = self.provider.update(self.type, "urn", self.id, self.inputs, self.outputs, inputs, False, 0)
        except InitFailed as failed:
            self.inputs, self.outputs = inputs, dict(failed.state)
            raise
        self.inputs, self.outputs = inputs, outputs

    def refresh(self) -> None:
        found = self.provider.read(self.type, "urn", self.id, self.inputs, self.outputs)
        assert found is not None
        _, self.inputs, self.outputs = found

    def _given(self, changes: dict[str, Any]) -> dict[str, Any]:
        given = {name: value for name, value in {**self.inputs, **changes}.items() if value is not None}
        if DESIRED in self.ignored:  # The engine keeps the old input there.
            kept = self.inputs["scalingConfig"]["desiredSize"]
            given["scalingConfig"] = {**given["scalingConfig"], "desiredSize": kept}
        return given


@pytest.fixture
def control_plane() -> FakeControlPlane:
    return FakeControlPlane()


@pytest.fixture
def account(tmp_path: Path, control_plane: FakeControlPlane) -> SimulatedCloud:
    account = cloud(tmp_path, control_plane)
    whole_account(account, GROUP)
    return account


@pytest.fixture
def engine(account: SimulatedCloud, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The engine with the node group in its state, made by a program that ignores its size afterwards."""
    [record] = account.account.store.all(GROUP)
    made = Engine(CloudProvider(lambda: account), GROUP, NAME, dict(record.inputs), dict(record.outputs), [DESIRED])
    tags = '{"tags":{"owner":"ml"}}'
    config = {"region": "eu-west-1", "allowedAccountIds": '["111122223333"]', "defaultTags": tags}
    monkeypatch.setattr(CloudProvider, "config", property(lambda self: config))
    monkeypatch.setattr(CloudProvider, "ignored", property(lambda self: made.ignored))
    return made


def grow(account: SimulatedCloud, size: int) -> None:
    account.resize(account.node_groups()[0].id, size)


def bounds(**changes: int) -> dict[str, int]:
    return {"minSize": 0, "maxSize": 4, "desiredSize": 1, **changes}


def test_another_bound_sends_the_size_of_the_state_and_ends_nodes_that_serve(
    account: SimulatedCloud, engine: Engine, control_plane: FakeControlPlane
) -> None:
    grow(account, 4)
    control_plane.nodes.done.clear()
    engine.update(scalingConfig=bounds(maxSize=6))
    assert len(account.instances()) == 1, "UpdateNodegroupConfig has all three numbers, and the state's was one"
    assert control_plane.nodes.done == [], "disruption budgets are not respected: nothing is drained"
    [remark] = account.remarks()
    assert "gpu-spot" in remark
    assert "ended 3 nodes" in remark


def test_after_a_refresh_another_bound_leaves_the_nodes_alone(account: SimulatedCloud, engine: Engine) -> None:
    grow(account, 4)
    engine.refresh()
    assert engine.inputs["scalingConfig"]["desiredSize"] == 4, "a refresh takes what the cloud has into the inputs"
    engine.update(scalingConfig=bounds(maxSize=6))
    assert len(account.instances()) == 4
    assert account.node_groups()[0].maximum == 6
    assert account.remarks() == []


def test_an_update_of_something_else_reads_the_size_and_does_not_send_it(
    account: SimulatedCloud, engine: Engine
) -> None:
    grow(account, 4)
    engine.update(labels={"pool": "other"})
    assert len(account.instances()) == 4
    assert engine.outputs["scalingConfig"]["desiredSize"] == 4, "an update ends with a read"
    assert engine.inputs["scalingConfig"]["desiredSize"] == 1, "which changes no input"
    assert engine.plan() == set(), "and what is ignored is no difference"
    engine.update(scalingConfig=bounds(maxSize=6))
    assert len(account.instances()) == 4, "an ignored path keeps what the state has"


def test_a_program_that_does_not_ignore_the_size_sees_it_as_drift(account: SimulatedCloud, engine: Engine) -> None:
    engine.ignored = []
    grow(account, 3)
    written = dict(engine.inputs)
    engine.refresh()
    assert engine.plan(**written) == {DESIRED}
    engine.update(**written)
    assert len(account.instances()) == 1


def test_bounds_that_the_size_does_not_fit_are_refused_in_the_words_of_eks(
    account: SimulatedCloud, engine: Engine
) -> None:
    with pytest.raises(InitFailed, match="Minimum capacity 2 can't be greater than desired size 1"):
        engine.update(scalingConfig=bounds(minSize=2))
    assert account.node_groups()[0].minimum == 0


def test_after_a_failed_update_the_next_run_says_success_and_does_nothing(
    account: SimulatedCloud, engine: Engine, control_plane: FakeControlPlane
) -> None:
    new = "1.35.9-20261201"
    [node] = [one.node for one in account.instances()]
    control_plane.nodes.stuck.add(node)
    with pytest.raises(InitFailed, match="PodEvictionFailure"):
        engine.update(releaseVersion=new)
    assert engine.outputs["releaseVersion"] == new, "the state holds what was planned"
    control_plane.nodes.stuck.clear()
    control_plane.nodes.done.clear()
    engine.update()  # The engine updates what has failed, whether or not it differs.
    assert control_plane.nodes.done == [], "with no difference there is no request"
    assert engine.outputs["releaseVersion"] != new, "but the read that follows sees what is true"
    assert engine.plan() == {"releaseVersion"}, "so that the run after that one does it"
    engine.update()
    assert control_plane.nodes.done != []


def test_a_failed_update_keeps_of_the_state_what_the_cloud_put_there_and_what_is_ignored(
    account: SimulatedCloud, engine: Engine
) -> None:
    grow(account, 3)
    engine.update(labels={"pool": "other"})
    with pytest.raises(InitFailed, match="can't be greater"):
        engine.update(scalingConfig=bounds(minSize=4))
    assert engine.outputs["scalingConfig"] == bounds(minSize=4, desiredSize=3), "planned, but for the ignored number"
    type_ = "aws:eks/cluster:Cluster"
    [record] = account.account.store.all(type_)
    cluster = Engine(engine.provider, type_, record.id, dict(record.inputs), dict(record.outputs))
    subnets = record.inputs["vpcConfig"]["subnetIds"][:1]
    engine.ignored = []
    with pytest.raises(InitFailed, match="exact set of AZs"):
        cluster.update(vpcConfig={**record.inputs["vpcConfig"], "subnetIds": subnets})
    before = record.outputs["vpcConfig"]
    assert cluster.outputs["vpcConfig"] == {**before, "subnetIds": subnets}


def test_a_refresh_lets_the_very_next_run_go_on(
    account: SimulatedCloud, engine: Engine, control_plane: FakeControlPlane
) -> None:
    new = "1.35.9-20261201"
    control_plane.nodes.stuck.update(one.node for one in account.instances())
    with pytest.raises(InitFailed):
        engine.update(releaseVersion=new)
    control_plane.nodes.stuck.clear()
    engine.refresh()
    assert engine.plan(releaseVersion=new) == {"releaseVersion"}


def test_a_group_whose_creation_failed_is_kept_and_passes_the_next_run(account: SimulatedCloud, engine: Engine) -> None:
    inputs = {**engine.inputs, "nodeGroupName": "second"}
    account.fault("zone-outage", "eu-west-1a", active=True)
    account.fault("zone-outage", "eu-west-1b", active=True)
    with pytest.raises(InitFailed, match="AsgInstanceLaunchFailures") as failed:
        engine.provider.create(GROUP, "urn:pulumi:dev::p::t::second", inputs, False, 0)
    assert failed.value.id == "dev:second", "its id was set before the waiting began"
    assert "resources" not in failed.value.state, "nothing was read: what only the cloud knows is not there"
    second = Engine(engine.provider, GROUP, failed.value.id, inputs, dict(failed.value.state), [DESIRED])
    second.update()
    assert second.outputs["status"] == "CREATE_FAILED", "and the run reports success: the status is ignored"
    with pytest.raises(InitFailed, match="not in Active State"):
        second.update(labels={"pool": "other"})


def test_a_group_that_got_no_machine_keeps_the_size_that_was_asked_of_it_and_tries_on(
    account: SimulatedCloud, engine: Engine
) -> None:
    # Never below the minimum: botocore's autoscaling model, CreateAutoScalingGroupType.DesiredCapacity.
    asked = {"minSize": 1, "maxSize": 2, "desiredSize": 1}
    inputs = {**engine.inputs, "nodeGroupName": "second", "instanceTypes": ["g5.2xlarge"], "scalingConfig": asked}
    account.fault("stockout", "g5.2xlarge", active=True)
    with pytest.raises(InitFailed) as failed:
        engine.provider.create(GROUP, "urn:pulumi:dev::p::t::second", inputs, False, 0)
    assert failed.value.id is not None
    second = Engine(engine.provider, GROUP, failed.value.id, inputs, dict(failed.value.state))
    second.refresh()
    assert second.inputs["scalingConfig"] == asked
    assert account.account.behaviour(GROUP).check(second.inputs) == [], "the next run begins"
    account.fault("stockout", "g5.2xlarge", active=False)
    assert len(account.instances()) == 2, "the group got its machine after all"
    second.refresh()
    assert second.outputs["status"] == "CREATE_FAILED", "and EKS takes no change of it still"


def test_providers_of_the_newer_kind_save_nothing_of_what_failed(account: SimulatedCloud, engine: Engine) -> None:
    group = next(one for one in account.account.store.all("aws:ec2/securityGroup:SecurityGroup") if not one.owner)
    inputs = {"securityGroupId": group.id, "cidrIpv4": "10.9.0.0/16", "ipProtocol": "tcp", "fromPort": 1, "toPort": 1}
    id_, outputs = engine.provider.create(RULE, "urn:pulumi:dev::p::t::rule", inputs, False, 0)
    rule = Engine(engine.provider, RULE, id_, inputs, outputs)
    account.fault("outage", RULE, active=True)
    with pytest.raises(ProviderError, match="ServiceUnavailable"):
        rule.update(toPort=2)


def test_a_refresh_adds_no_input_and_drops_those_that_are_gone(account: SimulatedCloud, engine: Engine) -> None:
    engine.inputs = {**engine.inputs, "forceUpdateVersion": True}
    written = {name for name in engine.inputs if name != "labels"}
    del engine.inputs["labels"]
    engine.refresh()
    assert set(engine.inputs) == written - {"forceUpdateVersion"}


def test_to_fall_silent_about_what_the_cloud_fills_changes_nothing(engine: Engine) -> None:
    engine.update(releaseVersion="1.35.9-20261201")
    assert engine.plan(releaseVersion=None) == set(), "Optional and Computed in terraform's schema"
    assert engine.plan(labels=None) == {"labels"}


def test_tags_of_a_launch_template_make_no_version_of_it(account: SimulatedCloud, engine: Engine) -> None:
    type_ = "aws:ec2/launchTemplate:LaunchTemplate"
    [record] = account.account.store.all(type_)
    template = Engine(engine.provider, type_, record.id, dict(record.inputs), dict(record.outputs))
    template.update(tags={"owner": "web"})
    assert template.outputs["latestVersion"] == 1, "resourceLaunchTemplateUpdate: updateKeys has no tags"
    template.update(description="two")
    assert template.outputs["latestVersion"] == 2

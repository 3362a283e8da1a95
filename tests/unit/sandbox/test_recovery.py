"""What happens after a kill, without an engine: to what was under way, and to the next run."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

import pytest
from support.program import ROOT
from support.sandboxes.stopped_engine import StoppedEngine, ended, resource

from llmplatform.catalog.tags import RESOURCE_TAG
from llmplatform.recovery import state
from llmplatform_sandbox.checkpoint import Checkpoint
from llmplatform_sandbox.engine import Outcome, PulumiEngine
from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.interfaces import Cloud, CloudObject
from llmplatform_sandbox.lifecycle import Sandbox
from llmplatform_sandbox.paths import SandboxPaths
from llmplatform_sandbox.progress import silent
from llmplatform_sandbox.recovery import Unclean, reconcile

VPC = "urn:pulumi:dev::app::aws:ec2/vpc:Vpc::main"
SUBNET = "urn:pulumi:dev::app::aws:ec2/subnet:Subnet::a"
MAP = "urn:pulumi:dev::app::kubernetes:core/v1:ConfigMap::settings"


class Account:
    def __init__(self, *objects: CloudObject) -> None:
        self.left = list(objects)

    def objects(self) -> Sequence[CloudObject]:
        return list(self.left)

    def remove_object(self, id_: str, made_by: str = "") -> None:
        self.left = [item for item in self.left if item.id != id_]


class Cluster:
    def find(self, typ: str, urn: str, inputs: Mapping[str, Any]) -> str | None:
        return "default/settings" if urn == MAP else None

    def mend(self, stack: str, known: Collection[str]) -> list[str]:
        return []


def vpc(id_: str, made_by: str = VPC, tag: str = "ec2/vpc:Vpc main") -> CloudObject:
    return CloudObject(type="aws:ec2/vpc:Vpc", id=id_, made_by=made_by, inputs={"tags": {RESOURCE_TAG: tag}})


def reconciled(engine: StoppedEngine, paths: SandboxPaths, *objects: CloudObject, wanted: bool = True) -> list[str]:
    """Ids of what is left in the account."""
    account = Account(*objects)
    clouds = cast(Mapping[str, Cloud], {"aws": account})
    reconcile(
        cast(PulumiEngine, engine), Unclean(paths), "urn:pulumi:dev::app::", lambda: clouds, Cluster, wanted=wanted
    )
    return [item.id for item in account.left]


def test_a_healthy_sandbox_is_left_alone(paths: SandboxPaths) -> None:
    engine = StoppedEngine()
    assert ended(engine, paths) == []
    assert reconciled(engine, paths, vpc("vpc-1")) == ["vpc-1"]
    assert engine.calls == []


def test_an_object_whose_create_was_under_way_is_adopted(paths: SandboxPaths) -> None:
    engine = StoppedEngine(interrupted=[VPC, SUBNET, MAP])
    assert reconciled(engine, paths, vpc("vpc-1")) == ["vpc-1"]
    assert engine.calls == [("adopt", {VPC: "vpc-1", MAP: "default/settings"}), "refresh"], (
        "the subnet was never made, so its create is forgotten"
    )


@pytest.mark.parametrize("wanted", [True, False])
def test_an_object_that_does_not_carry_its_tag_is_found_no_more_than_in_a_real_account(
    paths: SandboxPaths, wanted: bool
) -> None:
    engine = StoppedEngine(interrupted=[VPC])
    anothers = vpc("vpc-2", tag="aws:ec2/vpc:Vpc other")
    untagged = CloudObject(type="aws:ec2/vpc:Vpc", id="vpc-1", made_by=VPC)
    assert reconciled(engine, paths, untagged, anothers, wanted=wanted) == ["vpc-1", "vpc-2"], (
        "taking the sandbox down names what was left"
    )
    assert engine.calls == [("adopt", {}), "refresh"]


def test_an_object_of_a_type_without_tags_is_found_by_its_maker(paths: SandboxPaths) -> None:
    urn = "urn:pulumi:dev::app::aws:ec2/route:Route::out"
    made = CloudObject(type="aws:ec2/route:Route", id="r-1", made_by=urn)
    engine = StoppedEngine(interrupted=[urn])
    assert reconciled(engine, paths, made) == ["r-1"]
    assert engine.calls == [("adopt", {urn: "r-1"}), "refresh"]


def test_the_new_half_of_a_replacement_is_removed_and_the_old_half_stays(paths: SandboxPaths) -> None:
    engine = StoppedEngine(interrupted=[VPC], resources=[resource(VPC, "vpc-old")])
    assert reconciled(engine, paths, vpc("vpc-old"), vpc("vpc-new")) == ["vpc-old"]
    assert engine.calls == [("adopt", {}), "refresh"]


def test_an_object_whose_answer_was_lost_is_adopted_too_for_its_name_would_be_blocked(paths: SandboxPaths) -> None:
    Unclean(paths).set()
    root = {"urn": "urn:pulumi:dev::app::pulumi:pulumi:Stack::app-dev", "type": "pulumi:pulumi:Stack"}
    provider = {"urn": "urn:pulumi:dev::app::pulumi:providers:aws::aws", "type": "pulumi:providers:aws", "id": "1"}
    others = vpc("vpc-3", VPC.replace(":dev:", ":other:"))
    disk = CloudObject(type="volume", id="vol-1", made_by="kubernetes/ebs.csi.aws.com default/data")
    engine = StoppedEngine(resources=[root, provider])
    assert reconciled(engine, paths, vpc("vpc-1"), others, disk) == ["vpc-1", "vpc-3", "vol-1"]
    assert engine.calls == [("adopt", {VPC: "vpc-1"}), "refresh"]
    [lost] = engine.lost
    assert (lost["parent"], lost["provider"]) == (root["urn"], f"{provider['urn']}::1")
    assert not Unclean(paths)


def test_before_a_destruction_what_no_state_knows_is_removed_and_nothing_of_others(paths: SandboxPaths) -> None:
    Unclean(paths).set()
    others = vpc("vpc-3", VPC.replace(":dev:", ":other:"))
    disk = CloudObject(type="volume", id="vol-1", made_by="kubernetes/ebs.csi.aws.com default/data")
    engine = StoppedEngine(resources=[resource(SUBNET, "subnet-1")])
    assert reconciled(engine, paths, vpc("vpc-2"), others, disk, wanted=False) == ["vpc-3", "vol-1"], (
        "another stack of the account has a state of its own, and the cluster's controllers remove what they made"
    )
    assert engine.calls == ["refresh"]


def test_a_recovery_that_was_killed_itself_is_done_again(paths: SandboxPaths) -> None:
    adopted = state.adopt(StoppedEngine(interrupted=[VPC]).deployment(), {VPC: "vpc-1"})["resources"]
    engine = StoppedEngine(resources=adopted)
    assert reconciled(engine, paths, vpc("vpc-1")) == ["vpc-1"]
    assert engine.calls == ["refresh"], "what was adopted is still to be read"


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    (tmp_path / "infra").mkdir()
    return Sandbox(tmp_path, "dev", silent)


class Applied:
    """An engine whose update comes to a good end, or does not."""

    def __init__(self, sandbox: Sandbox, error: str = "", forbidden: str = "") -> None:
        self.unclean, self.error, self.forbidden = Unclean(sandbox.paths), error, forbidden
        self.checkpoint = Checkpoint(sandbox.paths, sandbox.project.name, sandbox.stack)

    def require_plan(self) -> None:
        if self.forbidden:
            raise SandboxError(self.forbidden)

    def up(self) -> Outcome:
        assert self.unclean, "a kill from here on has to be seen by the next run"
        if self.error:
            raise SandboxError(self.error)
        return Outcome(changes={})


@pytest.mark.parametrize("error", ["", "1 of the resources failed"])
def test_the_run_after_a_failed_update_looks_for_what_it_left(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    monkeypatch.setattr(sandbox, "_started", lambda: Applied(sandbox, error))
    with pytest.raises(SandboxError, match=error) if error else nullcontext():
        sandbox.up()
    assert bool(Unclean(sandbox.paths)) is bool(error)


@pytest.mark.parametrize(("protected", "refused"), [(True, True), (False, False)])
def test_where_something_is_protected_a_plan_that_is_forbidden_is_not_begun(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, protected: bool, refused: bool
) -> None:
    engine = Applied(sandbox, forbidden="the vpc is protected")
    copy = sandbox.paths.project / "Pulumi.dev.yaml"
    copy.parent.mkdir(parents=True)
    copy.write_text("as it was applied")

    def started() -> Applied:
        copy.write_text("as it is wanted")
        return engine

    monkeypatch.setattr(sandbox, "_started", started)
    monkeypatch.setattr(engine.checkpoint, "resources", lambda: [{"protect": protected}])
    with pytest.raises(SandboxError, match="the vpc is protected") if refused else nullcontext():
        sandbox.up()
    assert not Unclean(sandbox.paths), "nothing was begun that the next run would have to look for"
    assert copy.read_text() == ("as it was applied" if refused else "as it is wanted"), "what down destroys"

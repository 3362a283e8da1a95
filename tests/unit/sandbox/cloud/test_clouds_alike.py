"""What both simulated clouds have in common: dependencies, quotas, names, stock-outs, outages, orphans."""

from pathlib import Path
from typing import Any

import pytest
from support.sandboxes.cloud_account import FakeControlPlane, type_of
from support.sandboxes.clouds import CLOUDS, Case, on_each_cloud

from llmplatform_sandbox.cloud import SimulatedCloud
from llmplatform_sandbox.cloud.check import check
from llmplatform_sandbox.cloud.facts import load
from llmplatform_sandbox.cloud.requests import CloudError, NotReady
from llmplatform_sandbox.interfaces import Unavailable

pytestmark = on_each_cloud


def pool_inputs(case: Case, account: SimulatedCloud, **changes: Any) -> dict[str, Any]:
    [record] = account.account.store.all(case.pool)[:1]
    return {**record.inputs, **changes}


def with_pool(case: Case, folder: Path) -> tuple[SimulatedCloud, str]:
    """An account with a spot pool of one machine (1 to 4, or 0 to 4), and its group."""
    account = case.open(folder)
    case.whole(account, case.pool)
    return account, account.node_groups()[0].id


def kinds_of(account: SimulatedCloud) -> list[str]:
    return [one.template.labels["node.kubernetes.io/instance-type"] for one in account.instances()]


# Objects


def test_every_type_of_the_facts_has_a_realistic_example(case: Case) -> None:
    registered = {name for name, facts in load(case.package).types.items() if facts.registered}
    assert registered == {type_of(key) for key in case.realistic}, "a type without an example is untested"


def test_realistic_inputs_of_every_type_pass(case: Case, tmp_path: Path) -> None:
    account = case.open(tmp_path)
    for key, record in case.whole(account).items():
        assert not check(load(case.package), record.type, record.inputs), key
        assert not account.account.behaviour(record.type).check(record.inputs), key


def test_one_of_everything_comes_and_goes_without_a_trace(case: Case, tmp_path: Path) -> None:
    control_plane = FakeControlPlane()
    account = case.open(tmp_path, control_plane)
    made = case.whole(account)
    for key in reversed(made):
        account.account.delete(type_of(key), made[key].id)
    assert account.objects() == [], "what is left is an orphan that costs money"
    assert control_plane.resets == 1, "a deleted cluster takes its API server along"


def test_an_update_forgets_nothing_that_the_cloud_has_chosen(case: Case, tmp_path: Path) -> None:
    account = case.open(tmp_path)
    for key, record in case.whole(account).items():
        before = account.account.read(record.type, record.id)
        after = case.change(account, record)
        assert before is not None
        assert before.outputs.keys() == after.outputs.keys(), f"{key}: others were made with what is gone now"


def test_a_second_create_of_the_same_makes_a_second_object(case: Case, tmp_path: Path) -> None:
    account = case.open(tmp_path)
    first, second = (case.make(account, case.network, cidrBlock="10.0.0.0/16") for _ in range(2))
    assert first.id != second.id, "Create is never idempotent by URN, or orphans after a kill could not be seen"


def test_a_name_that_only_one_may_have_collides(case: Case, tmp_path: Path) -> None:
    account = case.open(tmp_path)
    case.make(account, case.role, **case.role_inputs)
    with pytest.raises(CloudError, match=case.answers["taken"]):
        case.make(account, case.role, **case.role_inputs)


def test_a_reference_to_nothing_is_refused_with_the_services_own_code(case: Case, tmp_path: Path) -> None:
    with pytest.raises(CloudError, match=case.answers["missing"]):
        case.make(case.open(tmp_path), case.subnet, **case.no_network)


def test_a_subnet_with_an_interface_left_in_it_names_the_interface(case: Case, tmp_path: Path) -> None:
    account = case.open(tmp_path)
    made = case.whole(account, case.subnet)
    leaked = account.add_object("network-interface", "kubernetes/leak", {case.subnet_property: made[case.subnet].id})
    with pytest.raises(CloudError, match=f"{case.answers['in use']}.*{leaked}.*kubernetes/leak"):
        account.account.delete(case.subnet, made[case.subnet].id)
    account.remove_object(leaked)
    account.account.delete(case.subnet, made[case.subnet].id)


def test_a_network_with_a_subnet_left_in_it_cannot_be_deleted(case: Case, tmp_path: Path) -> None:
    account = case.open(tmp_path)
    made = case.whole(account, case.subnet)
    with pytest.raises(CloudError, match=f"{case.answers['in use']}.*{made[case.subnet].id}"):
        account.account.delete(case.network, made[case.network].id)


def test_one_more_than_the_quota_of_a_new_account_is_refused(case: Case, tmp_path: Path) -> None:
    type_, limit, inputs, answer = case.quota
    account = case.open(tmp_path)
    for number in range(limit):
        case.make(account, type_, **inputs(number))
    with pytest.raises(CloudError, match=answer):
        case.make(account, type_, **inputs(99))


def test_a_cluster_with_pools_cannot_be_deleted(case: Case, tmp_path: Path) -> None:
    account = case.open(tmp_path)
    made = case.whole(account, case.pool)
    with pytest.raises(CloudError, match=case.answers["pools left"]):
        account.account.delete(case.cluster, made[case.cluster].id)


def test_deletion_protection_holds(case: Case, tmp_path: Path) -> None:
    account = case.open(tmp_path)
    made = case.whole(account, case.cluster)
    case.change(account, made[case.cluster], **{case.protected: True})
    with pytest.raises(CloudError, match=f"{case.protected} to false first"):
        account.account.delete(case.cluster, made[case.cluster].id)


def test_a_second_cluster_is_refused_in_one_sentence(case: Case, tmp_path: Path) -> None:
    account = case.open(tmp_path)
    made = case.whole(account, case.cluster)
    with pytest.raises(CloudError, match="the sandbox has one control plane"):
        case.make(account, case.cluster, **{**made[case.cluster].inputs, "name": "second"})


def test_another_kubernetes_minor_is_refused_in_one_sentence(case: Case, tmp_path: Path) -> None:
    other = {"aws": "1.36", "alicloud": "1.36.2-aliyun.1"}[case.package]
    [(path, reason)] = case.open(tmp_path).account.behaviour(case.cluster).check({"version": other})
    assert path == "version"
    assert "the sandbox runs Kubernetes" in reason
    assert "to 1.35; write 1.35" in reason


def test_what_was_accepted_before_a_kill_is_there_after_it(case: Case, tmp_path: Path) -> None:
    made = case.make(case.open(tmp_path), case.network, cidrBlock="10.0.0.0/16")
    # No close: as if the process had been killed. Another opens the same file.
    assert any(one.id == made.id for one in case.open(tmp_path).objects())


# Pools


def test_machines_spread_over_the_zones(case: Case, tmp_path: Path) -> None:
    account, group = with_pool(case, tmp_path)
    account.resize(group, 4)
    assert sorted(one.zone for one in account.instances()) == sorted(case.zones * 2)


def test_resize_stays_within_the_bounds(case: Case, tmp_path: Path) -> None:
    account, group = with_pool(case, tmp_path)
    with pytest.raises(ValueError, match="to 4"):
        account.resize(group, 5)


def test_a_stock_out_of_one_type_takes_the_next(case: Case, tmp_path: Path) -> None:
    account, group = with_pool(case, tmp_path)
    account.fault("spot-stockout", case.types[0], active=True)
    account.resize(group, 2)
    assert kinds_of(account) == list(case.types)


def test_a_stock_out_of_every_type_is_unavailable_and_changes_nothing(case: Case, tmp_path: Path) -> None:
    account, group = with_pool(case, tmp_path)
    for kind in case.types:
        account.fault("spot-stockout", kind, active=True)
    with pytest.raises(Unavailable, match=f"{case.answers['no stock']}.*{', '.join(case.types)}"):
        account.resize(group, 3)
    assert account.node_groups()[0].target == 1
    assert group in account.shortages()
    account.fault("spot-stockout", case.types[1], active=False)
    account.resize(group, 2)
    assert account.shortages() == {}, "what was delivered is no shortage any more"


def test_a_stock_out_of_spot_leaves_on_demand_alone(case: Case, tmp_path: Path) -> None:
    account, _ = with_pool(case, tmp_path)
    switch, _, on_demand = case.spot
    case.make(account, case.pool, **pool_inputs(case, account, **{case.pool_name: "od", switch: on_demand}))
    for kind in case.types:
        account.fault("spot-stockout", kind, active=True)
    account.resize(account.node_groups()[1].id, 2)
    assert account.node_groups()[1].target == 2


def test_a_pool_that_gets_no_machine_exists_and_is_not_ready(case: Case, tmp_path: Path) -> None:
    account, _ = with_pool(case, tmp_path)
    for kind in case.types:
        account.fault("spot-stockout", kind, active=True)
    with pytest.raises(NotReady, match=case.answers["no stock"]):
        case.make(account, case.pool, **pool_inputs(case, account, **{case.pool_name: "starved"}))
    assert len(account.account.store.all(case.pool)) == 2, "it exists all the same, as in the cloud"


def test_a_pool_that_got_no_machine_gets_it_once_there_are_some(case: Case, tmp_path: Path) -> None:
    # Both clouds try on: EC2 Auto Scaling user guide; ACK user guide, "Manually scale a node pool".
    account, _ = with_pool(case, tmp_path)
    before = len(account.instances())
    for kind in case.types:
        account.fault("stockout", kind, active=True)
    with pytest.raises(NotReady, match=case.answers["no stock"]):
        case.make(account, case.pool, **pool_inputs(case, account, **{case.pool_name: "starved"}))
    assert len(account.instances()) == before
    for kind in case.types:
        account.fault("stockout", kind, active=False)
    assert len(account.instances()) > before


@pytest.mark.parametrize(("kind", "target"), [("spot-stockout", "g5.none"), ("stockout", "x"), ("zone-outage", "7")])
def test_unknown_faults_are_refused(case: Case, tmp_path: Path, kind: str, target: str) -> None:
    with pytest.raises(ValueError, match="write"):
        case.open(tmp_path).fault(kind, target, active=True)


def test_faults_survive_a_restart(case: Case, tmp_path: Path) -> None:
    case.open(tmp_path).fault("spot-stockout", case.types[0], active=True)
    assert case.open(tmp_path).faults() == [("spot-stockout", case.types[0])]


def test_what_strikes_one_cloud_strikes_no_other(case: Case, tmp_path: Path) -> None:
    [other] = [one for one in CLOUDS if one is not case]
    with pytest.raises(ValueError, match="nothing that"):
        case.open(tmp_path).fault("spot-stockout", other.types[0], active=True)


# A zone that goes away


def test_a_zone_that_nothing_of_the_stack_is_in_cannot_be_lost(case: Case, tmp_path: Path) -> None:
    account, _ = with_pool(case, tmp_path)
    elsewhere = f"{case.zones[0][:-1]}z"
    with pytest.raises(ValueError, match=f"{elsewhere}: nothing of the stack is there; write one of {case.zones[0]}"):
        account.fault("zone-outage", elsewhere, active=True)
    assert account.faults() == []


def test_a_lost_zone_takes_its_machines_and_gives_none(case: Case, tmp_path: Path) -> None:
    account, group = with_pool(case, tmp_path)
    account.resize(group, 4)
    lost, kept = case.zones
    account.fault("zone-outage", lost, active=True)
    assert {one.zone for one in account.instances()} == {kept}
    account.resize(group, 4)
    assert [one.zone for one in account.instances()] == [kept] * 4, "what comes now comes elsewhere"
    account.fault("zone-outage", lost, active=False)
    account.resize(group, 3)
    account.resize(group, 4)
    assert lost in {one.zone for one in account.instances()}, "the zone takes its share again"


def test_a_group_whose_zones_are_all_lost_says_so(case: Case, tmp_path: Path) -> None:
    account, group = with_pool(case, tmp_path)
    for zone in case.zones:
        account.fault("zone-outage", zone, active=True)
    assert account.instances() == []
    [pool] = account.node_groups()
    assert pool.target == pool.minimum, "it attempts to keep its minimum, whatever can be had"
    with pytest.raises(Unavailable, match=case.answers["no stock"]):
        account.resize(group, 2)


def test_a_lost_machine_leaves_no_interface_and_no_disk(case: Case, tmp_path: Path) -> None:
    account, _ = with_pool(case, tmp_path)
    for zone in case.zones:
        account.fault("zone-outage", zone, active=True)
    assert not [one for one in account.objects() if one.type in ("instance", "volume")]

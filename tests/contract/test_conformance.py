"""What every cloud's components have to be: the same settings mean the same on each, and callers see no difference.

The table of clouds is `conformance.CLOUDS`; a cloud that is added there is held to all of this.
"""

import inspect
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pulumi
import pytest
from support.conformance.clouds import CLOUDS, Cloud, protected, whole
from support.conformance.groups import Group

from llmplatform.base import contracts
from llmplatform.catalog.resources import RESOURCES
from llmplatform.planning.pools import POOL_LABEL, PoolPlan
from llmplatform.specs.network import NewNetwork
from llmplatform.testing import RecordingEngine

each_cloud = pytest.mark.parametrize("cloud", CLOUDS, ids=str)

CONTRACTS = {
    "Network": contracts.Network,
    "ExistingNetwork": contracts.Network,
    "Cluster": contracts.Cluster,
    "ExistingCluster": contracts.Cluster,
    "NodePool": contracts.NodePool,
    "WorkloadIdentity": contracts.WorkloadIdentity,
    "ObjectStore": contracts.ObjectStore,
    "Postgres": contracts.Database,
    "Cache": contracts.Cache,
    "Storage": contracts.Storage,
}
"""Component to the contract that it keeps, on every cloud."""

SHARED = {"labels": {"team": "research"}, "min": 1, "max": 5, "disk_gib": 321}
"""Settings of a pool that every cloud understands."""


class User(pulumi.CustomResource):
    """Something that uses an output."""

    def __init__(self, value: pulumi.Input[Any]) -> None:
        super().__init__("test:index:User", "user", {"value": value})


def _pool(cloud: Cloud, **settings: Any) -> tuple[RecordingEngine, PoolPlan, list[Group]]:
    plan = cloud.bench.plan(cloud.gpu_pool, **settings)
    engine = RecordingEngine().run(lambda: {"groups": cloud.bench.node_pool(plan).group_names})
    return engine, plan, cloud.groups(engine)


def differences(plan: PoolPlan, groups: list[Group]) -> list[str]:
    """Where groups are not what their plan says."""
    wrong: list[str] = []
    if [group.name for group in sorted(groups, key=_name)] != sorted(f"{group.name}" for group in plan.groups):
        wrong.append(f"groups {[group.name for group in groups]}, planned {[group.name for group in plan.groups]}")
    planned = {group.name: group for group in plan.groups}
    taints = frozenset((taint.key, taint.value, taint.effect) for taint in plan.taints)
    for group in groups:
        wanted = planned[group.name]
        missing = {key: value for key, value in plan.labels.items() if group.labels.get(key) != value}
        wrong += [f"{group.name}: label {key}={value} is missing" for key, value in missing.items()]
        wrong += [f"{group.name}: taints {group.taints}, planned {taints}"] if group.taints != taints else []
        seen = (group.capacity, group.minimum, group.maximum, group.instance_types, group.disk_gib)
        asked = (
            wanted.capacity, wanted.minimum, wanted.maximum, plan.spec.instance_types, plan.root_gib,
        )  # fmt: skip
        wrong += [f"{group.name}: {seen}, planned {asked}"] if seen != asked else []
    return wrong


def _name(group: Group) -> str:
    return group.name


@each_cloud
@pytest.mark.parametrize("component", CONTRACTS)
def test_every_component_keeps_its_contract(cloud: Cloud, component: str) -> None:
    promised = inspect.get_annotations(CONTRACTS[component])
    kept = inspect.get_annotations(getattr(cloud.package, component))
    missing = {name for name, kind in promised.items() if kept.get(name) != kind}
    assert not missing, f"{cloud}.{component} lacks {missing}, or promises something else by that name"


@each_cloud
def test_a_pool_is_what_its_plan_says(cloud: Cloud) -> None:
    _, plan, groups = _pool(cloud, **SHARED)
    assert differences(plan, groups) == []


@each_cloud
@pytest.mark.parametrize(
    "change",
    [
        lambda group: replace(group, labels={key: group.labels[key] for key in group.labels if key != POOL_LABEL}),
        lambda group: replace(group, labels={key: group.labels[key] for key in group.labels if key != "team"}),
        lambda group: replace(group, taints=frozenset()),
        lambda group: replace(group, maximum=group.maximum + 1),
        lambda group: replace(group, disk_gib=40),
    ],
    ids=["pool label", "user's label", "taint", "bound", "disk"],
)
def test_a_difference_on_one_cloud_does_not_pass(cloud: Cloud, change: Any) -> None:
    _, plan, groups = _pool(cloud, **SHARED)
    assert differences(plan, [change(group) for group in groups])


@each_cloud
@pytest.mark.parametrize("capacity", ["on_demand", "spot", "spot_first"])
def test_capacity_means_the_same_everywhere(cloud: Cloud, capacity: str) -> None:
    _, _, groups = _pool(cloud, capacity=capacity, min=1)
    bought = {(group.capacity, group.minimum) for group in groups}
    assert (
        bought
        == {
            "on_demand": {("on_demand", 1)},
            "spot": {("spot", 1)},
            "spot_first": {("spot", 0), ("on_demand", 1)},
        }[capacity]
    ), "nodes that must be there are never spot machines where there is a choice"


@each_cloud
def test_a_pod_cannot_tell_the_spot_group_from_the_on_demand_group(cloud: Cloud) -> None:
    _, _, groups = _pool(cloud, capacity="spot_first")
    assert len(groups) == 2
    assert len({group.alike for group in groups}) == 1


@each_cloud
def test_nodes_are_encrypted_repaired_and_keep_their_role_from_pods(cloud: Cloud) -> None:
    for group in cloud.groups(whole(cloud)):
        assert group.disk_encrypted, "the settings promise it"
        assert group.metadata_needs_token
        assert group.repaired
        assert group.updates_one_at_a_time, "an update takes no second GPU machine"


@each_cloud
def test_an_autoscaler_finds_every_planned_group_by_a_name_of_the_clouds(cloud: Cloud) -> None:
    engine, plan, groups = _pool(cloud, capacity="spot_first")
    found = engine.result["groups"]
    assert found.keys() == {group.name for group in plan.groups}
    assert len(set(found.values())) == len(groups)
    assert not set(found.values()) & set(found), "the cloud's own name, which is known only when the group is"


@each_cloud
def test_a_pool_without_a_subnet_in_its_zone_is_refused_before_anything_is_made(cloud: Cloud) -> None:
    with pytest.raises(ValueError, match=rf"pool {cloud.gpu_pool}: no .* in {cloud.bench.ZONES[1]}"):
        cloud.bench.node_pool(cloud.bench.plan(cloud.gpu_pool), subnet_ids={cloud.bench.ZONES[0]: "subnet-1"})


@each_cloud
@pytest.mark.parametrize(("nat", "count"), [("single", 1), ("per_zone", 2)])
def test_nat_means_the_same_everywhere(cloud: Cloud, nat: str, count: int) -> None:
    settings = cloud.bench.stack(network=NewNetwork.model_validate({"kind": "new", "nat": nat}))
    engine = RecordingEngine().run(lambda: cloud.bench.network(settings).private_subnet_ids)
    assert len(cloud.all(engine, "nat")) == count


@each_cloud
def test_every_zone_has_a_subnet_for_nodes_and_one_for_load_balancers(cloud: Cloud) -> None:
    def program() -> Mapping[str, Any]:
        made = cloud.bench.network(cloud.bench.stack())
        return {"private": made.private_subnet_ids, "public": made.public_subnet_ids}

    found = RecordingEngine().run(program).result
    assert list(found["private"]) == list(found["public"]) == list(cloud.bench.ZONES)
    assert all(found["private"].values())


@each_cloud
def test_no_user_gets_a_subnet_before_its_default_route(cloud: Cloud) -> None:
    first = cloud.bench.ZONES[0]

    def program() -> None:
        User(cloud.bench.network(cloud.bench.stack()).private_subnet_ids[first])

    engine = RecordingEngine().run(program)
    ways = [found for found in cloud.all(engine, "way_out") if engine.waits_for(engine.named("user"), found)]
    assert ways, "nodes that start before cannot fetch an image; on the way down they would hang"
    assert all(engine.waits_for(engine.named("user"), found) for found in cloud.all(engine, "nat"))


@each_cloud
def test_the_api_is_private_unless_the_settings_open_it(cloud: Cloud) -> None:
    for cidrs, public in (((), False), (("0.0.0.0/0",), True)):
        settings = _with_cluster(cloud, endpoint={"public_cidrs": cidrs})
        engine = RecordingEngine().run(lambda settings=settings: cloud.cluster(settings, "main").cluster_name)
        (made,) = cloud.all(engine, "cluster")
        assert cloud.public(made) is public


@each_cloud
def test_logs_of_the_control_plane_stay_as_long_as_asked(cloud: Cloud) -> None:
    settings = _with_cluster(cloud, log_retention_days=14)
    assert cloud.log_days(RecordingEngine().run(lambda: cloud.cluster(settings, "main").cluster_name)) == 14


@each_cloud
def test_a_kubeconfig_runs_a_program_and_holds_no_credential(cloud: Cloud) -> None:
    def program() -> Mapping[str, Any]:
        return {"made": cloud.cluster(cloud.bench.stack(), "main").kubeconfig, **_kubeconfig(cloud.existing())}

    for text in RecordingEngine().run(program).result.values():
        config = json.loads(text)
        (user,) = config["users"]
        assert set(user["user"]) == {"exec"}
        assert user["user"]["exec"]["apiVersion"] == "client.authentication.k8s.io/v1beta1"
        assert user["user"]["exec"]["interactiveMode"] == "Never", "a program cannot be asked"
        (cluster,) = config["clusters"]
        assert set(cluster["cluster"]) == {"server", "certificate-authority-data"}
        assert cluster["cluster"]["server"].startswith("https://")
        assert cluster["cluster"]["certificate-authority-data"], "without it no client knows the server"


def _kubeconfig(existing: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"existing": existing["cluster"].kubeconfig}


@each_cloud
def test_a_login_waits_until_every_administrator_is_admitted(cloud: Cloud) -> None:
    engine = RecordingEngine().run(lambda: User(cloud.cluster(cloud.bench.stack(), "main").kubeconfig).urn)
    admitted = cloud.all(engine, "administrator")
    assert len(admitted) == len(cloud.bench.stack().cluster.admins)
    assert all(engine.waits_for(engine.named("user"), found) for found in admitted)


@each_cloud
def test_secrets_are_encrypted_with_a_key_of_the_environments_own(cloud: Cloud) -> None:
    engine = RecordingEngine().run(lambda: cloud.cluster(cloud.bench.stack(), "main").cluster_name)
    (key,), (made,) = cloud.all(engine, "key"), cloud.all(engine, "cluster")
    assert cloud.encrypts_with(made) == key.name


@each_cloud
@pytest.mark.parametrize(("protection", "kept"), [("full", True), ("none", False)])
def test_protection_covers_what_holds_data_or_cannot_be_made_again(cloud: Cloud, protection: str, kept: bool) -> None:
    engine = whole(cloud, protection)
    networks = cloud.all(engine, "network")
    holding = [found for found in engine.registered if (row := RESOURCES.get(found.type)) and row.holds_data]
    assert {found.type for found in holding} >= {cloud.types[role] for role in ("cluster", "key", "file_system")}
    assert [found.urn for found in (*networks, *holding) if found.protect is not kept] == []
    (cluster,) = cloud.all(engine, "cluster")
    assert cloud.deletion_protected(cluster) is kept, "the cloud itself refuses, too"
    classes = engine.all("kubernetes:storage.k8s.io/v1:StorageClass")
    policies = {found.inputs["provisioner"]: found.inputs["reclaimPolicy"] for found in classes}
    # alibaba-cloud-csi-driver, pkg/oss/controllerserver.go, CreateVolume: "ReclaimPolicy must be Retain".
    assert policies.pop("ossplugin.csi.alibabacloud.com", "Retain") == "Retain"
    assert set(policies.values()) == {"Delete"}, "Kubernetes refuses a change"


@each_cloud
def test_there_is_one_default_class_encrypted_and_in_the_zone_of_its_pod(cloud: Cloud) -> None:
    classes = whole(cloud).all("kubernetes:storage.k8s.io/v1:StorageClass")
    default = "storageclass.kubernetes.io/is-default-class"
    (found,) = [each.inputs for each in classes if each.inputs["metadata"]["annotations"][default] == "true"]
    assert found["volumeBindingMode"] == "WaitForFirstConsumer"
    assert found["parameters"]["encrypted"] == "true"
    assert found["allowVolumeExpansion"] is True


@each_cloud
def test_an_existing_network_and_cluster_are_used_without_a_change(cloud: Cloud) -> None:
    engine = RecordingEngine().run(lambda: {"cluster": cloud.existing()["cluster"].security_group_id})
    assert [found for found in engine.registered if found.custom] == []
    assert engine.result["cluster"].startswith("sg-")


def _with_cluster(cloud: Cloud, **changes: Any) -> Any:
    settings = cloud.bench.stack()
    spec = type(settings.cluster).model_validate({**settings.cluster.model_dump(), **changes})
    return protected(cloud, "none").model_copy(update={"cluster": spec})

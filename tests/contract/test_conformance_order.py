"""What every cloud's components have in common as a whole: tags, order, names, and that a preview needs no cloud."""

from typing import Any

import pytest
from support.conformance.clouds import CLOUDS, Cloud, whole
from support.program import STACKS, committed, stack_config

from llmplatform.catalog.resources import RESOURCES
from llmplatform.specs.network import NewNetwork
from llmplatform.testing import RecordingEngine, Registered

each_cloud = pytest.mark.parametrize("cloud", CLOUDS, ids=str)


def _cloud_objects(cloud: Cloud, engine: RecordingEngine) -> list[Registered]:
    return [found for found in engine.registered if found.type.startswith(f"{cloud.name}:")]


@each_cloud
def test_everything_that_takes_tags_carries_those_of_the_environment(cloud: Cloud) -> None:
    # A gateway per zone brings kinds that one gateway does not need.
    engine = cloud.bench.built(cloud.bench.stack(network=NewNetwork(kind="new", nat="per_zone")))
    untagged = {
        found.type
        for found in _cloud_objects(cloud, engine)
        if not cloud.bench.TAGS.items() <= found.inputs.get("tags", {}).items()
    }
    taking = {name for name in untagged if RESOURCES[name].tags}
    assert not taking, f"cost and ownership are read from tags: {taking}"


@each_cloud
def test_every_resource_belongs_to_a_component_and_carries_its_name(cloud: Cloud) -> None:
    engine = whole(cloud)
    components = {found.urn: found.name for found in engine.registered if not found.custom}
    strays = [
        found.name
        for found in engine.registered
        if found.custom and not found.name.startswith(f"{components.get(found.parent)}-")
    ]
    assert not strays, "they would collide in a second instance"


@each_cloud
def test_every_component_says_which_cloud_it_is_of(cloud: Cloud) -> None:
    nouns = {found.type for found in whole(cloud).registered if not found.custom}
    assert all(noun.startswith(f"llmplatform:{cloud.name}:") for noun in nouns)


@each_cloud
def test_nodes_join_after_their_addons_and_leave_before_them(cloud: Cloud) -> None:
    engine = whole(cloud)
    (cluster,) = cloud.all(engine, "cluster")
    needed = [found for found in cloud.all(engine, "addon") if found.name.startswith("main-")]
    assert needed
    for group in cloud.all(engine, "group"):
        assert engine.waits_for(group, cluster)
        assert all(engine.waits_for(group, addon) for addon in needed), "a node without them never becomes ready"


@each_cloud
def test_addons_with_pods_wait_for_a_node_of_a_pool_without_taints(cloud: Cloud) -> None:
    engine = whole(cloud)
    system = [found for found in cloud.all(engine, "group") if found.name.startswith("system-")]
    addons = [found for found in cloud.all(engine, "addon") if found.name.startswith("addons-")]
    assert system
    assert addons
    assert all(engine.waits_for(addon, one) for addon in addons for one in system)


@each_cloud
def test_pools_do_not_wait_for_one_another(cloud: Cloud) -> None:
    engine, groups = whole(cloud), cloud.all(whole(cloud), "group")
    assert not any(engine.waits_for(one, other) for one in groups for other in groups if one is not other)


@each_cloud
def test_the_network_goes_last(cloud: Cloud) -> None:
    engine = whole(cloud)
    (network,) = cloud.all(engine, "network")
    for role in ("cluster", "group", "nat", "subnet"):
        assert all(engine.waits_for(found, network) for found in cloud.all(engine, role)), role


@each_cloud
def test_a_volume_is_asked_for_only_when_it_can_be_mounted_and_gone_before_that(cloud: Cloud) -> None:
    engine = whole(cloud)
    (files,) = cloud.all(engine, "file_system")
    classes = engine.all("kubernetes:storage.k8s.io/v1:StorageClass")
    assert any(engine.waits_for(found, files) for found in classes)


@each_cloud
def test_a_preview_registers_what_an_update_registers_and_looks_nothing_up(cloud: Cloud) -> None:
    preview = {found.urn for found in cloud.bench.built(preview=True).registered}
    assert preview == {found.urn for found in whole(cloud).registered}


@each_cloud
def test_adding_an_administrator_leaves_the_others_alone(cloud: Cloud) -> None:
    def urns(count: int) -> set[str]:
        settings = cloud.bench.stack()
        spec = settings.cluster.model_copy(update={"admins": settings.cluster.admins[::-1][:count]})
        engine = RecordingEngine().run(lambda: cloud.cluster(settings.model_copy(update={"cluster": spec}), "main").urn)
        return {found.urn for found in engine.registered}

    assert urns(1) < urns(2), "names follow from the principal and not from its place in the list"


@each_cloud
def test_adding_a_zone_moves_no_subnet(cloud: Cloud) -> None:
    def subnets(zones: tuple[str, ...]) -> dict[str, Any]:
        settings = cloud.bench.stack()
        place = settings.cloud.model_copy(update={"zones": zones})
        engine = RecordingEngine().run(lambda: cloud.bench.network(settings.model_copy(update={"cloud": place})).urn)
        return {found.urn: found.inputs["cidrBlock"] for found in cloud.all(engine, "subnet")}

    before, after = subnets(cloud.bench.ZONES[:1]), subnets(cloud.bench.ZONES)
    assert before.items() < after.items()


@each_cloud
def test_two_of_each_live_in_one_stack(cloud: Cloud) -> None:
    settings = cloud.bench.stack()
    gpu = cloud.bench.plan(cloud.gpu_pool)

    def program() -> None:
        for name in ("blue", "green"):
            cloud.bench.network(settings, f"{name}-net")
            cloud.cluster(settings, name)
            cloud.bench.node_pool(gpu, f"{name}-gpu")
            cloud.identity(f"{name}-reader", "models", name)

    engine = RecordingEngine().run(program)
    assert len({found.inputs["name"] for found in cloud.all(engine, "cluster")}) == 2
    assert len(cloud.all(engine, "group")) == 4


@each_cloud
def test_no_component_makes_a_provider(cloud: Cloud) -> None:
    assert not [found for found in whole(cloud).registered if found.type.startswith("pulumi:providers:")]


@each_cloud
def test_every_resource_uses_the_providers_that_the_program_gave(cloud: Cloud) -> None:
    """Only a committed stack shows it: there the default providers are off, and each is made in one place."""
    stacks = [stack for stack in STACKS if stack_config(stack)["llmplatform:cloud"]["provider"] == cloud.name]
    assert stacks, "no committed stack is on this cloud"
    for stack in stacks:
        registered = committed(stack).registered
        strays = [
            each.name
            for each in registered
            if each.custom and not each.provider and not each.type.startswith("pulumi:providers:")
        ]
        assert not strays, "without a provider a resource lands in whatever account the shell points at"

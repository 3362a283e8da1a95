"""What all AWS components have in common."""

import inspect

import pulumi
import pulumi_aws
import pulumi_kubernetes as k8s
import pulumi_random
import pytest
from support.aws_platform import platform, stack, whole

from llmplatform import aws
from llmplatform.base import contracts
from llmplatform.base.ordering import after
from llmplatform.testing import RecordingEngine, Registered


def _components() -> list[type]:
    made = [getattr(aws, name) for name in aws.__all__]
    return [each for each in made if inspect.isclass(each) and issubclass(each, pulumi.ComponentResource)]


def _parent(engine: RecordingEngine, registered: Registered) -> Registered | None:
    return next((each for each in engine.registered if each.urn == registered.parent), None)


def test_every_resource_belongs_to_a_component_and_carries_its_name() -> None:
    engine = whole()
    for registered in engine.registered:
        if registered.custom:
            parent = _parent(engine, registered)
            assert parent is not None, f"{registered.name} has no parent"
            assert registered.name.startswith(f"{parent.name}-"), (
                f"{registered.name} would collide in a second instance"
            )


def test_every_type_of_component_says_where_it_lives() -> None:
    tokens = {each.type for each in whole().registered if not each.custom}
    assert tokens == {
        f"llmplatform:aws:{noun}"
        for noun in (
            "Cache", "Cluster", "ClusterAddons", "Network", "NodePool", "NodeRole", "ObjectStore", "Postgres",
            "Storage", "WorkloadIdentity",
        )
    }  # fmt: skip


def test_every_resource_uses_the_providers_that_the_program_gave() -> None:
    def everywhere(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if not args.type_.startswith("llmplatform:") or args.opts.parent:
            return None
        opts = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(providers=providers))
        return pulumi.ResourceTransformationResult(args.props, opts)

    providers: list[pulumi.ProviderResource] = []

    def program() -> None:
        providers.append(pulumi_aws.Provider("account", region="us-east-1"))
        providers.append(k8s.Provider("cluster", kubeconfig="{}"))
        providers.append(pulumi_random.Provider("generated"))
        pulumi.runtime.register_stack_transformation(everywhere)
        platform(stack(), endpoints="private")

    engine = RecordingEngine().run(program)
    strays = [
        each.name for each in engine.registered if each.custom and not each.provider and "provider" not in each.type
    ]
    assert not strays, "without a provider a resource lands in whatever account the shell points at"


@pytest.mark.parametrize("component", _components(), ids=lambda each: each.__name__)
def test_every_component_says_what_it_is_and_what_it_gives(component: type) -> None:
    assert inspect.getdoc(component), "editors show the docstring"
    outputs = [name for name in inspect.get_annotations(component) if not name.startswith("_")]
    assert outputs, "a component without outputs cannot be built upon"
    source = inspect.getsource(component)
    for name in outputs:
        declared = source.split(f"    {name}: ", 1)[1].split("\n", 2)
        assert declared[1].lstrip().startswith('"""'), f"{component.__name__}.{name} has no docstring"


def test_the_components_keep_what_the_contracts_promise() -> None:
    kept: list[tuple[type, type]] = [
        (aws.Network, contracts.Network),
        (aws.ExistingNetwork, contracts.Network),
        (aws.Cluster, contracts.Cluster),
        (aws.ExistingCluster, contracts.Cluster),
        (aws.NodePool, contracts.NodePool),
        (aws.WorkloadIdentity, contracts.WorkloadIdentity),
    ]
    for component, contract in kept:
        missing = inspect.get_annotations(contract).keys() - inspect.get_annotations(component).keys()
        assert not missing, f"{component.__name__} lacks {missing} of {contract.__name__}"


def test_order_is_carried_by_a_value_without_making_it_unknown() -> None:
    def program() -> dict[str, object]:
        vpc = pulumi_aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16")
        return {"plain": after("known", vpc), "secret": after(pulumi.Output.secret("hidden"), vpc)}

    assert RecordingEngine(preview=True).run(program).result == {"plain": "known", "secret": "hidden"}


def test_order_after_a_component_is_order_after_all_its_children() -> None:
    class Pair(pulumi.ComponentResource):
        def __init__(self) -> None:
            super().__init__("test:index:Pair", "pair")
            for zone in "ab":
                pulumi_aws.ec2.Vpc(f"pair-{zone}", cidr_block="10.0.0.0/16", opts=pulumi.ResourceOptions(parent=self))

    engine = RecordingEngine().run(lambda: pulumi_aws.ec2.Subnet("later", vpc_id=after("vpc-1", Pair())).urn)
    assert all(engine.waits_for(engine.named("later"), engine.named(f"pair-{zone}")) for zone in "ab")


def test_a_secret_stays_secret_when_it_is_put_in_order() -> None:
    def program() -> None:
        vpc = pulumi_aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16")
        pulumi_aws.ec2.Subnet("later", vpc_id="vpc-1", cidr_block=after(pulumi.Output.secret("10.0.0.0/24"), vpc))

    assert RecordingEngine().run(program).named("later").secrets == {"cidrBlock"}

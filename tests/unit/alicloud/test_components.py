"""What all Alibaba components have in common, beside what the conformance tests ask of every cloud."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi
import pytest
from support.alicloud_platform import built, stack, whole

from llmplatform import alicloud
from llmplatform.alicloud.cluster import NODE_ADDONS
from llmplatform.specs.network import NewNetwork
from llmplatform.testing import Registered, walk
from llmplatform_sandbox.cloud.schema import Property, resource


def _components() -> list[type]:
    offered = (getattr(alicloud, name) for name in alicloud.__all__)
    return [each for each in offered if isinstance(each, type) and issubclass(each, pulumi.ComponentResource)]


@pytest.mark.parametrize("component", _components(), ids=lambda each: each.__name__)
def test_every_component_says_what_it_is_and_what_it_gives(component: type) -> None:
    assert inspect.getdoc(component), "editors show the docstring"
    outputs = [name for name in inspect.get_annotations(component) if not name.startswith("_")]
    assert outputs, "a component without outputs cannot be built upon"
    source = inspect.getsource(component)
    for name in outputs:
        declared = source.split(f"    {name}: ", 1)[1].split("\n", 2)
        assert declared[1].lstrip().startswith('"""'), f"{component.__name__}.{name} has no docstring"


def test_every_component_of_the_package_is_built_here() -> None:
    existing = {"ExistingCluster", "ExistingNetwork"}
    made = {each.type.rpartition(":")[2] for each in whole().registered if not each.custom}
    assert made == {each.__name__ for each in _components()} - existing


def _faults(properties: Mapping[str, Property], values: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for key, value in values.items():
        known = properties.get(key)
        if known is None:
            yield f"{path}{key} is unknown"
        elif known.deprecated:
            yield f"{path}{key} is deprecated: {known.deprecated}"
        else:
            shape = known.shape.item if known.shape.kind == "list" else known.shape
            nested = value if isinstance(value, list) else [value]
            if shape and shape.kind == "object":
                for each in nested:
                    yield from _faults(shape.fields, each, f"{path}{key}.")


def _sent() -> list[Registered]:
    engine = built(stack(network=NewNetwork(kind="new", flow_logs=True)))
    return [found for found in engine.registered if found.type.startswith("alicloud:")]


def test_every_property_exists_in_the_sdk_and_none_is_deprecated() -> None:
    wrong = {
        found.name: faults for found in _sent() if (faults := list(_faults(resource(found.type).inputs, found.inputs)))
    }
    assert not wrong
    assert len({found.type for found in _sent()}) > 20, "there is something to look at"


def test_a_deprecated_property_would_be_found() -> None:
    schema = resource("alicloud:cs/nodePool:NodePool").inputs
    assert next(_faults(schema, {"securityGroupId": "sg-1"})).startswith("securityGroupId is deprecated")
    assert next(_faults(schema, {"management": {"surge": 1}})).startswith("management.surge is deprecated")
    assert list(_faults(schema, {"taints": [{"effects": "NoSchedule"}]})) == ["taints.effects is unknown"]


def test_no_secret_is_registered_in_clear_text() -> None:
    leaked = [
        (found.name, path)
        for found in whole().registered
        for path, value in walk(found.inputs)
        if isinstance(value, str)
        and path.split(".")[0] not in found.secrets
        and ("Y2xpZW50" in value or "password" in path.lower())
    ]
    assert not leaked, "the cluster hands out a client's key beside its certificate"


def test_addons_that_repair_nodes_are_there_before_the_pools_that_ask_for_repair() -> None:
    engine = whole()
    addon = "ack-node-problem-detector"
    assert addon in NODE_ADDONS
    assert engine.waits_for(engine.named("a10-spot"), engine.named(f"main-{addon}"))


def test_every_object_of_a_project_is_gone_before_the_project() -> None:
    engine = whole()
    project = engine.one("alicloud:log/project:Project")
    users: list[Any] = [
        engine.one("alicloud:cs/managedKubernetes:ManagedKubernetes"),
        engine.one("alicloud:log/store:Store"),
        engine.one("kubernetes:telemetry.alibabacloud.com/v1alpha1:ClusterAliyunPipelineConfig"),
    ]
    assert all(engine.waits_for(user, project) for user in users)

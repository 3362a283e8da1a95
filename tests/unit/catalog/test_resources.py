"""The catalog's rows of cloud resource types, against the installed SDKs."""

import pytest

from llmplatform.catalog.resources import RESOURCES
from llmplatform_sandbox.cloud import schema

each_type = pytest.mark.parametrize("name", sorted(RESOURCES))


@each_type
def test_a_type_takes_tags_exactly_where_its_sdk_says_so(name: str) -> None:
    assert ("tags" in schema.resource(name).inputs) is RESOURCES[name].tags


@each_type
def test_only_types_with_tags_are_found_by_their_tags(name: str) -> None:
    assert RESOURCES[name].tags or RESOURCES[name].found_by != "tag"


@each_type
def test_a_type_that_can_be_in_a_resource_group_has_the_argument(name: str) -> None:
    assert not RESOURCES[name].resource_group or "resourceGroupId" in schema.resource(name).inputs


@each_type
def test_a_type_that_holds_data_says_what_is_lost(name: str) -> None:
    assert not RESOURCES[name].holds_data or RESOURCES[name].loss


def test_every_cloud_has_one_type_that_runs_clusters() -> None:
    running = sorted(name for name, row in RESOURCES.items() if row.runs_a_cluster)
    assert running == ["alicloud:cs/managedKubernetes:ManagedKubernetes", "aws:eks/cluster:Cluster"]

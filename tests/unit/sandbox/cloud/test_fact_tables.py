"""The rows that the simulated clouds go by: where each was read, and how many are assumed."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError
from support.program import STACKS, committed
from support.sandboxes.cloud_account import FakeControlPlane
from typer.testing import CliRunner

from llmplatform.catalog import instance_types, preparation, versions
from llmplatform_sandbox.citations import Cited, Page
from llmplatform_sandbox.cloud import open_cloud
from llmplatform_sandbox.cloud.alicloud import machines as alicloud_machines
from llmplatform_sandbox.cloud.alicloud import offered
from llmplatform_sandbox.cloud.alicloud.components import components
from llmplatform_sandbox.cloud.aws import machines as aws_machines
from llmplatform_sandbox.cloud.aws.node_health import addons
from llmplatform_sandbox.commands import app
from llmplatform_sandbox.fact_tables import rows
from llmplatform_sandbox.providers.base import Autonaming
from llmplatform_sandbox.providers.cloud import CloudProvider

MOST_ASSUMED = 31
"""Assumptions of all tables together. Lower it when one is read in a source; it is never raised."""


def test_assumptions_only_become_fewer() -> None:
    assumed = sum(len(row.cited.assumed) for row in rows())
    assert assumed <= MOST_ASSUMED, "read it in a source, or ask whether the sandbox needs it"
    assert assumed == MOST_ASSUMED, f"fewer than before: write {assumed} here"


def test_a_row_with_neither_a_citation_nor_an_assumption_is_refused() -> None:
    with pytest.raises(ValidationError, match="neither a citation nor an assumption"):
        Cited()


def test_an_assumption_says_how_the_sandbox_has_it() -> None:
    assert [row.name for row in rows() for how in row.cited.assumed.values() if not how] == []


def test_no_row_cites_this_project() -> None:
    assert [row.name for row in rows() if "llmplatform" in row.cited.model_dump_json()] == [], (
        "the sandbox tests this project, so its own words are no source"
    )


def test_all_rows_are_listed_with_their_citations() -> None:
    listed = json.loads(CliRunner().invoke(app, ["facts", "--json"]).stdout)
    assert len(listed) == len([*rows()])
    (vpc,) = [row for row in listed if row["name"] == "aws:ec2/vpc:Vpc"]
    assert vpc == {
        "table": "cloud/aws/facts.toml",
        "name": "aws:ec2/vpc:Vpc",
        "cites": [{"file": "internal/service/ec2/vpc_.go", "symbol": "resourceVPC"}],
        "assumed": {},
    }


def test_assumptions_are_listed_alone() -> None:
    listed = json.loads(CliRunner().invoke(app, ["facts", "--assumed", "--json"]).stdout)
    assert listed
    assert all(row["assumed"] for row in listed)
    text = CliRunner().invoke(app, ["facts", "--assumed"]).stdout
    assert all(what in text for row in listed for what in row["assumed"])


def test_a_citation_reads_as_one() -> None:
    assert str(Page(page="EKS user guide", section="add-ons", note="names")) == "EKS user guide, add-ons: names"


@pytest.mark.parametrize("cloud", ["aws", "alicloud"])
def test_the_catalog_has_machines_of_the_sizes_that_the_cloud_has(cloud: str) -> None:
    """The judge's table was read from pages of its own: where the two differ, one of them is wrong."""
    machine = {"aws": aws_machines.machine, "alicloud": alicloud_machines.machine}[cloud]
    catalogued = [instance_types.get(cloud, name) for name in instance_types.names(cloud)]
    assert [
        one.name
        for one, real in ((one, machine(one.name)) for one in catalogued)
        if (one.vcpus, one.memory_mib, one.gpus, one.architecture)
        != (real.vcpus, real.memory_mib, real.gpus, real.architecture)
    ] == []


def test_the_catalog_names_what_ack_offers() -> None:
    assert {release for row in versions.ACK.values() for release in row.releases} <= {
        release for row in offered.versions().values() for release in row.releases
    }
    assert set(versions.ACK_DRIVERS) <= set(offered.drivers().versions)
    assert offered.drivers().default == versions.ACK_DEFAULT_DRIVER
    roles = {step.name for step in preparation.steps("alicloud") if step.kind == "role"}
    assert roles <= set(offered.roles())


@pytest.mark.parametrize("stack", STACKS)
def test_every_managed_add_on_that_a_stack_asks_for_has_a_name_with_a_citation(stack: str) -> None:
    registered = committed(stack).registered
    asked = {one.inputs["addonName"] for one in registered if one.type == "aws:eks/addon:Addon"}
    born = [one.inputs for one in registered if one.type == "alicloud:cs/managedKubernetes:ManagedKubernetes"]
    on_ack = {one.inputs["name"] for one in registered if one.type == "alicloud:cs/kubernetesAddon:KubernetesAddon"}
    on_ack |= {addon["name"] for inputs in born for addon in inputs["addons"]}
    assert {name for name in asked if not addons()[name].cites} == set()
    assert {name for name in on_ack if not components()[name].cites} == set()


@pytest.mark.parametrize(
    ("type_", "inputs"),
    [
        ("aws:eks/addon:Addon", {"clusterName": "main", "addonName": "vpc-cnii"}),
        ("alicloud:cs/kubernetesAddon:KubernetesAddon", {"clusterId": "c1", "name": "terway-eniipp"}),
    ],
)
def test_an_add_on_whose_name_has_no_citation_is_refused(tmp_path: Path, type_: str, inputs: dict[str, str]) -> None:
    account = open_cloud(type_.partition(":")[0], tmp_path, FakeControlPlane(), patience=0.1)
    _, failures = CloudProvider(lambda: account).check(
        type_, {}, inputs, Autonaming(name="addon", urn="urn:pulumi:dev::p::t::addon")
    )
    (failure,) = failures
    assert "of that name" in str(failure)

"""The rows that the simulated clouds go by: where each was read, and how many are assumed."""

import json

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from llmplatform_sandbox.citations import Cited, Page
from llmplatform_sandbox.commands import app
from llmplatform_sandbox.fact_tables import rows

MOST_ASSUMED = 12
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
        "a judge does not read the notes of the defendant"
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

"""What replaces, by the facts, against the providers' sources: `tests/support/provider_schemas`.

`scripts/provider_schemas.py` writes them: it reads the functions that the rows cite.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from llmplatform_sandbox.citations import ProviderSymbol, ServiceModel
from llmplatform_sandbox.cloud.facts import TypeFacts, load
from llmplatform_sandbox.fact_tables import rows

TABLES = Path(__file__).parents[3] / "support" / "provider_schemas"
CLOUDS = ("aws", "alicloud")


@cache
def table(cloud: str) -> dict[str, Any]:
    return json.loads((TABLES / f"{cloud}.json").read_text())


def _within(path: str, one: str) -> bool:
    return path == one or path.startswith((f"{one}.", f"{one}[")) or one.startswith(f"{path}.")


CITED = [(cloud, name) for cloud in CLOUDS for name in table(cloud)["types"]]
every_cited_type = pytest.mark.parametrize(("cloud", "name"), CITED)


def differences(facts: TypeFacts, read: dict[str, Any]) -> list[str]:
    """Where the facts say other than the provider's source."""
    known = [*read["always"], *read["sometimes"]]
    missing = [path for path in read["always"] if not facts.replaces(path)]
    unread = [
        path
        for path in (*facts.replace, *facts.replace_when_removed)
        if not any(
            path == one or path.startswith((f"{one}.", f"{one}[")) or one.startswith(f"{path}.") for one in known
        )
    ]
    return [f"{path} replaces" for path in missing] + [f"{path} does not replace" for path in unread]


@every_cited_type
def test_a_type_is_replaced_by_what_its_provider_says(cloud: str, name: str) -> None:
    assert differences(load(cloud).of(name), table(cloud)["types"][name]) == []


@pytest.mark.parametrize(
    ("cloud", "name", "path"), [(*one, path) for one in CITED for path in load(one[0]).of(one[1]).replace]
)
def test_a_row_that_is_set_to_false_differs_from_its_citation(cloud: str, name: str, path: str) -> None:
    facts, read = load(cloud).of(name), table(cloud)["types"][name]
    wrong = facts.model_copy(update={"replace": tuple(one for one in facts.replace if one != path)})
    assert differences(wrong, read)


@every_cited_type
def test_the_table_was_read_from_the_symbol_that_the_row_cites(cloud: str, name: str) -> None:
    (*_, cited) = [one for one in reversed(load(cloud).of(name).cites) if isinstance(one, ProviderSymbol)]
    assert table(cloud)["types"][name]["symbol"] == f"{cited.file}#{cited.symbol}"


@pytest.mark.parametrize("cloud", CLOUDS)
def test_every_registered_type_cites_a_symbol_of_its_provider(cloud: str) -> None:
    registered = {name for name, facts in load(cloud).types.items() if facts.registered}
    assert registered == set(table(cloud)["types"])


def test_every_cited_operation_or_shape_is_in_the_model_of_its_service() -> None:
    session = botocore.session.get_session()
    for row in rows():
        for cited in row.cited.cites:
            if isinstance(cited, ServiceModel):
                service, _, name = cited.model.partition(".")
                model = session.get_service_model(service)
                assert name in {*model.operation_names, *model.shape_names}, cited.model

"""Which rules a stack has, and that every alert has its page."""

import re
from pathlib import Path
from typing import Any

import pytest
from support.plans import SPOT_FIRST, stack

from llmplatform.catalog.rules import topics
from llmplatform.planning.models import plan_models
from llmplatform.planning.pools import plan_pools
from llmplatform.planning.rules import Group, Rule, model_rules

PAGES = Path(__file__).parents[3] / "docs/runbooks"
MODEL = {"source": "Qwen/Qwen3-8B", "pool": "gpu", "context_length": 8192}
SGLANG = {**MODEL, "engine": {"kind": "sglang"}}
TGI = {**MODEL, "engine": {"kind": "tgi", "image": "registry.example.org/tgi:3.3.7"}}


def rules(**models: dict[str, Any]) -> tuple[Group, ...]:
    made = stack({"gpu": SPOT_FIRST}, models)
    plans = plan_models(made, plan_pools(made))
    return model_rules(plans, namespace="models", environment="test", runbooks="https://example.org/runbooks/")


def every(groups: tuple[Group, ...]) -> list[Rule]:
    return [rule for group in groups for rule in group.rules]


def recorded(groups: tuple[Group, ...], name: str) -> list[str]:
    return [rule.expr for rule in every(groups) if rule.record == name]


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    return {
        re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in page.read_text().splitlines()
        if line.startswith("#")
    }


@pytest.mark.parametrize("topic", topics())
def test_every_alert_has_a_section_on_its_page(topic: str) -> None:
    page = PAGES / f"{topic}.md"
    missing = {each.alert.lower() for each in topics()[topic].alerts} - (anchors(page) if page.exists() else set())
    assert not missing, f"a message of these links to nothing in {page.name}"


def test_a_message_links_to_the_section_of_its_alert() -> None:
    (down,) = [rule for rule in every(rules(chat=MODEL)) if rule.alert == "ModelDown"]
    assert down.annotations["runbook_url"] == "https://example.org/runbooks/models.md#modeldown"


def test_engines_that_call_a_series_alike_share_a_rule_and_others_have_their_own() -> None:
    found = recorded(rules(one=MODEL, two=MODEL, other=SGLANG), "server:requests_running:sum")
    assert [re.findall(r"\(([a-z]+:[a-z_]+)\{", each) for each in found] == [
        ["vllm:num_requests_running"],
        ["sglang:num_running_reqs"],
    ]
    assert 'llmplatform_dev_model=~"one|two"' in found[0]


def test_an_alert_about_what_no_engine_of_the_stack_tells_does_not_exist() -> None:
    """Text Generation Inference has no series of its cache."""
    names = {rule.alert for rule in every(rules(chat=TGI))}
    assert "ModelCacheFull" not in names
    assert {"ModelDown", "ModelQueueGrows"} <= names


def test_without_models_there_are_no_rules() -> None:
    assert rules() == ()


def test_every_rule_names_its_environment() -> None:
    assert all(rule.labels["environment"] == "test" for rule in every(rules(chat=MODEL)))


def test_a_replica_over_several_nodes_is_ready_with_all_its_pods() -> None:
    wide = {**MODEL, "source": "Qwen/Qwen3-32B", "pipeline_parallel": 2, "tensor_parallel": 4, "replicas": 3}
    made = stack({"gpu": {"instance_types": ["g5.12xlarge"], "max": 6, "zones": ["us-east-1a"]}}, {"wide": wide})
    groups = model_rules(
        plan_models(made, plan_pools(made)), namespace="models", environment="test", runbooks="docs/runbooks"
    )
    assert recorded(groups, "model:replica_pods:count") == ["vector(2)"]
    assert recorded(groups, "model:pods_wanted:least") == ["vector(3 * 2)"]

"""What machines cost, and the alert about a budget, in the real promtool."""

from pathlib import Path

from support.plans import SPOT_FIRST, pool_plans
from support.rules import ENVIRONMENT, PAGES, Case, hold

from llmplatform.planning.platform_rules import platform_rules
from llmplatform.specs.addons import Budget

POOLS = pool_plans(gpu=SPOT_FIRST)
GROUPS = [
    group
    for group in platform_rules(
        POOLS, [], environment=ENVIRONMENT, runbooks=PAGES, budget=Budget(hour=2.5, prices={"g5.2xlarge": 1.25})
    )
    if group.name in ("capacity", "cost")
]


def node(name: str, capacity: str, machine: str = "g5.2xlarge") -> str:
    labels = {
        "llmplatform_dev_pool": "gpu",
        "eks_amazonaws_com_capacity_type": capacity,
        "node_kubernetes_io_instance_type": machine,
    }
    listed = ",".join(f'label_{label}="{value}"' for label, value in labels.items())
    return f'kube_node_labels{{node="{name}",{listed}}}'


def cost(capacity: str) -> str:
    return f'platform:cost:hour{{capacity="{capacity}",currency="USD",environment="{ENVIRONMENT}",pool="gpu"}}'


CASES = [
    Case(
        "a third machine is too dear, and goes again",
        {node("a", "SPOT"): "1x300", node("b", "SPOT"): "1x300", node("c", "ON_DEMAND"): "_x30 1x90 stale"},
        {
            "20m": {},
            "80m": {},
            "100m": {
                "BudgetExceeded": {
                    "currency": "USD",
                    "says": "The machines cost 3.75 USD an hour, more than their budget.",
                }
            },
            "130m": {},
        },
        {"100m": {"platform:cost:hour": {cost("spot"): 2.5, cost("on_demand"): 1.25}}},
    ),
    Case("a machine of no pool of ours has no price", {node("a", "SPOT", "p5.48xlarge"): "1x300"}, {"200m": {}}),
]


def test_these_alerts_fire_and_no_others(tmp_path: Path) -> None:
    hold(GROUPS, CASES, tmp_path)


def test_without_a_budget_the_cost_is_recorded_at_the_catalogs_price() -> None:
    groups = platform_rules(POOLS, [], environment=ENVIRONMENT, runbooks=PAGES)
    (found,) = [group for group in groups if group.name == "cost"]
    assert {rule.record or rule.alert for rule in found.rules} == {"platform:machine_price:hour", "platform:cost:hour"}
    prices = {rule.labels["machine"]: rule.expr for rule in found.rules if rule.record == "platform:machine_price:hour"}
    assert prices["g5.2xlarge"] == "vector(1.212)"

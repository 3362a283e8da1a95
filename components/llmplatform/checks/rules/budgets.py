"""Rules about the budget of machines."""

from collections.abc import Iterator

from llmplatform.catalog import instance_types
from llmplatform.checks.problems import Problem, listed
from llmplatform.checks.rules.rule import whole
from llmplatform.specs.stack import Stack

_PRICES = "addons.monitoring.budget.prices"


def every_machine_has_a_price(stack: Stack) -> Iterator[Problem]:
    """A budget counts every machine that a pool may have, and no others have prices."""
    budget = stack.addons.monitoring.budget
    if budget is None:
        return
    machines = {name for pool in stack.pools.values() for name in pool.instance_types}
    known = {name: instance_types.find(stack.cloud.provider, name) for name in machines}
    missing = {name for name, each in known.items() if each and each.price_hour is None} - set(budget.prices)
    if missing:
        yield Problem(
            _PRICES, f"the catalog has no price of {listed(sorted(missing))}", "write what an hour of each costs"
        )
    if strange := set(budget.prices) - machines:
        yield Problem(_PRICES, f"no pool has machines of {listed(sorted(strange))}", "remove them")


PROBLEMS = whole(every_machine_has_a_price)

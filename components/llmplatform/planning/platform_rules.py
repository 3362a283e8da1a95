"""Recording rules and alerts about a platform: its GPUs, its capacity, its certificates, its backups, its cost."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from llmplatform.catalog.rules import Alert, Condition, Recording
from llmplatform.planning.backups import Backup, Backups
from llmplatform.planning.pools import PoolPlan
from llmplatform.planning.prices import machine_prices
from llmplatform.planning.rules import Filled, Group, groups_of
from llmplatform.specs.addons.monitoring import Budget

PLATFORM_TOPICS = ("gpus", "capacity", "cost", "platform", "backups")
"""Topics of the stack that installs the Prometheus, or names an existing one."""


def platform_rules(
    pools: Sequence[PoolPlan],
    having: Collection[Condition],
    *,
    environment: str,
    runbooks: str,
    backups: Backups | None = None,
    budget: Budget | None = None,
) -> tuple[Group, ...]:
    """The rules of a platform with these pools.

    `having`: what else it has that rules are about. `runbooks`: address of the folder of runbook pages.
    """
    gpu_pools = [pool for pool in pools if pool.gpu]
    has = {*having, *(["pools"] if pools else []), *(["gpus"] if gpu_pools else [])}
    made = {"backup_job": backups.jobs, "postgres": backups.servers} if backups else {}
    once = {
        "pools": "|".join(pool.name for pool in pools),
        "gpu_pools": "|".join(pool.name for pool in gpu_pools),
    }

    def fillings(rule: Recording | Alert) -> Iterator[tuple[Filled, Mapping[str, str]]]:
        if not set(rule.when) <= has:
            return
        if rule.each == "spot_pool":
            yield from (
                ({"pool": pool.name, "on_demand": str(_on_demand(pool))}, {})
                for pool in pools
                if pool.spec.capacity == "spot_first"
            )
        elif rule.each == "machine":
            for each in machine_prices(pools, budget.prices if budget else {}):
                yield {"price": f"{each.hour:g}"}, {"machine": each.machine, "currency": each.currency}
        elif rule.each == "budget":
            yield from [({"budget": f"{budget.hour:g}"}, {})] if budget else []
        elif rule.each in ("backup_job", "postgres"):
            yield from ((_backup(each), {}) for each in made.get(rule.each, ()))
        else:
            yield once, {}

    return groups_of(PLATFORM_TOPICS, fillings, environment=environment, runbooks=runbooks)


def _backup(each: Backup) -> Filled:
    return {"backup_namespace": each.namespace, "backup": each.name, "oldest_hours": str(each.oldest_hours)}


def _on_demand(pool: PoolPlan) -> int:
    """Nodes that are always bought on demand."""
    return sum(group.minimum for group in pool.groups if group.capacity == "on_demand")

"""The charts that a stack installs, and the capability that each belongs to."""

from collections.abc import Mapping

from llmplatform.catalog.versions import CHARTS, Chart
from llmplatform.planning.capabilities import charted, plan_capabilities
from llmplatform.planning.pools import PoolPlan
from llmplatform.specs.capability import Capability
from llmplatform.specs.stack import Stack


def charts_by_capability(stack: Stack) -> Mapping[str, tuple[Chart, ...]]:
    """Path of each capability that is switched on, and its charts; empty where another stack installs them."""
    charts = {path: settings.installed_charts for path, settings in charted(stack)}
    return {path: tuple(CHARTS[name] for name in names) for path, names in charts.items() if names}


def plan_charts(stack: Stack, pools: tuple[PoolPlan, ...]) -> tuple[Chart, ...]:
    """Every chart that the stack installs."""
    found = [each for each in plan_capabilities(stack, pools) if isinstance(each, Capability)]
    return tuple(CHARTS[name] for each in found for name in each.installed_charts)

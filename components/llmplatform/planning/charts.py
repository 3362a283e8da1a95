"""The charts that a stack installs, and which of their archives are missing."""

from pathlib import Path

from llmplatform.catalog.versions import Chart
from llmplatform.planning.pools import PoolPlan
from llmplatform.specs.charts import FOR_GPUS, charts_by_addon
from llmplatform.specs.problems import Problem
from llmplatform.specs.stack import Stack


def plan_charts(stack: Stack, pools: tuple[PoolPlan, ...]) -> tuple[Chart, ...]:
    """Every chart that the stack installs."""
    with_gpus = any(pool.gpu for pool in pools)
    return tuple(
        chart
        for addon, charts in charts_by_addon(stack).items()
        for chart in charts
        if with_gpus or addon not in FOR_GPUS
    )


def missing_archives(charts: tuple[Chart, ...], folder: Path) -> list[Problem]:
    """A problem for each chart whose archive is not in the folder."""
    return [
        Problem(f"{folder.name}/{chart.archive}", "there is no such archive", "run `llmplatform charts pull`")
        for chart in charts
        if not (folder / chart.archive).is_file()
    ]

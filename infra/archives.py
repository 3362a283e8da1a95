"""Where the charts' archives are, and that they are there before anything is made."""

import os
from pathlib import Path

import pulumi

from llmplatform.catalog.versions import NO_ARCHIVES
from llmplatform.planning.charts import missing_archives, plan_charts
from llmplatform.planning.pools import PoolPlan
from llmplatform.specs.stack import Stack

CHARTS = "../.charts"
"""Where `llmplatform charts pull` puts the archives, seen from this program's folder."""


def require(stack: Stack, pools: tuple[PoolPlan, ...]) -> None:
    """Raise RunError with a line for each archive that is missing; a preview warns instead.

    Without it, an update would find out after half an hour, with network, cluster and nodes made.
    """
    if NO_ARCHIVES in os.environ:
        return
    missing = missing_archives(plan_charts(stack, pools), (Path(__file__).parent / CHARTS).resolve())
    if missing and not pulumi.runtime.is_dry_run():
        raise pulumi.RunError("\n".join(map(str, missing)))
    for problem in missing:
        pulumi.log.warn(str(problem))

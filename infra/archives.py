"""Where the charts' archives are, and that they are there, and the recorded ones, before anything is made."""

import os
from pathlib import Path

import pulumi

from llmplatform.catalog.versions import NO_ARCHIVES
from llmplatform.checks.archives import unfit_archives
from llmplatform.planning.charts import plan_charts
from llmplatform.planning.pools import PoolPlan
from llmplatform.specs.stack import Stack

CHARTS = "../.charts"
"""Where `llmplatform charts pull` puts the archives, seen from this program's folder."""


def require(stack: Stack, pools: tuple[PoolPlan, ...]) -> None:
    """Raise RunError with a line for each archive that is missing, damaged or another than the recorded one.

    In an update the provider would find out after half an hour, with network, cluster and nodes made. In a preview it
    opens each archive as soon as the cluster is known (pulumi-kubernetes helm_release.go, Check), and fails with a line
    that has no remedy. It looks at no digest, ever.
    """
    if NO_ARCHIVES in os.environ:
        return
    unfit = unfit_archives(plan_charts(stack, pools), (Path(__file__).parent / CHARTS).resolve())
    if unfit:
        raise pulumi.RunError("\n".join(map(str, unfit)))

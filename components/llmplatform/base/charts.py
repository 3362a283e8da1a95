"""Third-party software as Helm releases from local chart archives.

A release from an archive previews without a cluster and without a network; from a repository it does not. The archives
come from `llmplatform charts pull`, which checks them against the digests in `charts.lock`.
"""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.catalog.versions import Chart

RELEASE_SECONDS = 900
"""How long a release may take: nodes may first have to start and pull images of several gigabytes."""


def archive(chart: Chart, charts_dir: str) -> str:
    """Path of a chart's archive.

    A relative folder is relative to the program, and keeps machine paths out of the state.
    """
    return f"{charts_dir}/{chart.archive}"


def release(
    name: str,
    chart: Chart,
    values: Mapping[str, Any],
    *,
    namespace: pulumi.Input[str],
    charts_dir: str,
    opts: pulumi.ResourceOptions,
) -> kubernetes.helm.v3.Release:
    """A release with its chart's name, by which others refer to its objects."""
    return kubernetes.helm.v3.Release(
        name,
        kubernetes.helm.v3.ReleaseArgs(
            chart=archive(chart, charts_dir),
            name=chart.name,
            namespace=namespace,
            values=values,
            # A failed upgrade is rolled back and a failed install uninstalled. If the same fault stops that, too, for
            # example a hook before the deletion, only Helm itself can remove the release.
            atomic=True,
            wait_for_jobs=True,
            timeout=RELEASE_SECONDS,
            max_history=5,
        ),
        opts=opts,
    )

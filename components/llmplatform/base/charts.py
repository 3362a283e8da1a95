"""Third-party software as Helm releases from local chart archives.

A release from an archive previews without a cluster and without a network; from a repository it does not. The archives
come from `llmplatform charts pull`, which checks them against the digests in `charts.lock`.
"""

from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pydantic import AliasGenerator, BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from llmplatform.catalog.versions import Chart

RELEASE_SECONDS = 900
"""How long a release may take: images of several gigabytes are pulled to nodes that may have to be bought first."""


class Values(BaseModel):
    """Values of a chart, or a part of them: only the keys that we set. None leaves the chart's default."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        alias_generator=AliasGenerator(serialization_alias=to_camel),
    )

    def dump(self) -> dict[str, Any]:
        """The values as the chart spells them."""
        return self.model_dump(by_alias=True, exclude_none=True)


def archive(chart: Chart, charts_dir: str) -> str:
    """Path of a chart's archive.

    A relative folder counts from that of the program, and keeps the paths of machines out of the state.
    """
    return f"{charts_dir}/{chart.archive}"


def release(
    name: str,
    chart: Chart,
    values: Values,
    *,
    namespace: pulumi.Input[str],
    charts_dir: str,
    opts: pulumi.ResourceOptions,
) -> kubernetes.helm.v3.Release:
    """A release that is named like its chart, so that others can refer to its objects."""
    return kubernetes.helm.v3.Release(
        name,
        kubernetes.helm.v3.ReleaseArgs(
            chart=archive(chart, charts_dir),
            name=chart.name,
            namespace=namespace,
            values=values.dump(),
            # A failed upgrade is rolled back and a failed install uninstalled, unless what failed it fails that, too: a
            # hook before the deletion that cannot run leaves a release that only Helm itself gets away.
            atomic=True,
            wait_for_jobs=True,
            timeout=RELEASE_SECONDS,
            max_history=5,
        ),
        opts=opts,
    )

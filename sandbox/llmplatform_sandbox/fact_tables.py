"""All rows of the simulated clouds, with their sources: the list of `llmplatform sandbox facts`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from llmplatform_sandbox.citations import Cited
from llmplatform_sandbox.cloud import tags
from llmplatform_sandbox.cloud.alicloud import offered
from llmplatform_sandbox.cloud.alicloud.components import components
from llmplatform_sandbox.cloud.aws.node_health import addons, daemonsets
from llmplatform_sandbox.cloud.facts import load
from llmplatform_sandbox.cloud.machine_table import families
from llmplatform_sandbox.kube import immutable

CLOUDS = ("aws", "alicloud")


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of a table."""

    table: str
    """Path of the table within the sandbox."""
    name: str
    cited: Cited


def rows() -> Iterator[Row]:
    """All rows of all tables."""
    for cloud in CLOUDS:
        yield from _named(f"cloud/{cloud}/facts.toml", load(cloud).types.items())
        yield from _named(f"cloud/{cloud}/tags.toml", tags.rules(cloud).items())
        yield from _named(f"cloud/{cloud}/machines.toml", families(cloud).items())
    yield from _named("cloud/alicloud/components.toml", components().items())
    yield from _named("cloud/alicloud/offered.toml", offered.versions().items())
    yield from _named("cloud/alicloud/offered.toml", [("drivers", offered.drivers())])
    yield from _named("cloud/alicloud/offered.toml", offered.roles().items())
    yield from _named("cloud/aws/addons.toml", addons().items())
    yield from _named("cloud/aws/addons.toml", ((f"{one.addon} {one.name}", one) for one in daemonsets()))
    yield from _named(
        "kube/immutable.toml", ((f"{one.group}/{one.kind}".lstrip("/"), one) for one in immutable.rules())
    )


def document(listed: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows for programs."""
    return [
        {
            "table": row.table,
            "name": row.name,
            "cites": [cited.model_dump(exclude_defaults=True) for cited in row.cited.cites],
            "assumed": dict(row.cited.assumed),
        }
        for row in listed
    ]


def text(listed: Sequence[Row], *, assumed: bool) -> str:
    """The rows for readers, by table: citations, or assumptions."""
    lines: list[str] = []
    for table, found in groupby(listed, key=lambda row: row.table):
        lines += ["", table] if lines else [table]
        for row in found:
            lines.append(f"  {row.name}")
            lines += [] if assumed else [f"    {cited}" for cited in row.cited.cites]
            lines += [f"    assumed: {what}: {how}" for what, how in row.cited.assumed.items()]
    count = sum(len(row.cited.assumed) for row in listed)
    return "\n".join([*lines, "", f"{len(listed)} rows, {count} assumptions"])


def _named(table: str, found: Iterable[tuple[str, Cited]]) -> Iterator[Row]:
    return (Row(table=table, name=name, cited=cited) for name, cited in found)

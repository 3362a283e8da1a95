"""Mirrored images of a chart, for every chart alike, from the catalog's list of its images."""

from typing import Any

from llmplatform.catalog.chart_values import chart_images, pull_secrets
from llmplatform.specs.mirrors import Mirrors


def mirrored(chart: str, mirrors: Mirrors, pull_secret: str | None) -> dict[str, Any]:
    """Values of a chart that replace mirrored addresses, and name the pull secret of its pods.

    Empty without mirrors and login. Raises KeyError for a chart that is not recorded.
    """
    homes = {path: _mirror(home, mirrors) for path, home in chart_images(chart).items()}
    paths: dict[str, Any] = {path: home for path, home in homes.items() if home}
    if pull_secret:
        paths |= pull_secrets(chart, pull_secret)
    values: dict[str, Any] = {}
    for path, value in paths.items():
        *parents, last = path.split(".")
        inner = values
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[last] = value
    return values


def _mirror(home: str, mirrors: Mirrors) -> str | None:
    """The mirror of a registry, or of a folder or repository in it; None without one."""
    if "/" not in home and "." in home:
        return mirrors.images.get(home)
    moved = mirrors.image(home)
    return moved if moved != home else None

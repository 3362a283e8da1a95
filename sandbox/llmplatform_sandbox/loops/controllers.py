"""Plays the controllers that cannot be had: those of clouds, of KServe, and of LeaderWorkerSet.

controllers.toml has the rules; a rule holds only while the add-on or the release that would do
the work is there. So a claim stays Pending without its CSI driver, and a load balancer outlives a controller that was
removed too early.
"""

import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib import resources
from typing import Any

from llmplatform_sandbox.interfaces import Cloud, Release
from llmplatform_sandbox.kube.client import Kube
from llmplatform_sandbox.kube.definitions import install, permissive
from llmplatform_sandbox.kube.errors import UnknownKind
from llmplatform_sandbox.kube.releases import releases
from llmplatform_sandbox.loops.balancers import play_load_balancers
from llmplatform_sandbox.loops.groups import play_groups
from llmplatform_sandbox.loops.inference_services import play_inference_services
from llmplatform_sandbox.loops.volumes import play_volumes


@dataclass(frozen=True)
class Players:
    """Who is there to do a controller's work."""

    clouds: Mapping[str, Cloud]
    releases: Sequence[Release]
    addons: frozenset[str]

    def there(self, played_by: Iterable[str]) -> bool:
        """Whether one of the players (`addon:x`, `chart:x`, `cloud:x`) is there."""
        charts = {release.chart for release in self.releases}
        present = {
            *(f"addon:{a}" for a in self.addons),
            *(f"chart:{c}" for c in charts),
            *(f"cloud:{c}" for c in self.clouds),
        }
        return not present.isdisjoint(played_by)


@cache
def rules() -> Mapping[str, list[dict[str, Any]]]:
    """The rows of controllers.toml, by kind."""
    return tomllib.loads(resources.files("llmplatform_sandbox.loops").joinpath("controllers.toml").read_text())


def players(kube: Kube, clouds: Collection[Cloud]) -> Players:
    """Who is there now."""
    addons = frozenset(addon for cloud in clouds for addon in cloud.installed())
    return Players({cloud.name: cloud for cloud in clouds}, releases(kube), addons)


def _define(kube: Kube, rows: Sequence[Mapping[str, Any]]) -> None:
    """Install the CRDs that the API server does not serve yet."""
    for row in rows:
        missing = [kind for kind in row["kinds"] if not _served(kube, f"{row['group']}/{row['versions'][0]}", kind)]
        definitions = [
            permissive(
                group=row["group"],
                versions=row["versions"],
                kind=kind,
                plural=f"{kind.lower()}es" if kind.endswith("s") else f"{kind.lower()}s",
                scope=row["kinds"][kind],
            )
            for kind in missing
        ]
        if definitions:
            install(kube, definitions, upgrade=False)


def _served(kube: Kube, api_version: str, kind: str) -> bool:
    try:
        kube.kind(api_version, kind)
    except UnknownKind:
        return False
    return True


class ControllersLoop:
    """One round per `step`."""

    def __init__(self, kube: Kube, clouds: Collection[Cloud]) -> None:
        self._kube = kube
        self._clouds = clouds

    def step(self) -> None:
        """Look, and answer what has not been answered. Level-triggered and idempotent."""
        now = players(self._kube, self._clouds)
        active = {kind: [row for row in rows if now.there(row["played_by"])] for kind, rows in rules().items()}
        plays = (
            partial(play_volumes, self._kube, now.clouds, active["volume"]),
            partial(play_load_balancers, self._kube, now.clouds, active["load_balancer"]),
            partial(_define, self._kube, active["definition"]),
            partial(play_inference_services, self._kube, now.releases),
            partial(play_groups, self._kube, active["group"]),
        )
        failures: list[Exception] = []
        for play in plays:
            try:
                play()
            except Exception as error:
                failures.append(error)
        if failures:
            raise ExceptionGroup("controllers", failures)

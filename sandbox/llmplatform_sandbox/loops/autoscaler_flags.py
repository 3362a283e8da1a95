"""Settings of the simulated cluster-autoscaler: from a release's flags, or from the cloud that runs one itself."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmplatform_sandbox.interfaces import ManagedAutoscaler, Release
from llmplatform_sandbox.loops.expander import Priorities

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, kw_only=True)
class Flags:
    """Flags that the simulation acts on, by cluster-autoscaler's own names or close to them."""

    expanders: Sequence[str]
    backoff: float
    """Real seconds until a group without machines is tried again; doubled up to the next."""
    longest_backoff: float
    scale_down: bool
    from_zero: bool = True
    priorities: Priorities | None = None
    """For the expander `priority`; None leaves the choice to the next expander."""


def flags_of_cloud(settings: ManagedAutoscaler) -> Flags:
    """The settings of an autoscaler that the cloud runs: group ids are regular expressions that match themselves."""
    return Flags(
        expanders=settings.expanders,
        backoff=_duration("5m"),
        longest_backoff=_duration("30m"),
        scale_down=settings.scale_down,
        from_zero=settings.from_zero,
        priorities=settings.priorities,
    )


def flags_of(release: Release) -> Flags:
    """The flags of a release's `extraArgs`, by cluster-autoscaler's defaults."""
    args: Mapping[str, Any] = release.values.get("extraArgs") or {}
    return Flags(
        expanders=[one.strip() for one in str(args.get("expander", "least-waste")).split(",")],
        backoff=_duration(args.get("initial-node-group-backoff-duration", "5m")),
        longest_backoff=_duration(args.get("max-node-group-backoff-duration", "30m")),
        scale_down=str(args.get("scale-down-enabled", "true")).lower() != "false",
    )


def _duration(text: Any) -> float:
    """Go's spelling (`1h30m`) in seconds."""
    return sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(str(text)))

"""What each cloud contributes to its simulated account beyond its facts. Nothing but `load` asks which cloud it is."""

import importlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmplatform_sandbox.cloud.account import Account
from llmplatform_sandbox.cloud.behaviour import Behaviour
from llmplatform_sandbox.cloud.control_plane import ControlPlane
from llmplatform_sandbox.cloud.machine_groups import MachineGroups
from llmplatform_sandbox.cloud.requests import Scope
from llmplatform_sandbox.cloud.store import Store
from llmplatform_sandbox.interfaces import ManagedAutoscaler

Arguments = Mapping[str, Any]
"""A provider's configuration, by wire name."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """One cloud, as its package's module `parts` declares it in `PARTS`."""

    behaviours: Callable[[ControlPlane, float], Mapping[str, Behaviour]]
    """By type; the number is how many seconds they wait for what real clouds wait minutes for."""
    groups: Callable[[Account], MachineGroups]
    installed: Callable[[Store], Iterable[str]]
    """Names of the cluster's add-ons."""
    admins: Callable[[Store], Sequence[str]]
    """Principals that administer the cluster."""
    subnets: Callable[[Store], list[str]]
    """Where a load balancer goes that was not told where."""
    zones: Callable[[Store], frozenset[str]]
    """Zones that the networks of the account lie in."""
    scope: Callable[[Arguments], Scope]
    """Where the requests of a provider with these arguments go."""
    network: Sequence[frozenset[str]]
    """Sets of add-ons any of which lets nodes get ready."""
    provider_id: re.Pattern[str]
    """Provider ids of this cloud's nodes."""
    targets: Mapping[str, Callable[[str], bool]]
    """Kind of fault → whether something of that name can be struck."""
    remarks: Callable[[Account], Sequence[str]] = lambda account: ()
    """What the cloud accepted and then did otherwise, a line each."""
    locked_out: Callable[[Account], str] = lambda account: ""
    """Why the caller may not enter the cluster's Kubernetes; empty when it may."""
    struck: Callable[[Account], None] = lambda account: None
    """What the cloud does at once when a fault begins or ends."""
    autoscaler: Callable[[Account], ManagedAutoscaler | None] = lambda account: None
    unpullable: Callable[[Store, str, Mapping[str, Any], Mapping[str, Any] | None], str] = (
        lambda store, image, pod, account: ""
    )
    """Why a node may not pull an image for a pod with its service account; empty where it may."""
    arguments: Callable[[Arguments], Sequence[tuple[str, str]]] = lambda arguments: ()
    """What is wrong with a provider's configuration beyond names and types: (argument, reason)."""


def load(package: str) -> Parts:
    """The parts of a Pulumi package that facts.load knows."""
    return importlib.import_module(f"llmplatform_sandbox.cloud.{package}.parts").PARTS

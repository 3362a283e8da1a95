"""The parts of each cloud's simulated account beyond its facts. Only `load` asks which cloud it is."""

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
    """Behaviours by type; the number: seconds to wait for what real clouds wait minutes for."""
    groups: Callable[[Account], MachineGroups]
    installed: Callable[[Store], Iterable[str]]
    """Names of the cluster's add-ons."""
    admins: Callable[[Store], Sequence[str]]
    """Principals that administer the cluster."""
    subnets: Callable[[Store], list[str]]
    """Default place of a load balancer."""
    zones: Callable[[Store], frozenset[str]]
    """Zones of the account's networks."""
    scope: Callable[[Arguments], Scope]
    """Scope of the requests of a provider with these arguments."""
    network: Sequence[frozenset[str]]
    """Sets of add-ons; nodes become ready with any of them."""
    provider_id: re.Pattern[str]
    """Provider ids of this cloud's nodes."""
    targets: Mapping[str, Callable[[str], bool]]
    """Kind of fault → whether it may have a target of that name."""
    remarks: Callable[[Account], Sequence[str]] = lambda account: ()
    """Inputs that the cloud silently accepted and treated differently, a line each."""
    locked_out: Callable[[Account], str] = lambda account: ""
    """Why the caller may not enter the cluster's Kubernetes; empty if it may."""
    struck: Callable[[Account], None] = lambda account: None
    """The cloud's immediate reaction to the begin or end of a fault."""
    autoscaler: Callable[[Account], ManagedAutoscaler | None] = lambda account: None
    unpullable: Callable[[Store, str, Mapping[str, Any], Mapping[str, Any] | None], str] = (
        lambda store, image, pod, account: ""
    )
    """Why a node may not pull an image for a pod with its service account; empty if it may."""
    arguments: Callable[[Arguments], Sequence[tuple[str, str]]] = lambda arguments: ()
    """Faults of a provider's configuration beyond names and types: (argument, reason)."""


def load(package: str) -> Parts:
    """The parts of a Pulumi package that facts.load knows."""
    return importlib.import_module(f"llmplatform_sandbox.cloud.{package}.parts").PARTS

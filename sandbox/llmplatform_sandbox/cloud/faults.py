"""Faults that a user injects, and the one entrance of every call to the simulated cloud."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from llmplatform_sandbox.cloud.requests import CloudError, Transient, Unanswered
from llmplatform_sandbox.cloud.store import Store

EVERYTHING = "all"
"""Target of a fault that affects the calls of every resource type."""
_A_TYPE = "a resource type of the cloud, e.g. aws:ec2/vpc:Vpc, or all"
_REFUSALS = 2
_SLOW = 2.0


@dataclass(frozen=True)
class Kind:
    """A kind of fault."""

    effect: str
    target: str
    """Valid targets, for the error message."""
    strikes_calls: bool = False


KINDS: Mapping[str, Kind] = {
    "spot-stockout": Kind(
        "no spot capacity for an instance type in any zone",
        "an instance type of the cloud: g5.2xlarge, ecs.gn7i-c16g1.4xlarge",
    ),
    "zone-outage": Kind(
        "the machines of a zone vanish, and none can be had there", "a zone of the cloud, e.g. eu-west-1a"
    ),
    "stockout": Kind("no capacity for an instance type, spot or on demand", "an instance type of the cloud"),
    "no-quota": Kind("a quota of the account is zero", "a quota code of the cloud, e.g. L-DB2E81BA"),
    "not-offered": Kind(
        "a zone has no machines of a type, no endpoint of a service or no control planes",
        "what and where: g5.2xlarge@eu-west-1a, ecr.api@eu-west-1a; eks@us-east-1a where a region has such a zone",
    ),
    "no-access-entry": Kind("the caller is not among the cluster's administrators", "all"),
    "late-log-group": Kind("a deleted cluster writes on: its log group is made again", "all"),
    "slow-volumes": Kind("disks of volumes go late, and only while their driver is there", "a CSI driver of the cloud"),
    "foreign-endpoint": Kind("the cloud puts an endpoint of its own into the cluster's network", "all"),
    "role-unauthorised": Kind(
        "a role that the cloud's service needs was never authorised", "a service role of the cloud"
    ),
    "throttling": Kind(f"each call is refused {_REFUSALS} times as one too many", _A_TYPE, strikes_calls=True),
    "server-error": Kind(f"each call meets a 5xx {_REFUSALS} times, with nothing done", _A_TYPE, strikes_calls=True),
    "lost-answer": Kind("each call times out once, after its work was done", _A_TYPE, strikes_calls=True),
    "slow-call": Kind(f"each call takes {_SLOW:.0f} seconds longer", _A_TYPE, strikes_calls=True),
    "outage": Kind("every call is refused until the fault is cleared", _A_TYPE, strikes_calls=True),
}


class Faults:
    """Active faults, kept in the account's file. The cloud's own rule for the kind decides whether a target is valid.

    Counts of affected calls are not kept: they begin anew after a restart.
    """

    def __init__(
        self, store: Store, targets: Mapping[str, Callable[[str], bool]], types: Callable[[str], bool]
    ) -> None:
        self._store = store

        def struck(name: str) -> bool:
            return name == EVERYTHING or types(name)

        calls = {kind: struck for kind in KINDS if KINDS[kind].strikes_calls}
        self._targets: Mapping[str, Callable[[str], bool]] = {**targets, **calls}
        self._struck: Counter[tuple[str, ...]] = Counter()
        self._lock = threading.Lock()

    def set(self, kind: str, target: str, *, active: bool) -> None:
        """Raises ValueError for an unknown kind or target."""
        if kind not in KINDS:
            raise ValueError(f"{kind}: no such fault; write one of {', '.join(KINDS)}")
        if not self._targets.get(kind, lambda _: False)(target):
            raise ValueError(f"{target}: nothing that {kind} can strike; write {KINDS[kind].target}")
        self._store.fault(kind, target, active=active)

    def active(self, kind: str, target: str) -> bool:
        """Whether a fault affects a target now."""
        return (kind, target) in self._store.faults()

    @contextmanager
    def call(self, operation: str, type_: str, key: str) -> Generator[None]:
        """Wraps each create, read, update and delete of the account. `key`: the maker of the object, or its id.

        Raises CloudError if a fault refuses the call, or hides its answer. The cloud's own actions are exempt.
        """
        kinds = {kind for kind, target in self._store.faults() if target in (EVERYTHING, type_)}
        if not kinds or (operation == "create" and not key.startswith("urn:")):
            yield
            return
        what = f"{operation} of {type_}"
        if "outage" in kinds:
            raise CloudError(f"ServiceUnavailable: {what} was refused; the service is down, so run again later")
        if "slow-call" in kinds:
            time.sleep(_SLOW)
        if "throttling" in kinds and self._strikes(_REFUSALS, "throttling", operation, type_, key):
            raise Transient(f"Throttling: {what} was refused; too many requests")
        if "server-error" in kinds and self._strikes(_REFUSALS, "server-error", operation, type_, key):
            raise Transient(f"InternalError: {what} met an error of the service; nothing was done")
        yield
        if "lost-answer" in kinds and self._strikes(1, "lost-answer", operation, type_, key):
            raise Unanswered(
                f"RequestError: {what} was not answered in time and may have been carried out; run again, and the next "
                "run looks for what it made"
            )

    def _strikes(self, times: int, *call: str) -> bool:
        with self._lock:
            self._struck[call] += 1
            return self._struck[call] <= times

"""Which node group to grow: the choices of cluster-autoscaler's expanders, `priority` and `least-waste`.

Sources: kubernetes/autoscaler cluster-autoscaler/expander/priority (ConfigMap cluster-autoscaler-priority-expander,
key `priorities`: number → regular expressions on the group's name, the highest number that matches wins) and
expander/waste.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import yaml

from llmplatform_sandbox.loops.fit import Object, Room, quantities, requests

Priorities = Mapping[int, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Option:
    """One way to help: so many more nodes of a group, for these pods."""

    group: str
    nodes: int
    pods: Sequence[Object]
    room: Mapping[str, str]
    """Resources of one node."""


def pack(pods: Sequence[Object], template: Callable[[], Room], most: int) -> tuple[int, list[Object]]:
    """First fit, decreasing: how many nodes (at most `most`) the pods need, and which pods find room."""
    rooms: list[Room] = []
    placed: list[Object] = []
    for pod in sorted(pods, key=_size, reverse=True):
        if any(room.take(pod) for room in rooms):
            placed.append(pod)
            continue
        if len(rooms) < most:
            fresh = template()
            if fresh.take(pod):
                rooms.append(fresh)
                placed.append(pod)
    return len(rooms), placed


def _size(pod: Object) -> tuple[Decimal, Decimal]:
    wanted = requests(pod)
    extended = sum((amount for name, amount in wanted.items() if "/" in name), Decimal(0))
    return extended, wanted.get("cpu", Decimal(0)) + wanted.get("memory", Decimal(0)) / Decimal(2**32)


def priorities(text: str | Mapping[Any, Any]) -> Priorities:
    """The ConfigMap's `priorities`, or the chart's `expanderPriorities`. Raises ValueError for other than a map."""
    parsed = yaml.safe_load(text) if isinstance(text, str) else text
    if not isinstance(parsed, Mapping):
        raise ValueError("priorities: write a map of numbers to lists of regular expressions")
    return {int(number): [str(one) for one in patterns or ()] for number, patterns in parsed.items()}


def best(options: Sequence[Option], expanders: Sequence[str], known: Priorities | None) -> Option:
    """The option that the expanders, one after the other, leave over."""
    left = list(options)
    for expander in expanders:
        if expander == "priority" and known is not None:
            left = _by_priority(left, known)
        elif expander == "least-waste":
            waste = {option.group: _waste(option) for option in left}
            least = min(waste.values())
            left = [option for option in left if waste[option.group] == least]
        elif expander == "most-pods":
            most = max(len(option.pods) for option in left)
            left = [option for option in left if len(option.pods) == most]
        if len(left) == 1:
            break
    return left[0]


def _by_priority(options: list[Option], known: Priorities) -> list[Option]:
    for number in sorted(known, reverse=True):
        matching = [option for option in options if any(re.search(one, option.group) for one in known[number])]
        if matching:
            return matching
    # As upstream: what nothing matches is left to the next expander.
    return options


def _waste(option: Option) -> Decimal:
    """Share of CPU and memory that the new nodes would leave idle."""
    room = quantities(option.room)
    wanted = [requests(pod) for pod in option.pods]
    total = Decimal(0)
    for name in ("cpu", "memory"):
        offered = room.get(name, Decimal(0)) * option.nodes
        used = sum((one.get(name, Decimal(0)) for one in wanted), Decimal(0))
        total += (offered - used) / offered if offered else Decimal(0)
    return total

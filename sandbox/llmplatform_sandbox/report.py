"""The final output of a command: tables for people, one JSON document for programs."""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from llmplatform_sandbox.called import called
from llmplatform_sandbox.controllers.table import CONTROLLERS
from llmplatform_sandbox.snapshot import Snapshot

WIDTH = 100
"""Columns that what comes last fits in."""
_ENTRIES = 10
"""Entries of an output that are shown one by one."""


def print_snapshot(console: Console, snapshot: Snapshot) -> None:
    """Tables of nodes, pods and outputs; a line for each pod that waits, each fault and each shortage."""
    if snapshot.nodes:
        columns = {
            "Node": [_bare(node.name) for node in snapshot.nodes],
            "Pool": [node.pool for node in snapshot.nodes],
            "Capacity": [node.capacity for node in snapshot.nodes],
            "Type": [node.instance_type for node in snapshot.nodes],
            "Zone": [node.zone for node in snapshot.nodes],
            "GPUs": [str(node.gpus) for node in snapshot.nodes],
            "State": [node.state for node in snapshot.nodes],
        }
        console.print(_table(columns))
    if snapshot.pods:
        columns = {
            "Namespace": [pod.namespace for pod in snapshot.pods],
            "Pod": [pod.name for pod in snapshot.pods],
            "Node": [_bare(pod.node) for pod in snapshot.pods],
            "State": [pod.state for pod in snapshot.pods],
        }
        console.print(_table(columns))
    for title, lines in (
        ("Pending", list(snapshot.pending)),
        ("Without pods", list(snapshot.unmade)),
        ("Shortages", sorted(snapshot.shortages.values())),
        ("Silently accepted", list(snapshot.remarks)),
        ("Faults active", [f"{kind} {target}" for kind, target in snapshot.faults]),
    ):
        if lines:
            console.print(Text(title, style="bold yellow"))
            for line in lines:
                console.print(Text(f"  {line}"), soft_wrap=True)
    if snapshot.outputs:
        lines = [
            (name if not number else "", line)
            for name, value in sorted(snapshot.outputs.items())
            for number, line in enumerate(_lines(value))
        ]
        console.print(_table({"Output": [name for name, _ in lines], "Value": [line for _, line in lines]}))


def _bare(node: str) -> str:
    """A node's name without the domain that all share."""
    return re.sub(r"\.[\w-]+\.compute\.internal$", "", node)


def print_reality(
    console: Console, versions: Mapping[str, str], snapshot: Snapshot, stack: str, project: Path = Path()
) -> None:
    """What of all this was real, what was played, and what did not happen."""
    real = (
        f"Pulumi engine {versions['pulumi']}; Kubernetes {versions['kubernetes']} API server, controller-manager and "
        f"scheduler on etcd {versions['etcd']}. Every object passed strict validation and was scheduled for real."
    )
    running = [f"{each.chart} {versions[each.chart]}" for each in CONTROLLERS if each.chart in versions]
    if running:
        real = f"{real} Controllers: {', '.join(running)}."
    simulated = (
        f"The cloud account ({snapshot.objects} objects), its machines and kubelets (KWOK {versions['kwok']}): "
        "no container ran. Helm releases: values checked, CRDs applied, no templates. "
        "Volumes, load balancers, autoscaling."
    )
    simulated = "\n".join([simulated, *(f"{sentence}." for sentence in snapshot.played)])
    missing = [f"{sentence}." for sentence in snapshot.idle]
    if snapshot.idle:
        charts = ",".join(sentence.partition(":")[0] for sentence in snapshot.idle)
        missing.append(f"They run by: {called()} sandbox up {_named(stack, project)} --controllers {charts}")
    if snapshot.unserved:
        missing.append(f"{', '.join(snapshot.unserved)}: CRDs alone, nothing acts on their objects.")
    for title, style, text in (
        ("Real", "bold green", real),
        ("Simulated", "bold yellow", simulated),
        ("Not run", "bold yellow", "\n".join(missing)),
    ):
        if not text:
            continue
        console.print(Text(title, style=style))
        console.print(Padding(text, (0, 0, 0, 2)))


def print_next_steps(console: Console, stack: str, project: Path = Path()) -> None:
    """The next commands, written so that they can be copied."""
    stack = _named(stack, project)
    steps = (
        (f"{called()} sandbox status {stack}", "nodes, pods, and why a pod waits"),
        (f'eval "$({called()} sandbox env {stack})"', "your own pulumi and kubectl on the sandbox"),
        (f"{called()} sandbox fault spot-stockout TYPE --stack {stack}", "fall back to on-demand"),
        (f"{called()} sandbox down {stack}", "delete everything, and see that nothing is left"),
    )
    console.print(Text("Next", style="bold"))
    beside = all(len(f"  {command}  {why}") <= WIDTH for command, why in steps)
    for command, why in steps:
        if not beside:
            console.print(Text(f"  # {why}", style="dim"), soft_wrap=True)
        console.print(Text.assemble("  ", (command, "cyan"), f"  {why}" if beside else ""), soft_wrap=True)


def _named(stack: str, project: Path) -> str:
    """The stack as the arguments of a command name it."""
    elsewhere = project.resolve() != Path.cwd()
    return f"{stack} --project {shlex.quote(str(project))}" if elsewhere else stack


def print_timings(console: Console, timings: Mapping[str, float]) -> None:
    """Duration of each phase, in seconds."""
    parts = ", ".join(f"{phase} {seconds:.1f} s" for phase, seconds in timings.items())
    console.print(Text(f"{sum(timings.values()):.1f} s in all: {parts}", style="dim"))


def changes_sentence(changes: Mapping[str, int]) -> str:
    """For people: `120 created, 2 updated`, `No changes (120 resources)`."""
    changed = {op: count for op, count in changes.items() if op not in _UNCHANGED and count}
    if not changed:
        return f"No changes ({sum(changes.values())} resources)"
    return "Resources: " + ", ".join(f"{count} {_PAST.get(op, op)}" for op, count in sorted(changed.items()))


def plan_sentence(changes: Mapping[str, int]) -> str:
    """For people: `120 to create, 2 to update`."""
    counts = [f"{count} to {op}" for op, count in sorted(changes.items()) if op not in _UNCHANGED and count]
    return f"Resources: {', '.join(counts)}" if counts else f"No changes ({sum(changes.values())} resources)"


_UNCHANGED = {"same", "read", "refresh"}
_PAST = {"create": "created", "update": "updated", "delete": "deleted", "replace": "replaced"}


def snapshot_json(snapshot: Snapshot) -> dict[str, Any]:
    """The snapshot as plain values."""
    return asdict(snapshot)


def _table(columns: Mapping[str, list[str]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", expand=False)
    # A column without values is left out.
    kept = {title: cells for title, cells in columns.items() if any(cells)}
    for title in kept:
        table.add_column(title, overflow="fold", justify="right" if title == "GPUs" else "left")
    for row in zip(*kept.values(), strict=True):
        table.add_row(*(Text(cell) for cell in row))
    return table


def _lines(value: Any) -> list[str]:
    """A value for people: an object or a list of plain values by its entries; what is more, by how much it is."""
    if isinstance(value, Mapping) and value:
        entries = [(f"{key}: ", each) for key, each in cast("Mapping[str, Any]", value).items()]
    elif isinstance(value, list) and value:
        entries = [("", each) for each in cast("list[Any]", value)]
    else:
        return [_plain(value)]
    nested = any(isinstance(each, (Mapping, list)) for _, each in entries)
    if nested or len(entries) > _ENTRIES:
        return [f"{len(entries)} values; --json prints them"]
    return [f"{key}{_plain(each)}" for key, each in entries]


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)

"""A plan as text for logs and pipes: resources below their components, where the engine prints a flat list."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from llmplatform_sandbox.progress import ResourceStep

_SIGNS = {"create": "+", "update": "~", "delete": "-", "replace": "+-", "create-replacement": "++", "read": ">"}
"""The engine's own signs."""
_OUTPUTS = re.compile(r"^Outputs:\n.*?(?=\n\nResources:|\Z)", re.MULTILINE | re.DOTALL)


def plan_tree(steps: Sequence[ResourceStep]) -> str:
    """A line for each step, indented below its component; unchanged components only above a change."""
    below: defaultdict[str, list[ResourceStep]] = defaultdict(list)
    urns = {step.urn for step in steps}
    for step in steps:
        below[step.parent if step.parent in urns else ""].append(step)
    return "\n".join(line for step in below[""] for line in _lines(step, below, 0))


def plan_outputs(text: str) -> str:
    """The stack's outputs in the engine's own text of a plan; empty without one."""
    found = _OUTPUTS.search(text)
    return found[0].rstrip() if found else ""


def _lines(step: ResourceStep, below: dict[str, list[ResourceStep]], depth: int) -> Iterator[str]:
    inner = [
        line
        for child in sorted(below.get(step.urn, []), key=lambda child: (child.urn in below, child.type, child.name))
        for line in _lines(child, below, depth + 1)
    ]
    if inner or step.op != "same":
        yield f"{'  ' * depth}{_SIGNS.get(step.op, ' ')} {step.name}  {step.type}  {step.op}"
        yield from inner

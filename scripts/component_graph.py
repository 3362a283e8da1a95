"""The components of a stack and their dependencies, from the registered resources, as a Mermaid flowchart."""

from collections import Counter
from collections.abc import Iterable, Mapping

from support.program import run_program, stack_config

from llmplatform.testing import Registered

LAYERS = {
    "aws": "The cloud",
    "alicloud": "The cloud",
    "addons": "In the cluster",
    "services": "Services",
    "serving": "Models",
}
"""Package of a component to its box."""


def flowchart(stack: str) -> str:
    """A node for each type of component at the top of the tree, with the numbers of components and resources."""
    registered = run_program(stack_config(stack), stack).registered
    homes = _homes(registered)
    components = Counter(each.type for each in registered if homes.get(each.urn) == each.urn)
    resources = Counter(_type(registered, homes[each.urn]) for each in registered if each.custom and each.urn in homes)
    edges = _reduced(_edges(registered, homes))
    lines = ["flowchart TB"]
    for layer in dict.fromkeys(LAYERS.values()):
        inside = sorted(each for each in components if LAYERS[each.split(":")[1]] == layer)
        lines += [f"  subgraph {layer.split()[-1]}[{layer}]"]
        lines += [
            f'    {_name(each)}["{_title(each, components[each])}<br/>{_count(resources[each])}"]' for each in inside
        ]
        lines += ["  end"]
    return "\n".join([*lines, *(f"  {_name(before)} --> {_name(after)}" for before, after in sorted(edges))]) + "\n"


def _homes(registered: Iterable[Registered]) -> dict[str, str]:
    """Every resource to its component at the top, including the component itself."""
    homes: dict[str, str] = {}
    for each in registered:
        if each.type.startswith("llmplatform:") and each.parent not in homes:
            homes[each.urn] = each.urn
        elif each.parent in homes:
            homes[each.urn] = homes[each.parent]
    return homes


def _type(registered: Iterable[Registered], urn: str) -> str:
    return next(each.type for each in registered if each.urn == urn)


def _edges(registered: list[Registered], homes: Mapping[str, str]) -> set[tuple[str, str]]:
    """Type of a component to the types that depend on it."""
    types = {each.urn: each.type for each in registered}
    # A provider has dependencies, and so has every resource of it.
    through = {each.urn: each.dependencies for each in registered if each.type.startswith("pulumi:providers:")}
    found = {
        (types[homes[urn]], types[homes[each.urn]])
        for each in registered
        if each.urn in homes
        for urn in each.dependencies | through.get(each.provider.rpartition("::")[0], frozenset())
        if urn in homes
    }
    return {(before, after) for before, after in found if before != after}


def _reduced(edges: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Without indirect edges."""
    return {edge for edge in edges if not _reaches(edges - {edge}, *edge)}


def _reaches(edges: set[tuple[str, str]], start: str, end: str) -> bool:
    seen, ahead = {start}, [start]
    while ahead:
        here = ahead.pop()
        following = {after for before, after in edges if before == here} - seen
        seen |= following
        ahead += following
    return end in seen


def _name(token: str) -> str:
    return token.split(":")[2]


def _title(token: str, number: int) -> str:
    return _name(token) + (f" x {number}" if number > 1 else "")


def _count(number: int) -> str:
    return f"{number} resource{'s' if number != 1 else ''}"

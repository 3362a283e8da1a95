"""What the changelog announces: lines under "Effect on existing stacks" that a program can read.

    - **replaces** `aws:eks/nodeGroup:NodeGroup gpu-*` in dev, prod: why, and what a user does about it
    - **deletes** `kubernetes:core/v1:ConfigMap *-old`: …

A type and a name, both patterns; without stacks, of every stack.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from llmplatform_sandbox.diff.plan import Plan, ResourceChange

_VERSION = re.compile(r"^## \[?(?P<version>[^\]\s]+)")
_LINE = re.compile(
    r"^- \*\*(?P<word>replaces|deletes)\*\* `(?P<type>\S+) (?P<name>[^`]+)`(?: in (?P<stacks>[\w, -]+?))?: \S.*$"
)
_WORDS = {"replaces": "replace", "deletes": "delete"}
HEADING = "### Effect on existing stacks"


@dataclass(frozen=True, kw_only=True)
class Announcement:
    """One line."""

    op: str
    type: str
    name: str
    stacks: tuple[str, ...]
    """Empty for all."""

    def covers(self, stack: str, change: ResourceChange) -> bool:
        """Whether the line speaks of this change."""
        return (
            change.op == self.op
            and (not self.stacks or stack in self.stacks)
            and fnmatchcase(change.type, self.type)
            and fnmatchcase(change.name, self.name)
        )


def announcements(changelog: str, since: str) -> list[Announcement]:
    """What the versions after `since` announce. Raises `ValueError` on a line that looks like one and is none."""
    found: list[Announcement] = []
    section = ""
    for line in changelog.splitlines():
        version = _VERSION.match(line)
        if version and version["version"] == since:
            return found
        if line.startswith("#"):
            section = line.strip()
        if section != HEADING or not line.startswith("- **"):
            continue
        match = _LINE.match(line)
        if match is None:
            raise ValueError(f"CHANGELOG.md: {line!r}: write - **replaces** `TYPE NAME` in STACK, STACK: why")
        stacks = tuple(name.strip() for name in (match["stacks"] or "").split(",") if name.strip())
        found.append(Announcement(op=_WORDS[match["word"]], type=match["type"], name=match["name"], stacks=stacks))
    # The version is not released yet: nothing comes after it.
    return []


def unannounced(plan: Plan, stack: str, announced: Iterable[Announcement]) -> list[ResourceChange]:
    """The replacements and deletions of a plan that no line speaks of."""
    lines = list(announced)
    return [
        one
        for one in plan.changes
        if one.op in ("replace", "delete") and not any(line.covers(stack, one) for line in lines)
    ]

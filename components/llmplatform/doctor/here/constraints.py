"""Version constraints of charts: `>=1.25.0-0`, `^1.21`, `>= 1.20 < 1.40`, alternatives by `||`.

Source: the documentation of Masterminds/semver, by which Helm reads `kubeVersion`. Only the minor of a cluster is
known: a constraint admits it if it admits one of its patches.
"""

import re

_TERM = re.compile(
    r"(?P<operator>>=|<=|!=|=|>|<|\^|~)?\s*v?(?P<major>\d+)(?:\.(?P<minor>\d+|x|\*))?(?:\.(?P<patch>\d+|x|\*))?\S*"
)
_LAST = 10**6
"""Stands for the last patch of a minor."""


def admits(constraint: str, minor: str) -> bool:
    """Whether a constraint admits a minor. An empty or unreadable one admits all."""
    first, _, second = minor.partition(".")
    wanted = int(first), int(second)
    return not constraint.strip() or any(_all(part, wanted) for part in constraint.split("||"))


def _all(part: str, wanted: tuple[int, int]) -> bool:
    return all(_holds(term, wanted) for term in _TERM.finditer(re.sub(r"([<>=^~!])\s+", r"\1", part)))


def _holds(term: re.Match[str], wanted: tuple[int, int]) -> bool:
    major, minor = int(term["major"]), _number(term["minor"])
    patch = _number(term["patch"])
    at = (major, minor or 0, patch or 0)
    first, last = (*wanted, 0), (*wanted, _LAST)
    match term["operator"]:
        case ">=":
            return last >= at
        case ">":
            return last > at if minor is not None else wanted[0] > major
        case "<=":
            return first <= (major, _LAST if minor is None else minor, _LAST if patch is None else patch)
        case "<":
            return first < at
        case "^":
            return last >= at and wanted[0] == major
        case "!=":
            return True  # Another patch of the same minor remains.
        case _:
            return wanted[0] == major and (minor is None or wanted[1] == minor)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None

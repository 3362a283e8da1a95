"""The rights that checks and sweeping need, as a policy: made of the actions that each of them declares."""

import json
from collections.abc import Iterable

_FREE = frozenset({"sts:GetCallerIdentity"})
"""Actions that anybody may ask."""


def granted(actions: Iterable[str]) -> list[str]:
    """Actions as a policy has them: each once, by the service alone where it has two interfaces."""
    return sorted({action.replace("/classic:", ":") for action in actions} - _FREE)


def iam_policy(actions: Iterable[str]) -> str:
    """A policy of IAM. Its actions list and describe, which knows no resources, or name what is found by a tag."""
    statement = {"Effect": "Allow", "Action": granted(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=2)


def ram_policy(actions: Iterable[str]) -> str:
    """A policy of RAM, whose language has version 1."""
    statement = {"Effect": "Allow", "Action": granted(actions), "Resource": "*"}
    return json.dumps({"Version": "1", "Statement": [statement]}, indent=2)

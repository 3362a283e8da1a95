"""The rights for checks and sweeping, as a policy of the actions that they declare."""

import json
from collections.abc import Iterable

_FREE = frozenset({"sts:GetCallerIdentity"})
"""Actions that need no right."""


def granted(actions: Iterable[str]) -> list[str]:
    """Actions in a policy's form: each once, with a single prefix for services that have two interfaces."""
    return sorted({action.replace("/classic:", ":") for action in actions} - _FREE)


def iam_policy(actions: Iterable[str]) -> str:
    """A policy of IAM. Its actions list and describe, without resources, or name objects found by a tag."""
    statement = {"Effect": "Allow", "Action": granted(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=2)


def ram_policy(actions: Iterable[str]) -> str:
    """A policy of RAM, whose language has version 1."""
    statement = {"Effect": "Allow", "Action": granted(actions), "Resource": "*"}
    return json.dumps({"Version": "1", "Statement": [statement]}, indent=2)

"""IAM policy documents: typed statements that refuse wildcards, and their JSON.

`Statement` is for identity policies. Trust and key policies, which name principals, are small and stand beside their
use; `document` renders them all in one form, so that a second run has no difference.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z0-9]+")

Conditions = Mapping[str, Mapping[str, str | Sequence[str]]]
"""Operator to condition key to value: `{"StringEquals": {"aws:ResourceTag/team": "ml"}}`."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One permission. Raises ValueError for a wildcard without a reason."""

    sid: str
    """Letters and digits: the purpose of the permission."""
    actions: tuple[str, ...]
    """Each in full, as `service:Action`."""
    resources: tuple[str, ...] = ()
    """ARNs. Empty only if AWS supports no resource for the actions, and `any_resource_because` says so."""
    conditions: Conditions = field(default_factory=dict[str, Mapping[str, str | Sequence[str]]])
    any_resource_because: str = ""
    """Why AWS allows nothing narrower than every resource."""

    def __post_init__(self) -> None:
        vague = [action for action in self.actions if not _ACTION.fullmatch(action)]
        if vague or not self.actions:
            raise ValueError(f"{self.sid}: {', '.join(vague) or 'no action'}; name each action in full, without '*'")
        if "*" in self.resources:
            raise ValueError(f"{self.sid}: resource '*'; name the ARNs, or leave resources empty and say why")
        if bool(self.resources) == bool(self.any_resource_because):
            raise ValueError(f"{self.sid}: give either resources or any_resource_because")

    def render(self) -> dict[str, object]:
        """The statement in IAM's form."""
        rendered: dict[str, object] = {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": list(self.actions),
            "Resource": list(self.resources) or "*",
        }
        return {**rendered, "Condition": self.conditions} if self.conditions else rendered


def document(*statements: Statement | Mapping[str, object]) -> str:
    """JSON of a policy."""
    rendered = [each.render() if isinstance(each, Statement) else dict(each) for each in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": rendered})


def trust(service: str, *, conditions: Conditions | None = None, tag_session: bool = False) -> str:
    """Trust policy that lets one AWS service assume a role."""
    statement: dict[str, object] = {
        "Sid": "Assume",
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": ["sts:AssumeRole", *(["sts:TagSession"] if tag_session else [])],
    }
    return document({**statement, "Condition": conditions} if conditions else statement)


def managed(partition: str, path: str) -> str:
    """ARN of a policy that AWS manages, e.g. `service-role/AmazonEBSCSIDriverPolicy`."""
    return f"arn:{partition}:iam::aws:policy/{path}"

"""Statements of identity policies, which refuse wildcards. AWS and Alibaba Cloud write them alike."""

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

    sid: str = ""
    """Letters and digits; says what the permission is for. Empty: the statement has none."""
    actions: tuple[str, ...]
    """Each one named in full, as `service:Action`."""
    resources: tuple[str, ...] = ()
    """ARNs. Empty only where the cloud lets the actions be limited to no resource, with `any_resource_because`."""
    conditions: Conditions = field(default_factory=dict[str, Mapping[str, str | Sequence[str]]])
    any_resource_because: str = ""
    """Why the cloud allows nothing narrower than every resource."""

    def __post_init__(self) -> None:
        named = self.sid or ", ".join(self.actions)
        vague = [action for action in self.actions if not _ACTION.fullmatch(action)]
        if vague or not self.actions:
            raise ValueError(f"{named}: {', '.join(vague) or 'no action'}; name each action in full, without '*'")
        if "*" in self.resources:
            raise ValueError(f"{named}: resource '*'; name the ARNs, or leave resources empty and say why")
        if bool(self.resources) == bool(self.any_resource_because):
            raise ValueError(f"{named}: give either resources or any_resource_because")

    def render(self) -> dict[str, object]:
        """The statement as a policy has it."""
        rendered: dict[str, object] = {
            **({"Sid": self.sid} if self.sid else {}),
            "Effect": "Allow",
            "Action": list(self.actions),
            "Resource": list(self.resources) or "*",
        }
        return {**rendered, "Condition": self.conditions} if self.conditions else rendered


def document(version: str, statements: Sequence[Statement | Mapping[str, object]]) -> str:
    """JSON of a policy, the same in every run. `version` is that of the cloud's policy language."""
    rendered = [each.render() if isinstance(each, Statement) else dict(each) for each in statements]
    return json.dumps({"Version": version, "Statement": rendered})

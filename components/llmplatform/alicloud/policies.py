"""RAM policy documents: typed statements that refuse wildcards, and their JSON.

`Statement` is for policies that grant; `trust` makes the policy that says who may assume a role. `document` renders
both in one form, so that a second run has no difference.
Source: "Policy elements" and "Policy structure and syntax", RAM documentation. The version of the language is "1".
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z0-9]+")

Conditions = Mapping[str, Mapping[str, str | Sequence[str]]]
"""Operator to condition key to value: `{"StringEquals": {"acs:ResourceTag/team": "ml"}}`."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One permission. Raises ValueError for a wildcard without a reason."""

    actions: tuple[str, ...]
    """Each in full, as `service:Action`."""
    resources: tuple[str, ...] = ()
    """ARNs (`acs:oss:*:*:bucket/*`). Empty only if the actions support no resource, and `any_resource_because` says
    so."""
    conditions: Conditions = field(default_factory=dict[str, Mapping[str, str | Sequence[str]]])
    any_resource_because: str = ""
    """Why RAM allows nothing narrower than every resource."""

    def __post_init__(self) -> None:
        vague = [action for action in self.actions if not _ACTION.fullmatch(action)]
        if vague or not self.actions:
            raise ValueError(f"{', '.join(vague) or 'no action'}; name each action in full, without '*'")
        named = ", ".join(self.actions)
        if "*" in self.resources:
            raise ValueError(f"{named}: resource '*'; name the ARNs, or leave resources empty and say why")
        if bool(self.resources) == bool(self.any_resource_because):
            raise ValueError(f"{named}: give either resources or any_resource_because")

    def render(self) -> dict[str, object]:
        """The statement in RAM's form."""
        rendered: dict[str, object] = {
            "Effect": "Allow",
            "Action": list(self.actions),
            "Resource": list(self.resources) or "*",
        }
        return {**rendered, "Condition": self.conditions} if self.conditions else rendered


def document(*statements: Statement | Mapping[str, object]) -> str:
    """JSON of a policy."""
    rendered = [each.render() if isinstance(each, Statement) else dict(each) for each in statements]
    return json.dumps({"Version": "1", "Statement": rendered})


def trust(provider_arn: str, issuer_url: str, *, namespace: str, service_account: str) -> str:
    """Trust policy that lets one service account of one cluster assume a role, with its own token (RRSA)."""
    statement: dict[str, object] = {
        "Effect": "Allow",
        "Principal": {"Federated": [provider_arn]},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {
                "oidc:aud": "sts.aliyuncs.com",
                "oidc:iss": issuer_url,
                "oidc:sub": f"system:serviceaccount:{namespace}:{service_account}",
            }
        },
    }
    return document(statement)

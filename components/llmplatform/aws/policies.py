"""IAM policy documents.

`Statement` is for identity policies. Trust and key policies, which name principals, are small and stand where they are
used; `document` renders them all the same way.
"""

from collections.abc import Mapping

from llmplatform.base import policies
from llmplatform.base.policies import Conditions, Statement

__all__ = ["Conditions", "Statement", "document", "managed", "trust"]


def document(*statements: Statement | Mapping[str, object]) -> str:
    """JSON of a policy."""
    return policies.document("2012-10-17", statements)


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

"""RAM policy documents: `Statement` for policies that grant, `trust` for the policy of a role.

Source: "Policy elements" and "Policy structure and syntax", RAM documentation. The version of the language is "1".
"""

from collections.abc import Mapping

from llmplatform.base import policies
from llmplatform.base.policies import Statement

__all__ = ["Statement", "document", "trust"]


def document(*statements: Statement | Mapping[str, object]) -> str:
    """JSON of a policy."""
    return policies.document("1", statements)


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

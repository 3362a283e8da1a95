"""Lints RAM policy documents. No library knows Alibaba Cloud's actions, so the few that we grant are listed here.

Source of the table: "RAM Policy" of OSS, "Actions that can be used in policies" (actions and what each applies to);
"RAM authorization" of each action, Alibaba Cloud DNS and KMS API references.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

ARN = re.compile(r"acs:(?P<service>[a-z]+):(?P<region>[a-z0-9-]+|\*):(?P<account>\d{16}|\*):(?P<resource>.+)")

ACTIONS: dict[str, str] = {
    "oss:ListObjects": "bucket",
    "oss:GetBucketInfo": "bucket",
    "oss:ListMultipartUploads": "bucket",
    "oss:GetObject": "object",
    "oss:PutObject": "object",
    "oss:DeleteObject": "object",
    "oss:AbortMultipartUpload": "object",
    "oss:ListParts": "object",
    "kms:Decrypt": "key",
    "alidns:AddDomainRecord": "domain",
    "alidns:DeleteDomainRecord": "domain",
    "alidns:DescribeDomainRecords": "domain",
}
"""Action to the kind of resource that it applies to."""

SHAPES = {"bucket": r"[^/]+", "object": r"[^/]+/.+", "domain": r"domain/[a-z0-9.-]+", "key": r"key/[a-z0-9-]+"}
"""Kind of resource to how an ARN ends that names one."""

REASONS: dict[str, str] = {}
"""Actions that know no resource, with the reason: only these may stand with '*'."""


def findings(policy: str) -> list[str]:
    """What is wrong with a policy that grants, one line each: unknown actions, wildcards, mismatched resources."""
    document = json.loads(policy)
    found = [] if document["Version"] == "1" else [f"version {document['Version']}; RAM's language has version 1"]
    for statement in document["Statement"]:
        found += _statement(statement)
    return sorted(found)


def trust_findings(policy: str, account: str) -> list[str]:
    """Faults of a trust policy: it admits more than one service account of one cluster."""
    document = json.loads(policy)
    found = [] if document["Version"] == "1" else [f"version {document['Version']}; RAM's language has version 1"]
    for statement in document["Statement"]:
        providers = statement.get("Principal", {}).get("Federated", [])
        if set(statement.get("Principal", {})) != {"Federated"} or len(providers) != 1:
            found.append("assumed by another principal than a cluster's service account")
        if any(not re.fullmatch(rf"acs:ram::{account}:oidc-provider/ack-rrsa-\S+", each) for each in providers):
            found.append("taken by a cluster of another account")
        equals = statement.get("Condition", {}).get("StringEquals", {})
        if equals.get("oidc:aud") != "sts.aliyuncs.com":
            found.append("token may be meant for another audience")
        if not equals.get("oidc:iss", "").startswith("https://"):
            found.append("token may come from another issuer")
        if not re.fullmatch(r"system:serviceaccount:[a-z0-9-]+:[a-z0-9-]+", equals.get("oidc:sub", "")):
            found.append("not limited to one service account")
    return sorted(found)


def _statement(statement: dict[str, Any]) -> Iterator[str]:
    resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
    for action in statement["Action"]:
        if "*" in action:
            yield f"{action}: a wildcard; name each action"
        elif action not in ACTIONS:
            yield f"{action}: unknown; add it to the table with its source"
        elif "*" in resources and action not in REASONS:
            yield f"{action}: on every resource, without a reason"
        else:
            yield from _mismatches(action, resources)


def _mismatches(action: str, resources: list[str]) -> Iterator[str]:
    for resource in resources:
        arn = ARN.fullmatch(resource)
        if arn is None:
            yield f"{action}: {resource} is no ARN"
        elif arn["service"] != action.split(":", maxsplit=1)[0]:
            yield f"{action}: {resource} is of another service"
        elif arn["resource"].split("/")[0] == "*":
            yield f"{action}: {resource} is shared by all accounts"
        elif not re.fullmatch(SHAPES[ACTIONS[action]], arn["resource"]):
            yield f"{action}: applies to a {ACTIONS[action]}, which {resource} is not"

"""Service-linked roles of an account, the permissions boundary, and the default key for volumes.

Sources: "Using service-linked roles" in the user guides of EKS, EC2 Auto Scaling and EC2 (Spot Instances); "Required
AWS KMS key policy for use with encrypted volumes" in the user guide of EC2 Auto Scaling.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from llmplatform.doctor.checks import Absent, Ask, Check, Denied, Finding, NoAnswer, green, red, yellow
from llmplatform.doctor.gate import IDENTITY
from llmplatform.doctor.on_aws.caller import role_of
from llmplatform.doctor.wanted import Wanted
from llmplatform.specs.cloud import Aws

AUTOSCALING = "AWSServiceRoleForAutoScaling"
ROLES: Mapping[str, str] = {
    AUTOSCALING: "autoscaling.amazonaws.com",
    "AWSServiceRoleForAmazonEKS": "eks.amazonaws.com",
    "AWSServiceRoleForAmazonEKSNodegroup": "eks-nodegroup.amazonaws.com",
}
"""Service-linked roles that every environment needs, with their services."""
SPOT: Mapping[str, str] = {"AWSServiceRoleForEC2Spot": "spot.amazonaws.com"}
"""The same for pools with spot machines."""
_CREATE = "iam:CreateServiceLinkedRole"


def _linked_roles(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    spot = any(group.capacity == "spot" for pool in wanted.made for group in pool.groups)
    missing = [role for role in {**ROLES, **(SPOT if spot else {})} if not _exists(ask, role)]
    if not missing:
        yield green("every service-linked role exists")
        return
    services = {**ROLES, **SPOT}
    commands = "; ".join(
        f"`aws iam create-service-linked-role --aws-service-name {services[role]}`" for role in missing
    )
    decision = _may_create(ask)
    if decision == "allowed":
        yield green(f"{', '.join(missing)}: made when they are first needed")
    elif decision:
        yield red(
            f"{', '.join(missing)}: not there, and the credentials may not {_CREATE}",
            f"let an administrator run {commands}",
        )
    else:
        yield yellow(
            f"{', '.join(missing)}: not there; whether the credentials may make them is not known", f"run {commands}"
        )


def _exists(ask: Ask, role: str) -> bool:
    try:
        ask("iam:GetRole", RoleName=role)
    except Absent:
        return False
    return True


def _may_create(ask: Ask) -> str:
    """The result of a simulation, `allowed` or otherwise; empty if it cannot be called."""
    principal = role_of(ask(IDENTITY)["Arn"])
    if principal.endswith(":root"):
        return "allowed"
    try:
        if ":role/" in principal:
            # A session's ARN lacks the role's path, which the role's ARN has.
            principal = ask("iam:GetRole", RoleName=principal.rpartition("/")[2])["Role"]["Arn"]
        found = ask("iam:SimulatePrincipalPolicy", PolicySourceArn=principal, ActionNames=[_CREATE])
    except (Absent, Denied, NoAnswer):
        return ""
    return found["EvaluationResults"][0]["EvalDecision"]


def may_encrypt_nodes(policy: str, grants: Iterable[Mapping[str, Any]]) -> bool:
    """Whether Auto Scaling may use a key for the volumes of nodes: by the key's policy, or by a grant."""
    for grant in grants:
        if AUTOSCALING in grant.get("GranteePrincipal", "") and "CreateGrant" in grant.get("Operations", ()):
            return True
    for statement in _listed(json.loads(policy).get("Statement")):
        principal = statement.get("Principal")
        named = _listed(principal.get("AWS") if isinstance(principal, dict) else principal)
        actions = {str(action).lower() for action in _listed(statement.get("Action"))}
        if (
            statement.get("Effect") == "Allow"
            and any(AUTOSCALING in str(each) or each == "*" for each in named)
            and actions & {"kms:creategrant", "kms:create*", "kms:*", "*"}
        ):
            return True
    return False


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _volume_key(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    cloud = wanted.stack.cloud
    own = cloud.data_key if isinstance(cloud, Aws) else None
    key = own or ask("ec2:GetEbsDefaultKmsKeyId")["KmsKeyId"]
    whose = "cloud.data_key" if own else "the account's default key for volumes"
    if key.endswith("alias/aws/ebs"):
        yield green("volumes are encrypted with the key that AWS manages")
        return
    metadata = ask("kms:DescribeKey", KeyId=key)["KeyMetadata"]
    if metadata.get("KeyManager") == "AWS":
        yield green("volumes are encrypted with the key that AWS manages")
    elif metadata.get("KeyState", "Enabled") != "Enabled":
        yield red(
            f"{key}, {whose}, is {metadata['KeyState']}: no node can start",
            "enable it, or write another one" if own else "enable it, or `aws ec2 reset-ebs-default-kms-key-id`",
        )
    elif may_encrypt_nodes(
        ask("kms:GetKeyPolicy", KeyId=metadata["KeyId"], PolicyName="default")["Policy"],
        ask("kms:ListGrants", KeyId=metadata["KeyId"])["Grants"],
    ):
        yield green(f"{key} encrypts volumes, and Auto Scaling may use it")
    else:
        yield red(
            f"{key}, {whose}, is not open to {AUTOSCALING}: nodes end at their launch "
            "with Client.InvalidKMSKey.InvalidState",
            'add the two statements of "Required AWS KMS key policy for use with encrypted volumes" (user guide of '
            "EC2 Auto Scaling) to the key's policy, and allow kms:CreateGrant to the EBS driver's role",
        )


def _boundary(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    cloud = wanted.stack.cloud
    boundary = cloud.permissions_boundary if isinstance(cloud, Aws) else None
    if boundary is None:
        yield green("no boundary")
        return
    try:
        ask("iam:GetPolicy", PolicyArn=boundary)
    except Absent:
        yield red(f"there is no policy {boundary}: no role can be made", "write one that `aws iam list-policies` shows")
    else:
        yield green(f"{boundary} is there")


CHECKS = (
    Check(
        name="boundary",
        title="the boundary of roles",
        finds="the first role is refused",
        actions=("iam:GetPolicy",),
        provider="aws",
        run=_boundary,
    ),
    Check(
        name="service-roles",
        title="service-linked roles",
        finds="a group of nodes cannot be made",
        actions=("iam:GetRole", "iam:SimulatePrincipalPolicy", IDENTITY),
        provider="aws",
        run=_linked_roles,
    ),
    Check(
        name="volume-key",
        title="the key of volumes: `cloud.data_key`, or the account's default",
        finds="every node ends at its launch",
        actions=("ec2:GetEbsDefaultKmsKeyId", "kms:DescribeKey", "kms:GetKeyPolicy", "kms:ListGrants"),
        provider="aws",
        run=_volume_key,
    ),
)

"""Whose credentials these are. Whoever makes a cluster of ACK administers it, whether the stack file says so or not.

Source: STS API reference, GetCallerIdentity; ECS API reference, DescribeAccountAttributes (real-name registration).
"""

from collections.abc import Iterator

from llmplatform.doctor.checks import Ask, Check, Finding, NoAnswer, green, red
from llmplatform.doctor.wanted import Wanted

IDENTITY = "sts:GetCallerIdentity"
ATTRIBUTES = "ecs:DescribeAccountAttributes"


def _account(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    try:
        found = ask(IDENTITY)
    except NoAnswer as error:
        yield red(f"the credentials do not work: {error}", "log in again: `aliyun sts GetCallerIdentity` has to work")
        return
    expected = wanted.stack.cloud.account_id
    if str(found["AccountId"]) == expected:
        yield green(f"account {expected}, as {found['Arn']}")
    else:
        yield red(
            f"the credentials are of account {found['AccountId']}, and cloud.account_id is {expected}",
            "log in to that account, or write the other one into the stack file",
        )


def attributes(ask: Ask, region: str) -> dict[str, str]:
    """The first value of each attribute of the account in a region."""
    items = ask(ATTRIBUTES, RegionId=region)["AccountAttributeItems"]["AccountAttributeItem"]
    found: dict[str, str] = {}
    for item in items:
        values = item.get("AttributeValues", {}).get("ValueItem") or ()
        if values and values[0].get("Value") is not None:
            found[item["AttributeName"]] = str(values[0]["Value"])
    return found


def _registered(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    region = wanted.stack.cloud.region
    said = attributes(ask, region).get("real-name-authentication", "")
    if not region.startswith("cn-") or region == "cn-hongkong":
        yield green("regions outside the Chinese mainland want no registration by name")
    elif said.lower() in ("no", "false", "none", "unauthenticated", "0"):
        yield red(
            "the account's owner is not registered by name: no machine can be bought in the Chinese mainland",
            "complete the real-name registration in the account centre",
        )
    else:
        yield green(f"registration by name: {said or 'nothing against it'}")


CHECKS = (
    Check(
        name="account",
        title="credentials and account",
        finds="nothing of the account can be asked, or it is another one",
        actions=(IDENTITY,),
        provider="alicloud",
        gate=True,
        run=_account,
    ),
    Check(
        name="real-name",
        title="registration of the account's owner by name",
        finds="no machine can be bought in the Chinese mainland",
        actions=(ATTRIBUTES,),
        provider="alicloud",
        run=_registered,
    ),
)

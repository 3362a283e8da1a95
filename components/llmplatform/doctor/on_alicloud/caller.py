"""Checks of the caller and the account's owner. The identity that creates an ACK cluster always administers it.

Source: ECS API reference, DescribeAccountAttributes (real-name registration).
"""

from collections.abc import Iterator

from llmplatform.doctor.checks import Ask, Check, Finding, green, red
from llmplatform.doctor.gate import gate
from llmplatform.doctor.wanted import Wanted

ATTRIBUTES = "ecs:DescribeAccountAttributes"


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
    gate("alicloud"),
    Check(
        name="real-name",
        title="registration of the account's owner by name",
        finds="no machine can be bought in the Chinese mainland",
        actions=(ATTRIBUTES,),
        provider="alicloud",
        run=_registered,
    ),
)

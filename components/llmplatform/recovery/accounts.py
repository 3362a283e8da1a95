"""Opens the account of a provider in the state, and refuses any other."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from llmplatform.recovery.alicloud import AlicloudAccount
from llmplatform.recovery.aws import AwsAccount
from llmplatform.recovery.survey import Account, Unknown


def open_account(package: str, provider: Mapping[str, Any], numbers: Sequence[str]) -> Account:
    """The account of a provider resource. `numbers`: the accounts that it may be; any, if empty.

    Raises `Unknown` without the SDK, the region or credentials, and for credentials of another account: the stack's
    objects are not there, and all would seem missing.
    """
    region = provider.get("region")
    if not region:
        raise Unknown(f"{package}: its provider in the state names no region; run `pulumi up` to write one")
    try:
        account = (
            AwsAccount(region, provider.get("profile"), _roles(provider))
            if package == "aws"
            else AlicloudAccount(region, provider.get("profile"))
        )
    except ImportError as error:
        raise Unknown(
            f"{package}: {error.name} is missing; install llmplatform with its extra `recover`, as docs/recovering.md "
            "says; in a checkout `make setup` does, and .venv/bin/llmplatform has it"
        ) from error
    number = account.number()
    if numbers and number not in numbers:
        raise Unknown(
            f"{package}: the credentials are of account {number}, and the stack is in {' or '.join(numbers)}; "
            "log in to that account"
        )
    return account


def _roles(provider: Mapping[str, Any]) -> list[str]:
    """Roles that the provider assumes. A provider's inputs are texts: a list is kept as its JSON."""
    given = provider.get("assumeRoles") or []
    listed = json.loads(given) if isinstance(given, str) else given
    return [each["roleArn"] for each in listed if each.get("roleArn")]

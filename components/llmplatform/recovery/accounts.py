"""Opens the account that a provider of the state works in, and no other."""

import json
from collections.abc import Mapping
from typing import Any

from llmplatform.recovery.alicloud import AlicloudAccount
from llmplatform.recovery.aws import AwsAccount
from llmplatform.recovery.survey import Account, Unknown


def open_account(package: str, provider: Mapping[str, Any]) -> Account:
    """The account of a provider resource.

    Raises `Unknown` without the SDK, the region or credentials, and for credentials of an account that the provider
    would refuse: nothing of the stack is there, and all would seem never made.
    """
    region = provider.get("region")
    if not region:
        raise Unknown(f"{package}: its provider in the state names no region; run `pulumi up` to write one")
    try:
        account = AwsAccount(region) if package == "aws" else AlicloudAccount(region)
    except ImportError as error:
        raise Unknown(f"{package}: {error.name} is missing; pip install 'llmplatform[recover]'") from error
    allowed = _allowed(provider)
    number = account.number()
    if allowed and number not in allowed:
        raise Unknown(
            f"{package}: the credentials are of account {number}, and the stack is in {' or '.join(allowed)}; "
            "log in to that account"
        )
    return account


def _allowed(provider: Mapping[str, Any]) -> list[str]:
    """Numbers of the accounts that a provider works in. Engines keep lists of a provider as JSON."""
    given = provider.get("allowedAccountIds") or provider.get("accountId") or []
    if isinstance(given, str) and given.startswith("["):
        given = json.loads(given)
    return [given] if isinstance(given, str) else [str(each) for each in given]

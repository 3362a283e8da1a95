"""The RAM roles that an account's owner authorises once, in the console, so that ACK can use them.

They exist unless the fault `role-unauthorised` removes one. It is partly unverified which request needs which role.
"""

from collections.abc import Mapping

from llmplatform_sandbox.cloud.account import Account
from llmplatform_sandbox.cloud.alicloud.offered import roles
from llmplatform_sandbox.cloud.requests import CloudError

ROLES: Mapping[str, str] = {name: role.purpose for name, role in roles().items()}
"""Role → what fails without it."""


def require(account: Account, role: str, what: str) -> None:
    """Raises CloudError if the role was never authorised."""
    if account.faults.active("role-unauthorised", role):
        raise CloudError(
            f"ErrRoleNotAuthorized: {what} needs the service role {role} ({ROLES[role]}); authorise it once at "
            "https://ram.console.aliyun.com/role/authorization"
        )

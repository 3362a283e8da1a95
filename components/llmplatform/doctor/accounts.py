"""Opens a stack's account for the checks."""

from dataclasses import dataclass

from llmplatform.doctor.checks import Ask, NoAnswer
from llmplatform.doctor.gate import CALLERS
from llmplatform.doctor.on_alicloud.account import AlicloudAccount
from llmplatform.doctor.on_aws.account import AwsAccount
from llmplatform.doctor.wanted import Wanted
from llmplatform.specs.cloud import Aws


@dataclass(frozen=True)
class Opened:
    """An account, or the reason why there is none."""

    ask: Ask | None
    why: str = ""


def open_account(wanted: Wanted) -> Opened:
    """The account by the credentials that its SDK finds. Makes no call yet."""
    cloud = wanted.stack.cloud
    try:
        account = (
            AwsAccount(cloud.region, cloud.profile, cloud.assume_role)
            if isinstance(cloud, Aws)
            else AlicloudAccount(cloud.region, cloud.profile)
        )
    except NoAnswer as error:
        return Opened(None, str(error))
    except ImportError as error:
        return Opened(None, f"{error.name} is missing: install llmplatform with its extra `recover`")
    if not account.has_credentials() and cloud.provider == "alicloud" and cloud.profile:
        return Opened(
            None,
            f"no credentials in the profile {cloud.profile}; make it work with `aliyun configure --profile "
            f"{cloud.profile}`, or write another of `aliyun configure list` into cloud.profile",
        )
    if not account.has_credentials():
        return Opened(None, f"no credentials; log in until {CALLERS[cloud.provider].login} works, and run it again")
    return Opened(account)

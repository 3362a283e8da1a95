"""The first check: the credentials work, and belong to the stack's account. Else no other check runs.

Source: GetCallerIdentity in the STS API references of AWS and of Alibaba Cloud.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from llmplatform.doctor.checks import Absent, Ask, Check, Denied, Finding, NoAnswer, green, red
from llmplatform.doctor.wanted import Wanted
from llmplatform.specs.cloud import Aws

IDENTITY = "sts:GetCallerIdentity"


@dataclass(frozen=True, kw_only=True)
class Caller:
    """How a cloud identifies the caller."""

    number: str
    """Key of the answer with the account's number."""
    login: str
    """Command that must work."""


CALLERS = {
    "aws": Caller(number="Account", login="`aws sts get-caller-identity`"),
    "alicloud": Caller(number="AccountId", login="`aliyun sts GetCallerIdentity`"),
}


def caller_finding(wanted: Wanted, ask: Ask, principal: Callable[[str], str] = str) -> Finding:
    """Whether the credentials work, and belong to the stack's account. `principal`: the principal of a caller's ARN."""
    cloud = wanted.stack.cloud
    expected, caller = cloud.account_id, CALLERS[cloud.provider]
    try:
        found = ask(IDENTITY)
    except (Absent, Denied, NoAnswer) as error:
        role = cloud.assume_role if isinstance(cloud, Aws) else None
        taken = f", and its caller has to be allowed sts:AssumeRole of {role}" if role else ""
        way = "; where nothing answered, look at the network and its proxy" if isinstance(error, NoAnswer) else ""
        return red(f"the credentials do not work: {error}", f"log in again: {caller.login} has to work{taken}{way}")
    number = str(found[caller.number])
    if number == expected:
        return green(f"account {expected}, as {principal(found['Arn'])}")
    return red(
        f"the credentials are of account {number}, and cloud.account_id is {expected}",
        "log in to that account, or write the other one into the stack file",
    )


def gate(provider: Literal["aws", "alicloud"], principal: Callable[[str], str] = str) -> Check:
    """The check that precedes all others of an account."""

    def run(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
        yield caller_finding(wanted, ask, principal)

    return Check(
        name="account",
        title="credentials and account",
        finds="nothing of the account can be asked, or it is another one",
        actions=(IDENTITY,),
        provider=provider,
        gate=True,
        run=run,
    )

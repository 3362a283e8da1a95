"""Checks of an AWS account against answers that have the shapes of botocore's models."""

from typing import Any

from llmplatform.checks import parse
from llmplatform.checks.files import read
from llmplatform.doctor import known
from llmplatform.doctor.checks import Result
from llmplatform.doctor.wanted import Wanted
from support.doctor import recorded
from support.doctor.doctor_proofs import Proofs
from support.stack_settings import ROOT

ROLE = "arn:aws:iam::444455556666:role/platform-deploy"
SESSION = "arn:aws:sts::444455556666:assumed-role/platform-deploy/github"
CHECKS = {check.name: check for check in known.AWS}


def wanted(stack: str = "prod", **changes: Any) -> Wanted:
    """A committed stack, changed by `section__key=value`."""
    raw = read(ROOT / f"Pulumi.{stack}.yaml")
    for path, value in changes.items():
        *sections, last = path.split("__")
        place = raw
        for section in sections:
            place = place[section]
        place[last] = value
    return Wanted(stack, parse(raw), ROOT)


AWS = Proofs(recorded.aws, wanted)


def ran(name: str, of: Wanted | None = None, **answers: Any) -> Result:
    """A check's result with those answers."""
    return AWS.ran(CHECKS[name], of, **answers)


def identity(arn: str = SESSION, account: str = "444455556666") -> dict[str, Any]:
    """Whose credentials these are."""
    return {"Account": account, "Arn": arn, "UserId": "AROAEXAMPLE", "ResponseMetadata": {"HTTPHeaders": {}}}

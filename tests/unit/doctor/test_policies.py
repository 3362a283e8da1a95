"""The rights that the documentation names are the ones that checks and sweeping ask for, and exist.

AWS: the operations of botocore's models, and parliament's copy of the service authorization reference.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from support import iam_linter
from support.doctor import recorded
from support.stack_settings import ROOT

from llmplatform.doctor import known
from llmplatform.doctor.policies import granted, iam_policy, ram_policy
from llmplatform.sweep.stacks import ALICLOUD, AWS, CLOUDS

READS = ("Describe", "Get", "List", "Check", "Simulate")
NEWER = {"eks:DescribeClusterVersions"}
"""Actions that are newer than parliament's copy; botocore has the operations."""


def asked(checks: Iterable[known.Check]) -> list[str]:
    return [action for check in checks for action in check.actions]


def test_the_checks_only_read() -> None:
    actions = asked(known.ALL) + [action for kind in (*AWS, *ALICLOUD) for action in kind.finds]
    actions += [action for cloud in CLOUDS.values() for action in cloud.exists]
    assert [action for action in actions if not action.partition(":")[2].startswith(READS)] == []


def test_every_action_of_aws_is_an_operation_of_its_service() -> None:
    for action in {*asked(known.AWS), *(each for kind in AWS for each in (*kind.finds, *kind.deletes))}:
        assert recorded.operation(action).name == action.rpartition(":")[2]


def test_every_action_of_alibaba_cloud_is_on_record() -> None:
    for action in {*asked(known.ALICLOUD), *(each for kind in ALICLOUD for each in (*kind.finds, *kind.deletes))}:
        assert action in recorded.SHAPES


def test_the_policies_hold_against_the_service_authorization_reference() -> None:
    actions = [*asked(known.AWS), *(each for kind in AWS for each in (*kind.finds, *kind.deletes))]
    policy = json.loads(iam_policy(actions))
    [statement] = policy["Statement"]
    statement["Action"] = [action for action in statement["Action"] if action not in NEWER]
    told = [each for each in iam_linter.findings(json.dumps(policy)) if "UNKNOWN" in each]
    assert told == []


def test_an_action_is_granted_once_and_by_its_service() -> None:
    assert granted(["elasticloadbalancing/classic:DescribeTags", "elasticloadbalancing:DescribeTags"]) == [
        "elasticloadbalancing:DescribeTags"
    ]
    assert granted(["sts:GetCallerIdentity"]) == []
    assert json.loads(ram_policy(["ecs:DescribeZones"]))["Version"] == "1"


def test_the_page_has_every_check_and_every_kind() -> None:
    page = Path(ROOT / "docs/reference/checks.md").read_text()
    for name in (*known.names_of(), *(kind.name for kind in (*AWS, *ALICLOUD))):
        assert f"| `{name}` |" in page

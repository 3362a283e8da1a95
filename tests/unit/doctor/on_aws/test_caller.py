"""Whose credentials these are: each check red once with its remedy, and green where all is well."""

from collections.abc import Mapping

import pytest
from support.doctor.aws_doctor import AWS, ROLE, SESSION, identity
from support.doctor.doctor_proofs import Proof, named

from llmplatform.doctor.checks import Check
from llmplatform.doctor.on_aws import caller

PROOFS: Mapping[str, Proof] = {
    "account": Proof(
        red={"GetCallerIdentity": identity(account="999900001111")},
        text="the credentials are of account 999900001111, and cloud.account_id is 444455556666",
        remedy="log in to that account",
        green={"GetCallerIdentity": identity()},
    ),
    "admins": Proof(
        red={"GetCallerIdentity": identity("arn:aws:iam::444455556666:user/alice")},
        text="arn:aws:iam::444455556666:user/alice is not in cluster.admins",
        remedy="add it to cluster.admins",
        green={"GetCallerIdentity": identity()},
    ),
    "clock": Proof(
        red={
            "GetCallerIdentity": {
                **identity(),
                "ResponseMetadata": {"HTTPHeaders": {"date": "Sun, 29 Nov 2020 21:35:16 GMT"}},
            }
        },
        text="ahead of the account's",
        remedy="timedatectl",
        green={"GetCallerIdentity": identity()},
    ),
}


@pytest.mark.parametrize("check", caller.CHECKS, ids=named)
def test_each_check_is_red_once_with_its_remedy(check: Check) -> None:
    AWS.shows_red(check, PROOFS[check.name])


@pytest.mark.parametrize("check", caller.CHECKS, ids=named)
def test_a_check_is_green_where_all_is_well(check: Check) -> None:
    AWS.shows_green(check, PROOFS[check.name])


@pytest.mark.parametrize("check", [each for each in caller.CHECKS if not each.gate], ids=named)
def test_what_the_credentials_may_not_ask_is_yellow_with_the_missing_action(check: Check) -> None:
    AWS.shows_what_is_denied(check, PROOFS[check.name])


def test_a_session_is_the_administrator_whose_role_it_is_whatever_the_path() -> None:
    admins = ("arn:aws:iam::444455556666:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123456789abcdef",)
    session = "arn:aws:sts::444455556666:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/alice@example.org"
    assert caller.is_admin(session, admins) == admins[0]
    assert caller.is_admin(SESSION, admins) is None
    assert caller.is_admin(SESSION.replace("444455556666", "111122223333"), (ROLE,)) is None

"""Whose credentials these are on Alibaba Cloud: each check red once with its remedy."""

from collections.abc import Mapping

import pytest
from support.doctor.alicloud_doctor import ALICLOUD, PLENTY, attributes
from support.doctor.doctor_proofs import Proof, named

from llmplatform.doctor.checks import Check
from llmplatform.doctor.on_alicloud import caller

PROOFS: Mapping[str, Proof] = {
    "account": Proof(
        red={"GetCallerIdentity": {"AccountId": "9999000011112222", "Arn": "acs:ram::9999000011112222:user/alice"}},
        text="the credentials are of account 9999000011112222, and cloud.account_id is 5555666677778888",
        remedy="log in to that account",
        green={"GetCallerIdentity": {"AccountId": "5555666677778888", "Arn": "acs:ram::5555666677778888:role/deploy"}},
    ),
    "real-name": Proof(
        red={"DescribeAccountAttributes": attributes(real_name_authentication="no")},
        text="not registered by name",
        remedy="real-name registration",
        green={"DescribeAccountAttributes": PLENTY},
    ),
}


@pytest.mark.parametrize("check", caller.CHECKS, ids=named)
def test_each_check_is_red_once_with_its_remedy(check: Check) -> None:
    ALICLOUD.shows_red(check, PROOFS[check.name])


@pytest.mark.parametrize("check", caller.CHECKS, ids=named)
def test_a_check_is_green_where_all_is_well(check: Check) -> None:
    ALICLOUD.shows_green(check, PROOFS[check.name])


@pytest.mark.parametrize("check", [each for each in caller.CHECKS if not each.gate], ids=named)
def test_what_the_credentials_may_not_ask_is_yellow_with_the_missing_action(check: Check) -> None:
    ALICLOUD.shows_what_is_denied(check, PROOFS[check.name])

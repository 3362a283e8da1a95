"""Activated services and authorised roles: each check red once with its remedy."""

from collections.abc import Mapping
from typing import Any

import pytest
from support.doctor.alicloud_doctor import ALICLOUD, ran, wanted, with_key
from support.doctor.doctor_proofs import Proof, named

from llmplatform.catalog.preparation import steps
from llmplatform.doctor.checks import Absent, Check
from llmplatform.doctor.on_alicloud import activation


def role(*missing: str) -> Any:
    def answer(**parameters: Any) -> Any:
        name = parameters["RoleName"]
        return Absent("EntityNotExist.Role") if name in missing else {"Role": {"RoleName": name}}

    return answer


OPEN = {
    "DescribeAccountKmsStatus": {"AccountStatus": "Enabled"},
    "GetFlowLogServiceStatus": {"Enabled": True},
    "DescribeFileSystems": {"FileSystems": {"FileSystem": []}},
}


PROOFS: Mapping[str, Proof] = {
    "services": Proof(
        red={**OPEN, "GetFlowLogServiceStatus": {"Enabled": False}},
        text="VPC flow logs is not activated",
        remedy="let the account's owner activate it",
        green=OPEN,
    ),
    "service-roles": Proof(
        red={"GetRole": role("AliyunVPCLogArchiveRole", "AliyunCSManagedAcrRole")},
        text="2 of 17 roles of services are not authorised",
        remedy="https://ram.console.aliyun.com/role/authorization",
        green={"GetRole": role()},
    ),
}


@pytest.mark.parametrize("check", activation.CHECKS, ids=named)
def test_each_check_is_red_once_with_its_remedy(check: Check) -> None:
    ALICLOUD.shows_red(check, PROOFS[check.name])


@pytest.mark.parametrize("check", activation.CHECKS, ids=named)
def test_a_check_is_green_where_all_is_well(check: Check) -> None:
    ALICLOUD.shows_green(check, PROOFS[check.name])


@pytest.mark.parametrize("check", activation.CHECKS, ids=named)
def test_what_the_credentials_may_not_ask_is_yellow_with_the_missing_action(check: Check) -> None:
    ALICLOUD.shows_what_is_denied(check, PROOFS[check.name])


def test_services_are_asked_about_where_the_stack_needs_them() -> None:
    closed = {**OPEN, "DescribeAccountKmsStatus": {"AccountStatus": "NotEnabled"}}
    assert ran("services", with_key(None), **closed).level == "green"
    assert ran("services", with_key({"kind": "existing", "id": "key-hzz1234567890abcdefgh"}), **closed).level == "red"


def test_every_role_of_the_table_is_asked_for() -> None:
    asked: list[str] = []

    def answer(**parameters: Any) -> dict[str, Any]:
        asked.append(parameters["RoleName"])
        return {"Role": {"RoleName": parameters["RoleName"]}}

    of_postgres = {step.name for step in steps("alicloud") if step.needed == "services.mlflow.database"}
    ran("service-roles", wanted(services={}), GetRole=answer)
    assert of_postgres & {*asked} == set(), "that stack has no Postgres of ApsaraDB"
    ran("service-roles", GetRole=answer)
    assert {step.name for step in steps("alicloud") if step.kind == "role"} <= {*asked}

"""How an account of Alibaba Cloud is asked, and what its answers mean."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_credentials.exceptions import CredentialException
from support.doctor.alicloud_doctor import CHECKS, wanted, with_key
from support.stack_settings import ROOT
from Tea.exceptions import TeaException

from llmplatform.checks.files import read
from llmplatform.doctor import known
from llmplatform.doctor.accounts import Opened, open_account
from llmplatform.doctor.checks import Absent, Denied, NoAnswer
from llmplatform.doctor.on_alicloud.account import PATHS, SERVICES, AlicloudAccount
from llmplatform.doctor.running import run_account, run_check


def account(*answers: Any) -> AlicloudAccount:
    left = list(answers)

    def send(action: str, query: Mapping[str, Any], body: Any) -> Any:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return AlicloudAccount("cn-hangzhou", send=send)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (TeaException({"code": "Forbidden.RAM", "message": "User not authorized to operate."}), Denied),
        (TeaException({"code": "NoPermission", "message": "You are not authorized"}), Denied),
        (TeaException({"code": "EntityNotExist.Role", "message": "The role does not exist."}), Absent),
        (TeaException({"code": "InvalidDomainName.NoExist", "message": "no such domain"}), Absent),
        # KMS API reference, DescribeKey: 404 for a key that is not there.
        (TeaException({"code": "Forbidden.KeyNotFound", "message": "The specified Key is not found."}), Absent),
        # Common errors of every service: these say nothing of what was asked for.
        (
            TeaException({"code": "InvalidAccessKeyId.NotFound", "message": "Specified access key is not found."}),
            NoAnswer,
        ),
        (TeaException({"code": "InvalidAction.NotFound", "message": "Specified api is not found."}), NoAnswer),
        (TeaException({"code": "Throttling", "message": "slow down"}), NoAnswer),
        (CredentialException("not found credentials: [EnvironmentVariableCredentialsProvider: …]"), NoAnswer),
        ({"IsSuccess": False, "Code": "INSTANCE_NOT_EXIST"}, Absent),
        (OSError("connection refused"), NoAnswer),
    ],
)
def test_what_the_account_answers_is_told_in_a_line(said: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind) as told:
        account(said)("ram:GetRole", RoleName="x")
    assert "\n" not in str(told.value)
    assert "EnvironmentVariable" not in str(told.value)


@pytest.mark.parametrize("code", ["InvalidAccessKeyId.NotFound", "Forbidden.RAM", "EntityNotExist.User"])
def test_credentials_that_do_not_work_are_red_and_nothing_more_is_asked(code: str) -> None:
    first, *rest = run_account(known.ALICLOUD, wanted(), account(TeaException({"code": code, "message": "x"})))
    assert (first.check.gate, first.level) == (True, "red")
    assert {result.skipped for result in rest} == {"account is red"}


def test_a_key_that_is_not_there_is_red() -> None:
    of = with_key({"kind": "existing", "id": "key-hzz1234567890abcdefgh"})
    gone = account(TeaException({"code": "Forbidden.KeyNotFound", "message": "The specified Key is not found."}))
    assert run_check(CHECKS["secrets-key"], of, gone).level == "red"


def test_a_profile_of_the_settings_is_opened_and_one_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = {"name": "prod", "mode": "AK", "access_key_id": "LTAI-prod", "access_key_secret": "not-a-secret"}
    (tmp_path / ".aliyun").mkdir()
    (tmp_path / ".aliyun" / "config.json").write_text(json.dumps({"current": "other", "profiles": [profile]}))
    monkeypatch.setattr("alibabacloud_credentials.utils.auth_constant.HOME", str(tmp_path))

    def opened(name: str) -> Opened:
        cloud = {**read(ROOT / "Pulumi.prod-ack.yaml")["cloud"], "profile": name}
        return open_account(wanted(cloud=cloud))

    assert opened("prod").ask
    assert (
        "no credentials in the profile ownerless; make it work with `aliyun configure --profile"
        in opened("ownerless").why
    )


def test_every_action_is_of_a_service_that_is_known() -> None:
    actions = {action for check in known.ALICLOUD for action in check.actions}
    assert {action.partition(":")[0] for action in actions} <= {*SERVICES}
    # Container Service has paths, the others have none.
    assert {action for action in actions if action.startswith("cs:")} <= {*PATHS}

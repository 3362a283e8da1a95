"""Logins to private registries in stack files."""

from typing import Any

import pytest
from support.stack_settings import ROOT, dev, problems

from llmplatform.checks import parse, warnings
from llmplatform.checks.files import read

LOGIN = {"registry": "registry.example.org", "user": "robot$pull"}
PASSWORD = {"registry_password": {"secure": "v1:x:y"}}


@pytest.fixture
def raw() -> dict[str, Any]:
    mirrors = {"images": {"docker.io": "registry.example.org/hub"}, "login": LOGIN}
    return {**dev(), "mirrors": mirrors, "secrets": PASSWORD}


def test_a_login_has_a_password_and_a_password_a_login(raw: dict[str, Any]) -> None:
    assert problems(raw) == []
    assert problems({**raw, "secrets": {}}) == [
        (
            "mirrors.login: it needs a password, and secrets.registry_password is not set; run pulumi config set "
            "--secret --path 'llmplatform:secrets.registry_password'"
        )
    ]
    assert problems({**raw, "mirrors": {}}) == [
        (
            "secrets.registry_password: no registry has a login that uses it; write mirrors.login with registry and "
            "user, or remove it"
        )
    ]


@pytest.mark.parametrize(
    ("registry", "known"),
    [("registry.example.org", True), ("ghcr.io", True), ("docker.io", False), ("registry.example.com", False)],
)
def test_a_login_is_to_a_registry_that_images_come_from(raw: dict[str, Any], registry: str, known: bool) -> None:
    raw["mirrors"]["login"] = {**LOGIN, "registry": registry}
    found = problems(raw)
    assert (found == []) == known
    assert known or found[0].startswith(f"mirrors.login.registry: no image comes from '{registry}'; did you mean")


@pytest.mark.parametrize("user", ["with space", "with:colon", ""])
def test_a_user_is_what_basic_authentication_can_carry(raw: dict[str, Any], user: str) -> None:
    raw["mirrors"]["login"] = {**LOGIN, "user": user}
    (line,) = problems(raw)
    assert line.startswith("mirrors.login.user: ")


def test_on_ack_pods_have_a_login_or_the_credential_helper_and_not_both() -> None:
    raw = read(ROOT / "Pulumi.dev-ack.yaml")
    registry = "acme-registry-vpc.cn-hangzhou.cr.aliyuncs.com"
    raw |= {"secrets": PASSWORD, "mirrors": {**raw["mirrors"], "login": {**LOGIN, "registry": registry}}}
    assert problems(raw) == [
        "mirrors.login: pods that have a login get no credentials of the instance mirrors.acr; write one of the two"
    ]
    del raw["mirrors"]["acr"]
    assert problems(raw) == []


def test_a_solver_that_takes_no_login_is_warned_of() -> None:
    raw = read(ROOT / "Pulumi.prod-ack.yaml")
    registry = raw["mirrors"]["images"]["ghcr.io"].partition("/")[0]
    del raw["mirrors"]["acr"]
    raw["mirrors"]["login"] = {**LOGIN, "registry": registry}
    raw["secrets"] = {**raw.get("secrets", {}), **PASSWORD}
    said = [str(each) for each in warnings(parse(raw))]
    assert [each for each in said if each.startswith("mirrors.login: the solver of ACME challenges comes from")]

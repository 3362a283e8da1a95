"""What the program refuses of a stack file by itself: `pulumi up` runs no other check."""

from datetime import date
from typing import Any

import pulumi
import pytest
from support.program import run_program, stack_config

from llmplatform.checks.rules import clusters

ENCRYPT = "run pulumi config set --secret --path 'llmplatform:secrets.huggingface_token'"
TOKEN = "hf_" + "a1" * 12


def refused(config: dict[str, Any], *, encrypted: bool = True) -> str:
    """What `pulumi up` says of a configuration."""
    with pytest.raises(pulumi.RunError) as raised:
        run_program(config, "dev", preview=True, encrypted=encrypted)
    assert raised.value.__context__ is None, "the engine would print what went before, with its values"
    return str(raised.value)


@pytest.mark.parametrize("secret", [TOKEN, "plain-words", "3", '["plain-words"]', "true"])
def test_a_section_of_secrets_that_is_no_group_is_refused_without_its_value(secret: str) -> None:
    config = {**stack_config("dev"), "llmplatform:secrets": secret}
    assert refused(config, encrypted=False) == f"secrets: a secret is in clear text; revoke it, and {ENCRYPT}"
    assert "secrets: the section is encrypted as a whole; remove it, and " in refused(config)


def test_a_secret_in_clear_text_is_refused_without_its_value() -> None:
    config = {**stack_config("dev"), "llmplatform:secrets": {"huggingface_token": "plain-words"}}
    assert refused(config, encrypted=False) == (
        f"secrets.huggingface_token: the secret is in clear text; revoke it, and {ENCRYPT}"
    )
    assert run_program(config, "dev", preview=True).registered, "an encrypted one is taken"


def test_credentials_of_a_provider_in_clear_text_are_refused_without_their_value() -> None:
    said = refused({**stack_config("dev"), "aws:secretKey": "plain-words", "pulumi:tags": {"note": TOKEN}})
    assert [line.partition(": ")[0] for line in said.splitlines()] == ["config.aws:secretKey", "config.pulumi:tags"]
    assert "plain-words" not in said
    assert TOKEN not in said


def test_a_minor_whose_support_has_ended_is_warned_of_and_deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    warned: list[str] = []
    monkeypatch.setattr(clusters, "today", lambda: date(2036, 1, 1))
    monkeypatch.setattr(pulumi.log, "warn", warned.append)
    assert run_program(stack_config("dev"), "dev", preview=True).registered, "a day makes no stack unusable"
    (warning,) = warned
    assert warning.startswith("cluster.kubernetes_version: standard support of 1.35 ended on ")

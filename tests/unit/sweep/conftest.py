"""Fixtures for several files."""

from collections.abc import Iterator

import pytest
from moto import mock_aws
from support.leftovers_on_aws import shared

from llmplatform.doctor.on_aws.account import AwsAccount


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsAccount]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setattr("llmplatform.doctor.accounts.AwsAccount", lambda *_: shared())
    with mock_aws():
        yield shared()

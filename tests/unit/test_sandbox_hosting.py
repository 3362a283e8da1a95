"""Which simulated accounts there are, and when; the stand-ins for the clouds' commands."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from llmplatform_sandbox import hosting, shell
from llmplatform_sandbox.hosting import CLOUDS, Accounts, open_clouds
from llmplatform_sandbox.paths import SandboxPaths


def test_an_account_comes_to_be_when_it_is_first_asked_for(tmp_path: Path) -> None:
    accounts = open_clouds(tmp_path, None)
    assert list(accounts) == [], "a program that uses no cloud has none"
    accounts["alicloud"].objects()
    assert list(accounts) == ["alicloud"]
    assert [cloud.name for cloud in accounts.values()] == ["alicloud"]


def test_another_process_sees_what_was_opened(tmp_path: Path) -> None:
    world, command = open_clouds(tmp_path, None), open_clouds(tmp_path, None)
    live = command.values()
    assert len(live) == 0
    world["aws"].objects()
    assert [cloud.name for cloud in live] == ["aws"], "what was handed on before sees it, too"


def test_a_package_that_is_no_cloud_is_not_there(tmp_path: Path) -> None:
    accounts = open_clouds(tmp_path, None)
    assert "gcp" not in accounts
    with pytest.raises(KeyError):
        accounts["gcp"]


def test_providers_of_every_cloud_are_served_and_make_no_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[Any] = []

    def serve(servicer: Any, **_: Any) -> tuple[Any, int]:
        served.append(servicer)
        return servicer, len(served)

    monkeypatch.setattr(hosting, "serve", serve)
    accounts = Accounts(tmp_path, None)
    _, ports = hosting.serve_providers(accounts, None)
    assert set(ports) == {"kubernetes", "random", *CLOUDS}
    assert list(accounts) == []


def test_a_cloud_whose_sdk_is_not_installed_is_not_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosting, "serve", lambda servicer, **_: (servicer, 1))
    monkeypatch.setattr(hosting, "find_spec", lambda name: None if name == "pulumi_alicloud" else object())
    _, ports = hosting.serve_providers(Accounts(tmp_path, None), None)
    assert "alicloud" not in ports
    assert "aws" in ports


@pytest.fixture
def shims(tmp_path: Path) -> Path:
    paths = SandboxPaths(tmp_path)
    paths.shims.mkdir(parents=True)
    (paths.kube / "pki").mkdir(parents=True)
    (paths.kube / "pki" / "admin.crt").write_text("CERTIFICATE")
    (paths.kube / "pki" / "admin.key").write_text("KEY")
    shell.write_shims(paths)
    return paths.shims


@pytest.mark.parametrize(
    "words",
    [
        ["aws", "eks", "get-token", "--cluster-name", "dev", "--region", "eu-west-1"],
        ["ack-ram-tool", "credential-plugin", "get-credential", "--cluster-id", "c1", "--api-version", "v1beta1"],
    ],
)
def test_the_commands_of_kubeconfigs_answer_with_the_sandboxs_certificate(shims: Path, words: list[str]) -> None:
    asked = json.dumps({"apiVersion": "client.authentication.k8s.io/v1"})
    environment = {**os.environ, "KUBERNETES_EXEC_INFO": asked}
    found = subprocess.run([shims / words[0], *words[1:]], capture_output=True, text=True, env=environment, check=True)
    answer = json.loads(found.stdout)
    assert answer["status"] == {"clientCertificateData": "CERTIFICATE", "clientKeyData": "KEY"}
    assert answer["apiVersion"] == "client.authentication.k8s.io/v1"


@pytest.mark.parametrize("command", ["aws", "ack-ram-tool"])
def test_the_stand_ins_say_what_they_are_when_asked_for_anything_else(shims: Path, command: str) -> None:
    found = subprocess.run([shims / command, "s3", "ls"], capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert "the sandbox's stand-in" in found.stderr

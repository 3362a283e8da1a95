"""Which simulated accounts there are, and when; the stand-ins for the clouds' commands."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from llmplatform_sandbox import hosting, shell
from llmplatform_sandbox.endpoints import Endpoints
from llmplatform_sandbox.hosting import CLOUDS, Accounts, open_clouds
from llmplatform_sandbox.interfaces import KubeAccess
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
def shims(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In a folder with a space, under an interpreter whose path is longer than the kernel reads."""
    home = tmp_path / "a home" / ("long" * 40) / ("longer" * 30)
    home.mkdir(parents=True)
    (home / "python").symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(home / "python"))
    paths = SandboxPaths(tmp_path / "it's a folder")
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


@pytest.fixture
def pulumi(shims: Path, tmp_path: Path) -> Path:
    """The stand-in before a CLI that says what it was called with."""
    project, paths = tmp_path / "a project", SandboxPaths(shims.parent)
    project.mkdir()
    (project / "Pulumi.yaml").write_text("name: app\nruntime: python\n")
    (project / "Pulumi.dev.yaml").write_text("config: {}\n")
    paths.create()
    (paths.project / "Pulumi.dev.yaml").write_text("config: {}\n")
    cli = tmp_path / "the cli"
    cli.write_text('#!/bin/sh\necho "$@"\n')
    cli.chmod(0o755)
    access = KubeAccess(server="", ca_pem="", kubeconfig=paths.kube / "kubeconfig")
    shell.variables(paths, project, "dev", Endpoints(pid=1, providers={}), access, cli)
    return shims / "pulumi"


@pytest.mark.parametrize("words", ["preview --diff", "config", "config get app:a", "-s dev config", "up --yes"])
def test_the_stand_in_for_pulumi_hands_on_what_it_is_given(pulumi: Path, words: str) -> None:
    found = subprocess.run([pulumi, *words.split()], capture_output=True, text=True, check=True)
    assert found.stdout == f"{words}\n"


@pytest.mark.parametrize(
    "words",
    ["config set --secret --path app:a.b", "-s dev config set app:a b", "config rm app:a", "config --path set a"],
)
def test_a_setting_that_would_only_reach_the_sandboxs_copy_is_refused(pulumi: Path, words: str) -> None:
    found = subprocess.run([pulumi, *words.split()], capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert "Pulumi.dev.yaml: this shell's pulumi works on the sandbox's copy of it" in found.stderr
    assert len(found.stderr.splitlines()) == 1

"""The real cert-manager beside the dev stack: what it does with the platform's issuers and certificates."""

import base64
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.sandboxes.command_line import llmplatform
from support.sandboxes.sandboxed import NAMESPACE, Platform, changed, eventually, platform_of

from llmplatform_sandbox.controllers.table import CONTROLLERS
from llmplatform_sandbox.kube.errors import KubeError
from llmplatform_sandbox.kube.readiness import condition
from llmplatform_sandbox.processes import Processes

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(3600)]
"""Where `make test` has not built cert-manager before, the first test does."""

CERT_MANAGER, HOST = "cert-manager.io/v1", "llm.dev.example.org"
PROGRAMS = [program.name for each in CONTROLLERS if each.chart == "cert-manager" for program in each.programs]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    for made in platform_of("dev", tmp_path_factory.mktemp("platform"), charts=True):
        said = json.loads(
            llmplatform(
                "sandbox", "up", "dev", "--controllers", "cert-manager", "--json", "--project", str(made.folder)
            ).stdout
        )
        assert said["idle"] == ["keda: its controllers do not run: no workload is scaled"]
        assert said["unserved"] == ["kube-prometheus-stack", "milvus-operator", "gpu-operator"]
        yield made


def look(platform: Platform, kind: str, name: str, namespace: str | None = NAMESPACE) -> dict[str, Any] | None:
    with platform.kube() as kube:
        return kube.get("v1" if kind == "Secret" else CERT_MANAGER, kind, name, namespace)


def certificate(platform: Platform) -> dict[str, Any]:
    found = look(platform, "Certificate", "gateway")
    assert found is not None
    return found


def issued(platform: Platform, revision: int) -> bool:
    found = certificate(platform)
    return condition(found, "Ready").get("status") == "True" and found["status"].get("revision") == revision


def written(platform: Platform, folder: Path, key: str) -> Path:
    """A file with one key of the gateway's Secret."""
    secret = look(platform, "Secret", certificate(platform)["spec"]["secretName"])
    assert secret is not None
    file = folder / key
    file.write_bytes(base64.b64decode(secret["data"][key]))
    return file


def openssl(*arguments: str | Path) -> str:
    result = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_the_issuer_is_ready_by_its_own_authority(platform: Platform) -> None:
    eventually(lambda: issued(platform, 1), "cert-manager has not issued the gateway's certificate")
    issuer = look(platform, "ClusterIssuer", "platform", None)
    assert issuer is not None
    ready = condition(issuer, "Ready")
    assert (ready["status"], ready["reason"]) == ("True", "KeyPairVerified")
    authority = look(platform, "Certificate", "platform-authority", "cert-manager")
    assert authority is not None
    assert authority["status"]["revision"] == 1, "an authority that is issued anew makes all its certificates strangers"


def test_the_certificate_is_for_90_days_and_renewed_15_days_ahead(platform: Platform) -> None:
    eventually(lambda: issued(platform, 1), "cert-manager has not issued the gateway's certificate")
    found = certificate(platform)
    assert (found["spec"]["duration"], found["spec"]["renewBefore"]) == ("2160h", "360h")
    moments = ("notBefore", "notAfter", "renewalTime")
    begin, end, renewal = (datetime.fromisoformat(found["status"][key]) for key in moments)
    assert end - begin == timedelta(hours=2160)
    assert end - renewal == timedelta(hours=360)


def test_openssl_trusts_the_chain_by_the_platforms_authority(platform: Platform, tmp_path: Path) -> None:
    eventually(lambda: issued(platform, 1), "cert-manager has not issued the gateway's certificate")
    own, authority = written(platform, tmp_path, "tls.crt"), written(platform, tmp_path, "ca.crt")
    assert openssl("verify", "-CAfile", authority, "-verify_hostname", HOST, own).strip().endswith("OK")
    named = openssl("x509", "-in", own, "-noout", "-issuer", "-nameopt", "RFC2253", "-ext", "subjectAltName")
    assert "CN=llmplatform" in named
    assert f"DNS:{HOST}" in named
    root = look(platform, "Secret", "platform-authority", "cert-manager")
    assert root is not None
    assert base64.b64decode(root["data"]["tls.crt"]) == authority.read_bytes()
    key = written(platform, tmp_path, "tls.key")
    assert openssl("pkey", "-in", key, "-pubout") == openssl("x509", "-in", own, "-noout", "-pubkey")


def test_a_certificate_that_cannot_be_is_refused_by_the_webhook(platform: Platform) -> None:
    wrong = certificate(platform)
    with platform.kube() as kube, pytest.raises(KubeError, match=r"webhook\.cert-manager\.io.*renewBefore"):
        kube.patch(wrong, {"spec": {"renewBefore": "4000h"}})


def test_a_second_run_changes_nothing(platform: Platform) -> None:
    assert changed(platform.up()) == {}


def test_a_secret_that_is_deleted_comes_back_with_another_key(platform: Platform, tmp_path: Path) -> None:
    eventually(lambda: issued(platform, 1), "cert-manager has not issued the gateway's certificate")
    before = written(platform, tmp_path, "tls.key").read_bytes()
    secret = look(platform, "Secret", certificate(platform)["spec"]["secretName"])
    assert secret is not None
    with platform.kube() as kube:
        kube.delete(secret)
    eventually(lambda: issued(platform, 2), "the Secret did not come back")
    assert written(platform, tmp_path, "tls.key").read_bytes() != before


def test_a_controller_that_is_killed_is_started_again(platform: Platform) -> None:
    processes = Processes(platform.sandbox.paths.run, platform.sandbox.paths.logs)
    killed = {name: processes.pid(name) for name in PROGRAMS}
    for pid in killed.values():
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: all(processes.pid(name) not in (None, killed[name]) for name in PROGRAMS), "they stay away")
    with platform.kube() as kube:

        def refusal() -> str:
            with pytest.raises(KubeError) as refused:
                kube.patch(certificate(platform), {"spec": {"renewBefore": "4000h"}})
            return str(refused.value)

        eventually(lambda: "renewBefore" in refusal(), "nothing is accepted unseen while the webhook is away")


def test_nothing_of_it_is_left_when_its_release_is_gone(platform: Platform) -> None:
    platform.edit(lambda config: config["addons"].update(cert_manager={"enabled": False}))
    platform.edit(lambda config: config["addons"].update(gateway={}))
    platform.edit(lambda config: config["services"]["milvus"].update(tls=False))
    platform.up()
    processes = Processes(platform.sandbox.paths.run, platform.sandbox.paths.logs)
    eventually(lambda: not any(processes.running(name) for name in PROGRAMS), "they run without their release")
    with platform.kube() as kube:
        for kind in ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"):
            assert kube.list("admissionregistration.k8s.io/v1", kind) == [], "it would refuse every certificate"

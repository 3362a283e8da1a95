"""Registries that ask for a login, and what `charts pull` says where it gets nothing.

Challenges: RFC 7617 (Basic, which docker-registry with htpasswd and ECR give) and the distribution project's token
specification (Bearer). Files of logins: Helm's `registry/config.json`, by `helm registry login`, and Docker's.
"""

import base64
import hashlib
import json
import os
from pathlib import Path

import httpx
import pytest
from support.program import ROOT
from typer.testing import CliRunner

from llmplatform.catalog.versions import CHARTS, Chart
from llmplatform.cli import chart_sources
from llmplatform.cli.app import app
from llmplatform.cli.chart_sources import ChartError, UnreachableError, fetch
from llmplatform.cli.registry_logins import login_of

ARCHIVE = b"a chart archive"
CHART: Chart = CHARTS["cert-manager"]
MANIFEST = {
    "layers": [
        {
            "mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
            "digest": f"sha256:{hashlib.sha256(ARCHIVE).hexdigest()}",
        }
    ]
}
AUTH = base64.b64encode(b"me:s3cret").decode()
HOST = "charts.test:5000"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without any login."""
    for name in ("HELM_REGISTRY_CONFIG", "HELM_CONFIG_HOME", "DOCKER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    return tmp_path


def helm_knows(home: Path, host: str = HOST) -> None:
    file = home / ".config" / "helm" / "registry" / "config.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"auths": {host: {"auth": AUTH}}}))


def served(request: httpx.Request) -> httpx.Response:
    if "/manifests/" in request.url.path:
        return httpx.Response(200, json=MANIFEST)
    return httpx.Response(200, content=ARCHIVE)


def basic(request: httpx.Request) -> httpx.Response:
    if request.headers.get("authorization") == f"Basic {AUTH}":
        return served(request)
    return httpx.Response(401, headers={"www-authenticate": 'Basic realm="Registry Realm"'})


def by_token(request: httpx.Request, *, realm: str) -> httpx.Response:
    if request.url.host == "auth.test":
        known = request.headers.get("authorization") == f"Basic {AUTH}"
        return httpx.Response(200, json={"token": "mine" if known else "anonymous"})
    if request.headers.get("authorization") == "Bearer mine":
        return served(request)
    challenge = f'Bearer realm="{realm}",service="charts.test",scope="repository:x:pull"'
    return httpx.Response(401, headers={"www-authenticate": challenge})


def test_the_login_that_helm_keeps_is_given_to_a_registry_that_asks(home: Path) -> None:
    helm_knows(home)
    assert fetch(CHART, f"oci://{HOST}/x", httpx.MockTransport(basic)) == ARCHIVE
    token = httpx.MockTransport(lambda request: by_token(request, realm="https://auth.test/token"))
    assert fetch(CHART, f"oci://{HOST}/x", token) == ARCHIVE, "it is what a token is asked for by"


def test_a_password_goes_to_no_place_in_clear_text(home: Path) -> None:
    helm_knows(home)
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return by_token(request, realm="http://auth.test/token")

    with pytest.raises(ChartError):
        fetch(CHART, f"oci://{HOST}/x", httpx.MockTransport(answer))
    assert [each for each in asked if each.url.host == "auth.test"]
    assert not [each for each in asked if f"Basic {AUTH}" in each.headers.values()]


@pytest.mark.parametrize("handler", [basic, lambda request: by_token(request, realm="https://auth.test/token")])
def test_a_registry_that_asks_for_a_login_is_not_taken_for_a_bad_network(handler: object) -> None:
    with pytest.raises(ChartError) as refused:
        fetch(CHART, f"oci://{HOST}/x", httpx.MockTransport(handler))  # type: ignore[arg-type]
    assert not isinstance(refused.value, UnreachableError), "the network is in order"
    assert str(refused.value) == (
        f"cert-manager {CHART.version}: oci://{HOST}/x asks for a login (401 Unauthorized); run `helm registry login "
        f"{HOST}`, or fetch it with a login of your own: `helm pull oci://{HOST}/x/cert-manager --version "
        f"{CHART.version} -d .charts`"
    )


def test_a_repository_that_asks_for_a_login_names_the_command_that_can_give_one() -> None:
    away = httpx.MockTransport(lambda _: httpx.Response(401))
    with pytest.raises(
        ChartError, match=r"login \(401 Unauthorized\); fetch it .*`helm pull cert-manager --repo https:"
    ):
        fetch(CHART, "https://charts.test/stable", away)


def test_what_is_not_there_is_one_line() -> None:
    away = httpx.MockTransport(lambda _: httpx.Response(404))
    with pytest.raises(UnreachableError) as refused:
        fetch(CHART, "https://charts.test/stable", away)
    assert str(refused.value).endswith("https://charts.test/stable gave no archive (404 Not Found)")


def test_logins_are_read_where_helm_and_docker_keep_them(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker = home / ".docker" / "config.json"
    docker.parent.mkdir()
    docker.write_text(json.dumps({"auths": {f"https://{HOST}/v1/": {"username": "me", "password": "s3cret"}}}))
    assert login_of(HOST) == ("me", "s3cret")
    assert login_of("other.test") is None
    elsewhere = home / "elsewhere.json"
    elsewhere.write_text(json.dumps({"auths": {HOST: {"auth": base64.b64encode(b"you:a:b").decode()}}}))
    monkeypatch.setenv("HELM_REGISTRY_CONFIG", str(elsewhere))
    assert login_of(HOST) == ("you", "a:b"), "Helm's goes before Docker's, and a password may have a colon"


@pytest.mark.parametrize(
    "text", ["", "[]", '{"auths": 3}', '{"auths": {"charts.test:5000": {"auth": "%"}}}', "[" * 9000]
)
def test_a_file_that_holds_no_login_is_passed_over(home: Path, text: str) -> None:
    (home / ".docker").mkdir()
    (home / ".docker" / "config.json").write_text(text)
    assert login_of(HOST) is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_said_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    tmp_path.chmod(0o500)
    result = CliRunner().invoke(app, ["charts", "pull", "--project", str(tmp_path)])
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1), result.output


def test_a_place_that_is_taken_is_said_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chart_sources, "fetch", lambda *_: ARCHIVE)
    (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    (tmp_path / ".charts").write_text("")
    result = CliRunner().invoke(app, ["charts", "pull", "--project", str(tmp_path)])
    assert result.exit_code == 1
    assert result.stderr.startswith(f"{tmp_path}/.charts: cannot be written (")
    assert "Traceback" not in result.output

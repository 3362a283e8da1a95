"""Fetching charts: both kinds of source, and every way in which an archive can be the wrong one."""

import hashlib
from pathlib import Path

import httpx
import pytest
import yaml
from support.program import ROOT
from typer.testing import CliRunner

from llmplatform.catalog.versions import CHARTS, Chart
from llmplatform.cli import chart_sources
from llmplatform.cli.app import app
from llmplatform.cli.chart_sources import ChartError, fetch
from llmplatform.cli.charts_lock import Lock

ARCHIVE = b"a chart archive"
DIGEST = hashlib.sha256(ARCHIVE).hexdigest()
CHART: Chart = next(iter(CHARTS.values()))


def index(*, digest: str = DIGEST, url: str = "charts/it.tgz") -> httpx.MockTransport:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/stable/index.yaml":
            entry = f"{{version: '{CHART.version}', digest: {digest}, urls: ['{url}']}}"
            return httpx.Response(200, text=f"entries: {{{CHART.name}: [{entry}]}}")
        found = request.url.path == "/stable/charts/it.tgz"
        return httpx.Response(200, content=ARCHIVE) if found else httpx.Response(404)

    return httpx.MockTransport(answer)


def registry(asked: list[httpx.Request], *, blob: bytes = ARCHIVE) -> httpx.MockTransport:
    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if request.url.host == "auth.test":
            return httpx.Response(200, json={"token": "anonymous"})
        if request.headers.get("authorization") != "Bearer anonymous":
            challenge = 'Bearer realm="https://auth.test/token",service="charts.test",scope="repository:x:pull"'
            return httpx.Response(401, headers={"www-authenticate": challenge})
        if "/manifests/" in request.url.path:
            layer = {
                "mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
                "digest": f"sha256:{DIGEST}",
            }
            return httpx.Response(200, json={"layers": [layer]})
        return httpx.Response(200, content=blob)

    return httpx.MockTransport(answer)


def test_a_classic_repository_gives_the_archive_that_its_index_names() -> None:
    assert fetch(CHART, "https://charts.test/stable", index()) == ARCHIVE


def test_an_archive_that_differs_from_the_index_is_refused() -> None:
    with pytest.raises(ChartError, match="its source states deadbeef"):
        fetch(CHART, "https://charts.test/stable", index(digest="deadbeef"))


def test_a_version_that_the_repository_does_not_have_is_named() -> None:
    other = Chart(name=CHART.name, version="0.0.1", repository=CHART.repository)
    with pytest.raises(ChartError, match=r"0\.0\.1: https://charts.test/stable/ does not have it"):
        fetch(other, "https://charts.test/stable", index())


def test_a_registry_is_asked_with_an_anonymous_token_for_the_repository() -> None:
    asked: list[httpx.Request] = []
    assert fetch(CHART, "oci://charts.test/x", registry(asked)) == ARCHIVE
    token = next(request for request in asked if request.url.host == "auth.test")
    assert token.url.params["scope"] == "repository:x:pull", "a token is asked for this repository alone"


def test_a_blob_that_differs_from_its_digest_is_refused() -> None:
    with pytest.raises(ChartError, match="its source states"):
        fetch(CHART, "oci://charts.test/x", registry([], blob=b"something else"))


def test_a_source_that_is_away_is_named_with_the_reason() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused", request=request)

    with pytest.raises(ChartError, match=r"gave no archive \(connection refused\)"):
        fetch(CHART, "https://charts.test/stable", httpx.MockTransport(refuse))


def test_the_lock_refuses_another_archive_for_the_same_version(tmp_path: Path) -> None:
    lock = Lock.read(tmp_path / "charts.lock")
    lock.admit(CHART, ARCHIVE)
    lock.write()
    again = Lock.read(tmp_path / "charts.lock")
    assert again.holds(CHART, ARCHIVE)
    with pytest.raises(ChartError, match="a published chart never changes"):
        again.admit(CHART, b"something else")


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sources that the command asks, in a project of its own; each has every chart."""
    for name in ("Pulumi.yaml", "Pulumi.prod-ack.yaml"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    found: list[str] = []

    def answer(_chart: Chart, source: str) -> bytes:
        found.append(source)
        return ARCHIVE

    monkeypatch.setattr(chart_sources, "fetch", answer)
    return found


def test_the_command_fetches_every_chart_once_and_records_its_digest(asked: list[str], tmp_path: Path) -> None:
    for _ in range(2):
        result = CliRunner().invoke(app, ["charts", "pull", "--project", str(tmp_path)])
        assert result.exit_code == 0, result.output
    assert asked == [chart.repository for chart in CHARTS.values()], "what is there is not fetched again"
    assert len([*(tmp_path / ".charts").glob("*.tgz")]) == len(CHARTS)
    assert DIGEST in (tmp_path / "charts.lock").read_text()


def test_the_command_asks_the_mirrors_of_the_stack(asked: list[str], tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.prod-ack.yaml"
    document = yaml.safe_load(file.read_text())
    mirrors = {chart.repository: f"https://mirror.test/{chart.name}" for chart in CHARTS.values()}
    document["config"]["llmplatform:mirrors"]["charts"] = mirrors
    file.write_text(yaml.safe_dump(document))
    result = CliRunner().invoke(app, ["charts", "pull", "--stack", "prod-ack", "--project", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert asked == [mirrors[chart.repository] for chart in CHARTS.values()]


def test_the_command_takes_no_path_for_a_stack(asked: list[str], tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["charts", "pull", "--stack", "../x", "--project", str(tmp_path)])
    assert (result.exit_code, asked) == (2, [])
    assert result.stderr.startswith("'../x': not the name of a stack; ")

"""Archives of charts are opened where a program has them, as Helm opens them, and need not be there.

Helm 3.20: pkg/chart/loader/archive.go, load.go (`LoadFiles`) and pkg/chart/metadata.go (`Validate`). pulumi-kubernetes,
provider/pkg/provider/helm_release.go: `Check` (`helmLoad`), `isChartInstallable`; the engine starts providers in the
program's folder.
"""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support.sandboxes.fake_api_server import FakeApiServer

from llmplatform_sandbox.project import Project
from llmplatform_sandbox.providers.base import UNKNOWN, Autonaming, Failure, InitFailed, ProviderError, Values
from llmplatform_sandbox.providers.charts import Chart, Charts
from llmplatform_sandbox.providers.helm import RELEASE
from llmplatform_sandbox.providers.kubernetes import KubernetesProvider

URN = f"urn:pulumi:dev::proj::{RELEASE}::rel"
CHART_YAML = "apiVersion: v2\nname: widget\nversion: 1.2.3-rc.1\nappVersion: v9\n"
CRD = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: widgets.example.org\n"
GIVEN = {"chart": "../.charts/widget-1.2.3.tgz", "name": "rel", "namespace": "apps"}


def archive(folder: Path, files: Mapping[str, str]) -> Path:
    file = folder / ".charts" / "widget-1.2.3.tgz"
    file.parent.mkdir(exist_ok=True)
    with tarfile.open(file, "w:gz") as opened:
        for name, text in files.items():
            info = tarfile.TarInfo(f"widget/{name}")
            info.size = len(text)
            opened.addfile(info, io.BytesIO(text.encode()))
    return file


@pytest.fixture
def server() -> FakeApiServer:
    server = FakeApiServer()
    server.on_apply = lambda obj: (
        obj.update(status={"conditions": [{"type": "Established", "status": "True"}]})
        if obj["kind"] == "CustomResourceDefinition"
        else None
    )
    return server


@pytest.fixture
def provider(server: FakeApiServer, tmp_path: Path) -> KubernetesProvider:
    (tmp_path / "infra").mkdir()
    project = Project(folder=tmp_path, settings={"name": "proj", "main": "infra"})
    return KubernetesProvider(server.kube, programs=lambda: [project])


def checked(provider: KubernetesProvider, urn: str = URN, **given: Any) -> tuple[Values, list[Failure]]:
    return provider.check(RELEASE, {}, {**GIVEN, **given}, Autonaming(name="rel", urn=urn))


def test_the_archive_says_which_version_it_is(provider: KubernetesProvider, tmp_path: Path) -> None:
    archive(tmp_path, {"Chart.yaml": CHART_YAML})
    inputs, failures = checked(provider)
    assert not failures
    assert inputs["version"] == "1.2.3-rc.1", "not what the file's name says"
    status = provider.create(RELEASE, URN, inputs, False, 0)[1]["status"]
    assert (status["chart"], status["version"], status["appVersion"]) == ("widget", "1.2.3-rc.1", "v9")


def test_a_chart_is_looked_for_from_the_folder_of_its_own_program_alone(
    provider: KubernetesProvider, tmp_path: Path
) -> None:
    archive(tmp_path, {"Chart.yaml": CHART_YAML})
    assert checked(provider, URN.replace("proj", "other"))[0]["version"] == "1.2.3"


def test_an_archive_that_is_not_there_is_taken_by_its_name(provider: KubernetesProvider) -> None:
    inputs, failures = checked(provider)
    assert not failures
    assert inputs["version"] == "1.2.3"


def test_nothing_is_opened_before_all_is_known(provider: KubernetesProvider, tmp_path: Path) -> None:
    (tmp_path / ".charts").mkdir()
    (tmp_path / ".charts" / "widget-1.2.3.tgz").write_text("no archive")
    inputs, failures = checked(provider, values={"a": UNKNOWN})
    assert not failures
    assert inputs["version"] == ""


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        ({"values.yaml": ""}, "Chart.yaml file is missing"),
        ({"Chart.yaml": "apiVersion: v2\nname: widget\n"}, "validation: chart.metadata.version is required"),
    ],
)
def test_an_archive_that_is_no_chart_is_refused(
    provider: KubernetesProvider, tmp_path: Path, files: Mapping[str, str], fault: str
) -> None:
    archive(tmp_path, files)
    _, failures = checked(provider)
    assert [each.property for each in failures] == ["chart"]
    assert failures[0].reason == f"chart: {fault}; check the chart name and repository configuration."


@pytest.mark.parametrize("left", [0.5, 0.0])
def test_a_damaged_archive_is_refused(provider: KubernetesProvider, tmp_path: Path, left: float) -> None:
    file = archive(tmp_path, {"Chart.yaml": CHART_YAML, "templates/a.yaml": "\n".join(map(str, range(9999)))})
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * left)] or b"<html>no such file</html>")
    fault = "unexpected EOF" if left else "file 'widget-1.2.3.tgz' does not appear to be a gzipped archive"
    assert fault in checked(provider)[1][0].reason
    inputs = {**GIVEN, "values": {}}
    with pytest.raises(ProviderError, match=fault):
        provider.create(RELEASE, URN, inputs, False, 0)


def test_an_archive_that_came_anew_is_read_anew(provider: KubernetesProvider, tmp_path: Path) -> None:
    archive(tmp_path, {"Chart.yaml": CHART_YAML})
    checked(provider)
    archive(tmp_path, {"Chart.yaml": CHART_YAML.replace("1.2.3-rc.1", "1.2.3-rc.2-of-another-length")})
    assert checked(provider)[0]["version"] == "1.2.3-rc.2-of-another-length"


def test_a_library_is_not_installable(provider: KubernetesProvider, tmp_path: Path) -> None:
    archive(tmp_path, {"Chart.yaml": f"{CHART_YAML}type: library\n"})
    inputs, failures = checked(provider)
    assert not failures, "it is found"
    with pytest.raises(ProviderError, match=r"^library charts are not installable$"):
        provider.create(RELEASE, URN, inputs, False, 0)


def test_its_own_crds_are_installed(server: FakeApiServer, provider: KubernetesProvider, tmp_path: Path) -> None:
    archive(tmp_path, {"Chart.yaml": CHART_YAML, "crds/widgets.yaml": CRD})
    provider.create(RELEASE, URN, checked(provider)[0], False, 0)
    assert server.one("apiextensions.k8s.io/v1", "CustomResourceDefinition", "widgets.example.org")


def test_its_templates_tell_whether_it_has_pods(
    provider: KubernetesProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmplatform_sandbox.kube.helm.PATIENCE", 0.0)
    archive(
        tmp_path, {"Chart.yaml": CHART_YAML, "charts/sub/templates/x/a.yaml": "apiVersion: apps/v1\nkind: Deployment\n"}
    )
    with pytest.raises(InitFailed, match="context deadline exceeded"):
        provider.create(RELEASE, URN, checked(provider)[0], False, 0)
    archive(tmp_path, {"Chart.yaml": CHART_YAML, "templates/a.yaml": "kind: ConfigMap\n"})
    assert not Charts(None).find(GIVEN, URN).runs_pods, "neither by name"
    provider.create(RELEASE, URN, {**checked(provider)[0], "name": "other"}, False, 0)


def test_without_an_archive_the_catalog_tells_which_charts_have_pods() -> None:
    have = {name: Chart(name=name, version="1").runs_pods for name in ("cert-manager", "prometheus-operator-crds", "x")}
    assert have == {"cert-manager": True, "prometheus-operator-crds": False, "x": False}

"""Helm releases of the kubernetes provider, against an API server in memory."""

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from support.sandboxes.fake_api_server import FakeApiServer

from llmplatform_sandbox.interfaces import Release
from llmplatform_sandbox.kube.definitions import from_folder
from llmplatform_sandbox.kube.releases import releases
from llmplatform_sandbox.providers.base import UNKNOWN, Autonaming, ProviderError, Secret, Values
from llmplatform_sandbox.providers.charts import chart_of
from llmplatform_sandbox.providers.helm import RELEASE
from llmplatform_sandbox.providers.kubernetes import KubernetesProvider

URN = "urn:pulumi:dev::proj::kubernetes:helm.sh/v3:Release::rel"
CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  annotations:
    a: b
  name: {plural}.example.org
spec: {{group: example.org}}
"""


def inputs(chart: str = "./.charts/widget-1.2.3.tgz", **rest: Any) -> Values:
    return {"chart": chart, "name": "rel", "namespace": "apps", **rest}


@pytest.fixture
def server() -> FakeApiServer:
    """With a node, for the pods of the releases."""
    server = FakeApiServer()
    server.add("v1", "Node", "n", spec={}, status={"conditions": [{"type": "Ready", "status": "True"}]})
    server.on_apply = lambda obj: (
        obj.update(status={"conditions": [{"type": "Established", "status": "True"}]})
        if obj["kind"] == "CustomResourceDefinition"
        else None
    )
    return server


@pytest.fixture
def charts(tmp_path: Path) -> Path:
    """Chart `widget` with a definition of its own and a sub-chart that a value switches on; `cert-manager` with one."""
    widget = tmp_path / "widget"
    (widget / "crds").mkdir(parents=True)
    (widget / "crds" / "widgets.yaml").write_text("# licence\n" + CRD.format(plural="widgets") + "---\nkind: Other\n")
    (widget / "Chart.yaml").write_text(
        "appVersion: v9\ndependencies: [{name: sub, condition: 'sub.enabled,tags.sub'}, {name: always, alias: other}]\n"
    )
    (widget / "values.yaml").write_text("sub: {enabled: false}\nmatch: =\n")
    for name in ("sub", "always"):
        folder = widget / "charts" / name / "crds" / "deep"
        folder.mkdir(parents=True)
        (folder / "x.yml").write_text(CRD.format(plural=name))
    (tmp_path / "cert-manager" / "crds").mkdir(parents=True)
    (tmp_path / "cert-manager" / "crds" / "c.yaml").write_text(CRD.format(plural="certs"))
    return tmp_path


@pytest.fixture
def provider(server: FakeApiServer, charts: Path) -> KubernetesProvider:
    return KubernetesProvider(server.kube, charts)


def install(provider: KubernetesProvider, values: Values) -> tuple[str, Values]:
    checked, failures = provider.check(RELEASE, {}, values, Autonaming(name="rel", urn=URN))
    assert not failures, failures
    return provider.create(RELEASE, URN, checked, False, 0)


def definitions(server: FakeApiServer) -> set[str]:
    return {key[3].removesuffix(".example.org") for key in server.objects if key[1] == "customresourcedefinitions"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"chart": "./.charts/gpu-operator-v26.7.0.tgz"}, ("gpu-operator", "v26.7.0")),
        ({"chart": "/a/b-1/k8s-device-plugin-0.17.1.tgz"}, ("k8s-device-plugin", "0.17.1")),
        ({"chart": "x-1.0.0-rc.1+build.tgz"}, ("x", "1.0.0-rc.1+build")),
        ({"chart": "oci://host/charts/karpenter", "version": "1.14.0"}, ("karpenter", "1.14.0")),
        ({"chart": "cert-manager"}, ("cert-manager", "")),
    ],
)
def test_chart_and_version_come_from_the_archives_name(given: Values, expected: tuple[str, str]) -> None:
    assert chart_of(given) == expected


def test_the_record_is_what_helm_itself_reads(server: FakeApiServer, provider: KubernetesProvider) -> None:
    id_, outputs = install(provider, inputs(values={"a": Secret("s3cret")}))
    assert id_ == "apps/rel"
    secret = server.one("v1", "Secret", "sh.helm.release.v1.rel.v1", "apps")
    assert secret is not None
    assert secret["type"] == "helm.sh/release.v1"
    labels = secret["metadata"]["labels"]
    assert (labels["owner"], labels["name"], labels["status"], labels["version"]) == ("helm", "rel", "deployed", "1")
    record = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(secret["data"]["release"]))))
    assert (record["name"], record["namespace"], record["version"]) == ("rel", "apps", 1)
    assert record["info"]["status"] == "deployed"
    assert record["chart"]["metadata"]["name"] == "widget"
    assert record["config"] == {"a": "s3cret"}
    assert outputs["values"] == {"a": Secret("s3cret")}, "in the state it stays secret"
    assert outputs["status"]["appVersion"] == "v9"


def test_other_parts_read_releases_from_the_cluster(server: FakeApiServer, provider: KubernetesProvider) -> None:
    install(provider, inputs(values={"a": 1}))
    expected = Release(name="rel", namespace="apps", chart="widget", version="1.2.3", values={"a": 1})
    assert releases(server.kube) == [expected]


def test_an_upgrade_is_a_new_revision_and_the_old_one_is_superseded(
    server: FakeApiServer, provider: KubernetesProvider
) -> None:
    _, outputs = install(provider, inputs(values={"a": 1}))
    later = provider.update(RELEASE, URN, "apps/rel", inputs(), outputs, inputs(values={"a": 2}), False, 0)
    assert later["status"]["revision"] == 2
    states = {key[3]: obj["metadata"]["labels"]["status"] for key, obj in server.objects.items() if key[1] == "secrets"}
    assert states == {"sh.helm.release.v1.rel.v1": "superseded", "sh.helm.release.v1.rel.v2": "deployed"}
    assert [release.values for release in releases(server.kube)] == [{"a": 2}]


def test_history_is_bounded(server: FakeApiServer, provider: KubernetesProvider) -> None:
    install(provider, inputs())
    for _ in range(4):
        provider.update(RELEASE, URN, "apps/rel", inputs(), {}, inputs(maxHistory=2), False, 0)
    assert sorted(key[3] for key in server.objects if key[1] == "secrets") == [
        "sh.helm.release.v1.rel.v4",
        "sh.helm.release.v1.rel.v5",
    ]


def test_a_missing_namespace_is_an_error_unless_it_is_to_be_created(
    server: FakeApiServer, provider: KubernetesProvider
) -> None:
    with pytest.raises(ProviderError, match="namespace new: not found"):
        install(provider, inputs(namespace="new"))
    install(provider, inputs(namespace="new", createNamespace=True))
    assert server.one("v1", "Namespace", "new")


def test_definitions_of_a_chart_are_installed_once_and_outlive_it(
    server: FakeApiServer, provider: KubernetesProvider
) -> None:
    _, outputs = install(provider, inputs())
    assert definitions(server) == {"widgets", "always"}, "a sub-chart whose condition is off brings none"
    provider.delete(RELEASE, URN, "apps/rel", inputs(), outputs, 1)
    assert releases(server.kube) == []
    assert definitions(server) == {"widgets", "always"}, "Helm never deletes what lies in crds/"


def test_values_switch_sub_charts_on(server: FakeApiServer, provider: KubernetesProvider) -> None:
    install(provider, inputs(values={"sub": {"enabled": True}}))
    assert "sub" in definitions(server)


def test_skip_crds_leaves_them_out(server: FakeApiServer, provider: KubernetesProvider) -> None:
    install(provider, inputs(skipCrds=True))
    assert definitions(server) == set()


@pytest.mark.parametrize(
    ("values", "there", "after"),
    [
        ({}, set(), set()),
        ({"enabled": True}, {"certs"}, {"certs"}),
        ({"enabled": True, "keep": False}, {"certs"}, set()),
    ],
)
def test_definitions_in_templates_follow_the_charts_values(
    server: FakeApiServer, provider: KubernetesProvider, values: Values, there: set[str], after: set[str]
) -> None:
    given = inputs("./.charts/cert-manager-v1.21.1.tgz", values={"crds": values})
    _, outputs = install(provider, given)
    assert definitions(server) == there
    provider.delete(RELEASE, URN, "apps/rel", given, outputs, 1)
    assert definitions(server) == after, "a kept definition stays, another goes with the release"


def test_without_charts_the_catalogs_kinds_are_there(server: FakeApiServer, provider: KubernetesProvider) -> None:
    bare = KubernetesProvider(server.kube, None)
    install(bare, inputs("./.charts/prometheus-operator-crds-31.0.1.tgz"))
    crd = server.one("apiextensions.k8s.io/v1", "CustomResourceDefinition", "servicemonitors.monitoring.coreos.com")
    assert crd is not None
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert schema["x-kubernetes-preserve-unknown-fields"] is True


def test_a_bare_equals_sign_is_text(tmp_path: Path) -> None:
    (tmp_path / "crds").mkdir()
    (tmp_path / "crds" / "a.yaml").write_text(
        "kind: CustomResourceDefinition\nmetadata: {name: x.y}\nenum: [=, '!=']\n"
    )
    assert [crd.name for crd in from_folder(tmp_path, {})] == ["x.y"], "stock YAML loaders refuse it"


def test_a_key_that_the_chart_does_not_have_is_refused() -> None:
    given = inputs("./.charts/cert-manager-v1.21.1.tgz", values={"crds": {"enabeld": True}, "x": UNKNOWN})
    _, failures = KubernetesProvider(None).check(RELEASE, {}, given, Autonaming(name="rel", urn=URN))
    reasons = sorted(failure.reason for failure in failures)
    assert len(reasons) == 2
    assert reasons[0].startswith("values: crds.enabeld: ")
    assert "enabled" in reasons[0], "the nearest key is named"


def test_another_version_than_the_one_on_record_is_refused_rather_than_left_unchecked() -> None:
    given = inputs("./.charts/cert-manager-v0.0.1.tgz", values={"anything": 1})
    _, failures = KubernetesProvider(None).check(RELEASE, {}, given, Autonaming(name="rel", urn=URN))
    assert [failure.property for failure in failures] == ["values"]


def test_inputs_that_a_release_does_not_have_are_refused() -> None:
    given = {"chart": "./x-1.0.0.tgz", "vaules": {}, "valueYamlFiles": ["a"]}
    checked, failures = KubernetesProvider(None).check(RELEASE, {}, given, Autonaming(name="rel", urn=URN))
    assert [failure.property for failure in failures] == ["vaules", "valueYamlFiles"]
    assert checked["namespace"] == "default"
    assert checked["name"].startswith("rel-")


def test_a_preview_of_a_release_needs_no_cluster() -> None:
    _, outputs = KubernetesProvider(None).create(RELEASE, URN, inputs(values={"a": 1}), True, 0)
    assert outputs["status"] is UNKNOWN
    assert outputs["name"] == "rel"


def test_only_another_name_or_namespace_is_another_release(provider: KubernetesProvider) -> None:
    old = inputs(values={"a": 1})
    assert not provider.diff(RELEASE, "apps/rel", old, {}, inputs(values={"a": 2})).replaces
    assert provider.diff(RELEASE, "apps/rel", old, {}, {**old, "namespace": "other"}).replaces == {"namespace"}

"""The resources of servers of Postgres on a real API server, with the CRDs of both charts: operator and plugin."""

import os
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.pace import eventually
from support.sites import variants

from llmplatform.testing import RecordingEngine
from llmplatform_sandbox.controlplane import ControlPlane
from llmplatform_sandbox.kube.client import Kube
from llmplatform_sandbox.kube.errors import KubeError
from llmplatform_sandbox.kube.readiness import condition
from llmplatform_sandbox.paths import SandboxPaths
from llmplatform_sandbox.toolchain import ETCD, KUBERNETES, KWOK, ensure

CHARTS = os.environ.get("LLMPLATFORM_CHARTS")
pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.skipif(not CHARTS, reason="LLMPLATFORM_CHARTS names no folder with the charts' CRDs"),
]

SERVERS = ("cnpg, small", "cnpg, lasting", "cnpg, restored")
VARIANTS = {name: program for name, program in variants().items() if name.startswith(SERVERS)}
KINDS = ("postgresql.cnpg.io/v1:Cluster", "postgresql.cnpg.io/v1:ScheduledBackup", "barmancloud.cnpg.io/v1:ObjectStore")


@pytest.fixture(scope="module")
def kube(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kube]:
    paths = SandboxPaths(tmp_path_factory.mktemp("sandbox"))
    paths.create()
    plane = ControlPlane(paths, ensure([ETCD, KUBERNETES, KWOK]))
    kube = Kube(plane())
    assert CHARTS
    for chart in ("cloudnative-pg", "plugin-barman-cloud"):
        for path in sorted(Path(CHARTS, chart, "crds").glob("*.yaml")):
            for crd in filter(None, yaml.load_all(path.read_text(), yaml.CSafeLoader)):
                kube.apply(crd, manager="test")
                established(kube, crd["metadata"]["name"])
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "cnpg"}}, manager="test")
    yield kube
    kube.close()
    plane.stop()


def established(kube: Kube, name: str) -> None:
    def served() -> bool:
        found = kube.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", name)
        return found is not None and condition(found, "Established").get("status") == "True"

    eventually(served, f"{name} is not served")


def resources(variant: str) -> list[dict[str, Any]]:
    engine = RecordingEngine().run(VARIANTS[variant])
    made = [each.inputs for kind in KINDS for each in engine.all(f"kubernetes:{kind}")]
    return [{key: each[key] for key in ("apiVersion", "kind", "metadata", "spec")} for each in made]


def within(wanted: Any, kept: Any, path: str = "") -> None:
    """All that is wanted is kept: the CRDs add defaults of their own."""
    if isinstance(wanted, dict):
        for key, value in wanted.items():
            assert key in kept, f"{path}.{key} was dropped"
            within(value, kept[key], f"{path}.{key}")
    elif isinstance(wanted, list):
        assert len(wanted) == len(kept), path
        for number, pair in enumerate(zip(wanted, kept, strict=True)):
            within(*pair, f"{path}[{number}]")
    else:
        assert wanted == kept, path


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_api_server_takes_each_resource_with_every_field_of_it(kube: Kube, variant: str) -> None:
    for wanted in resources(variant):
        kept = kube.apply(wanted, manager="pulumi")
        within(wanted["spec"], kept["spec"], wanted["kind"])
        assert kube.delete(kept)


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("Cluster", ("instances",), 0),
        ("Cluster", ("storage", "storageclass"), "block"),
        ("Cluster", ("postgresql", "synchronous", "method"), "quorum"),
        ("Cluster", ("primaryUpdateMethod",), "failover"),
        ("Cluster", ("bootstrap", "recovery", "recoveryTarget", "until"), "2026-11-30T12:00:00Z"),
        ("Cluster", ("plugins",), [{"isWALArchiver": True}]),
        ("ObjectStore", ("configuration", "wal", "compression"), "deflate"),
        ("ObjectStore", ("retentionPolicy",), "14 days"),
        ("ScheduledBackup", ("method",), "barman"),
    ],
)
def test_the_api_server_refuses_what_the_crds_do_not_know(
    kube: Kube, kind: str, path: tuple[str, ...], value: Any
) -> None:
    found = next(each for each in resources("cnpg, restored, monitored, public") if each["kind"] == kind)
    wrong = deepcopy(found)
    *above, last = path
    inner = wrong["spec"]
    for key in above:
        inner = inner[key]
    inner[last] = value
    with pytest.raises(KubeError):
        kube.apply(wrong, manager="pulumi")

"""What every installer leans on: where images come from, how they are pulled, and which CRDs come first."""

import os
from pathlib import Path

import pulumi
import pytest
from support.addons import gpu_operator
from support.sites import MIRRORED, site

from llmplatform.base.chart_values import Values
from llmplatform.base.component import PlatformComponent
from llmplatform.base.images import mirrored
from llmplatform.base.site import MONITORS, Pods, Rails, Site
from llmplatform.catalog.chart_values import chart_images
from llmplatform.catalog.trees import merged
from llmplatform.catalog.versions import CHARTS
from llmplatform.specs.mirrors import Mirrors
from llmplatform.testing import RecordingEngine

FOLDER = os.environ.get("LLMPLATFORM_CHARTS")
RELEASE = "kubernetes:helm.sh/v3:Release"
QUOTA = "kubernetes:core/v1:ResourceQuota"
SECRET = "kubernetes:core/v1:Secret"


class Thing(PlatformComponent):
    """A component that installs a chart, into a namespace of its own or another's."""

    def __init__(self, site: Site, home: Rails | str) -> None:
        super().__init__("test:index:Thing", "thing", None)
        site.release(self, "thing", "dcgm-exporter", Values(), home)
        self.finish()


def images_seen(chart: str) -> list[str]:
    """The images that a chart's templates render, and those that its operator starts."""
    assert FOLDER
    path = Path(FOLDER, chart, "images.txt")
    lines = path.read_text().splitlines() if path.exists() else []
    words = [word.rstrip(":") for line in lines if not line.startswith("#") for word in line.split()[:2]]
    return [word for word in words if "." in word.partition("/")[0] and "/" in word]


@pytest.mark.skipif(not FOLDER, reason="the contents of the pinned charts are not here")
@pytest.mark.parametrize("chart", CHARTS)
def test_every_image_that_a_chart_renders_is_on_its_list(chart: str) -> None:
    homes = chart_images(chart).values()
    missed = [image for image in images_seen(chart) if not image.startswith(tuple(homes))]
    assert not missed, "they would be pulled from the public registry"


@pytest.mark.parametrize("chart", CHARTS)
def test_no_registry_is_left_out_by_a_mirror_of_all(chart: str) -> None:
    def leaves(tree: object) -> list[str]:
        return [each for value in tree.values() for each in leaves(value)] if isinstance(tree, dict) else [str(tree)]

    found = leaves(mirrored(chart, MIRRORED, None))
    assert len(found) == len(chart_images(chart))
    assert all(each.startswith("registry.example.org/") for each in found)


def test_a_registry_that_no_mirror_stands_in_for_keeps_the_charts_own() -> None:
    of_docker = Mirrors(images={"docker.io": "registry.example.org/hub"})
    assert mirrored("cert-manager", of_docker, None) == {}, "quay.io is no repository of docker.io"
    assert mirrored("gpu-operator", Mirrors(), None) == {}


def test_what_an_add_on_sets_itself_wins_over_what_is_set_for_all() -> None:
    assert merged({"image": {"repository": "a", "tag": "1"}}, {"image": {"tag": "2"}, "x": 1}) == {
        "image": {"repository": "a", "tag": "2"},
        "x": 1,
    }


def test_a_chart_is_told_of_the_login_in_its_own_words() -> None:
    assert mirrored("dcgm-exporter", Mirrors(), "login") == {"imagePullSecrets": [{"name": "login"}]}
    assert mirrored("cluster-autoscaler", Mirrors(), "login") == {"image": {"pullSecrets": ["login"]}}
    assert mirrored("kube-prometheus-stack", Mirrors(), "login") == {
        "global": {"imagePullSecrets": [{"name": "login"}]}
    }
    operator = mirrored("gpu-operator", Mirrors(), "login")
    assert operator["dcgmExporter"] == {"imagePullSecrets": ["login"]}
    assert operator["node-feature-discovery"]["imagePullSecrets"] == [{"name": "login"}], "another chart, other words"


def test_a_release_in_a_namespace_of_others_has_a_login_of_its_own_and_touches_nothing_else() -> None:
    engine = RecordingEngine().run(lambda: Thing(site(mirrors=MIRRORED), "kube-system"))
    (secret,) = engine.all(SECRET)
    assert secret.inputs["metadata"]["name"] == "dcgm-exporter-registry-login"
    values = engine.one(RELEASE).inputs["values"]
    assert values["imagePullSecrets"] == [{"name": "dcgm-exporter-registry-login"}]
    assert not engine.all("kubernetes:core/v1:Namespace")
    assert not engine.all("kubernetes:networking.k8s.io/v1:NetworkPolicy")


def test_a_namespace_has_room_for_an_update_and_more_only_for_a_reason() -> None:
    usual = RecordingEngine().run(lambda: Thing(site(), Rails(namespace="things")))
    assert usual.one(QUOTA).inputs["spec"]["hard"]["pods"] == "50"
    many = Rails(namespace="things", pods=Pods(500, "one on each node"))
    assert RecordingEngine().run(lambda: Thing(site(), many)).one(QUOTA).inputs["spec"]["hard"]["pods"] == "500"


def test_what_installs_the_crds_comes_first_and_a_group_that_nothing_installs_is_refused() -> None:
    with pytest.raises(LookupError, match=r"keda\.sh: installed by nothing"):
        site().needs("keda.sh")
    assert site().needs(MONITORS) == [], "they are in the cluster already"
    with pytest.raises(LookupError, match=MONITORS):
        RecordingEngine().run(lambda: gpu_operator(crds={}))


def test_a_site_names_no_provider_but_by_its_options() -> None:
    opts = pulumi.ResourceOptions()
    assert site(opts=opts).opts is opts

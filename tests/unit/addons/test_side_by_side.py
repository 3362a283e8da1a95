"""Add-ons beside each other: what depends on what, and what each is allowed."""

from typing import Any

import pytest
from support.addons import autoscaler, cert_manager, gpu_operator, monitoring

from llmplatform.base.site import MONITORS
from llmplatform.testing import RecordingEngine

RELEASE = "kubernetes:helm.sh/v3:Release"


def test_nothing_waits_for_prometheus_but_only_for_the_kinds() -> None:
    def program() -> None:
        crds = {MONITORS: monitoring().crds}
        gpu_operator(crds=crds)
        cert_manager(crds=crds)
        autoscaler(crds=crds)

    engine = RecordingEngine().run(program)
    for release in ("gpu-operator-release", "cert-manager-release", "autoscaler-release"):
        assert engine.waits_for(engine.named(release), engine.named("monitoring-crds"))
        assert not engine.waits_for(engine.named(release), engine.named("monitoring-stack")), "a serial chain is slow"


def test_addons_wait_for_none_of_one_another_without_monitoring() -> None:
    def program() -> None:
        for addon in (gpu_operator, cert_manager, autoscaler):
            addon(monitored=False)

    engine = RecordingEngine().run(program)
    releases = engine.all(RELEASE)
    chained = [(a.name, b.name) for a in releases for b in releases if a != b and engine.waits_for(a, b)]
    assert not chained


@pytest.mark.parametrize(
    ("addon", "level"), [(gpu_operator, "privileged"), (monitoring, "privileged"), (cert_manager, "restricted")]
)
def test_each_addon_is_allowed_what_it_needs_and_no_more(addon: Any, level: str) -> None:
    namespace = RecordingEngine().run(addon).one("kubernetes:core/v1:Namespace")
    assert namespace.inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == level

"""The models of a stack, installed by a program of another team: on its cluster, with its own provider."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pytest
from support.plans import SPOT_FIRST, model_plan
from support.sites import site

from llmplatform import serving
from llmplatform.base.foundation import CloudServices
from llmplatform.planning.outside import OutsidePlan
from llmplatform.specs.mirrors import Mirrors
from llmplatform.testing import RecordingEngine

JOB = "kubernetes:batch/v1:Job"
MONITOR = "kubernetes:monitoring.coreos.com/v1:ServiceMonitor"


@dataclass
class Pool:
    """A node pool as a cloud's component promises it."""

    groups: Sequence[pulumi.Resource]
    group_names: Mapping[str, pulumi.Output[str]] = field(default_factory=dict[str, pulumi.Output[str]])


def installed(
    *, region: str | None = None, owner: Sequence[str] = ("llmplatform", "test"), **changes: Any
) -> RecordingEngine:
    plan = model_plan(SPOT_FIRST)

    def program() -> Mapping[str, Any]:
        cloud = CloudServices(
            region="cn-hangzhou",
            modelscope_region=region,
            kubernetes_version="1.34",
            cluster_name=pulumi.Output.from_input("llm"),
            shared_class=pulumi.Output.from_input("shared-by-all"),
            pools={plan.pool.name: Pool([pulumi.CustomResource("test:index:Nodes", "nodes")])},
        )
        servers = serving.install(site(cloud=cloud, **changes), cloud, [plan], OutsidePlan(), owner=owner)
        return {name: server.url for name, server in servers.items()}

    return RecordingEngine().run(program)


def test_each_model_has_a_server_on_the_clouds_storage_after_its_nodes() -> None:
    engine = installed()
    assert engine.result == {"chat": "http://chat.models.svc:8000"}
    claim = engine.one("kubernetes:core/v1:PersistentVolumeClaim")
    assert claim.inputs["spec"]["storageClassName"] == "shared-by-all"
    for name in ("chat-deployment", "chat-service"):
        assert engine.waits_for(engine.named(name), engine.named("nodes")), "nodes are deleted after their models"


def test_metrics_are_scraped_after_the_crds_where_the_site_has_a_prometheus() -> None:
    assert installed().one(MONITOR).name == "chat-monitor"
    assert installed(monitored=False).all(MONITOR) == []


def test_two_stacks_share_a_namespace_without_sharing_objects() -> None:
    (first, second) = (
        {
            each.inputs["metadata"]["name"]
            for each in installed(owner=("llmplatform", stack)).all("kubernetes:core/v1:ConfigMap")
        }
        for stack in ("dev", "prod")
    )
    assert first
    assert not first & second


@pytest.mark.parametrize("region", ["cn-hangzhou", None])
def test_only_a_machine_on_alibaba_cloud_tells_modelscope_its_region(region: str | None) -> None:
    (job,) = installed(region=region, mirrors=Mirrors(models="modelscope")).all(JOB)
    words = job.inputs["spec"]["template"]["spec"]["containers"][0]["args"]
    assert ("--region" in words) == (region is not None)

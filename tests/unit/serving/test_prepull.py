"""Images on nodes before servers need them: a DaemonSet for each pool that asks for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import kubernetes_validate
import pulumi
from support.plans import SMALL, SPOT_FIRST, stack
from support.sites import MIRRORED, PASSWORD, site

from llmplatform import serving
from llmplatform.base.foundation import CloudServices
from llmplatform.catalog.versions import HYDRATION_IMAGE
from llmplatform.planning.models import plan_models
from llmplatform.planning.outside import OutsidePlan
from llmplatform.planning.pools import plan_pools
from llmplatform.testing import RecordingEngine

DAEMON_SET = "kubernetes:apps/v1:DaemonSet"
TAINTED = {**SPOT_FIRST, "prepull": True, "taints": [{"key": "team", "value": "search"}]}
MODELS = {
    "chat": {**SMALL, "tolerations": [{"key": "team"}]},
    "again": {**SMALL, "tolerations": [{"key": "team"}]},
    "other": {**SMALL, "engine": {"kind": "sglang"}, "tolerations": [{"key": "team"}]},
}


@dataclass
class Pool:
    """A node pool as a cloud's component promises it."""

    groups: Sequence[pulumi.Resource]
    group_names: Mapping[str, pulumi.Output[str]] = field(default_factory=dict[str, pulumi.Output[str]])


def installed(
    pool: dict[str, Any], *, owner: Sequence[str] = ("llmplatform", "test"), **changes: Any
) -> RecordingEngine:
    settings = stack({"gpu": pool}, MODELS)
    pools = plan_pools(settings)

    def program() -> None:
        cloud = CloudServices(
            region="us-east-1",
            kubernetes_version="1.35",
            cluster_name=pulumi.Output.from_input("llm"),
            shared_class=pulumi.Output.from_input("efs"),
            pools={each.name: Pool([pulumi.CustomResource("test:index:Nodes", each.name)]) for each in pools},
        )
        plans = plan_models(settings, pools)
        serving.install(site(cloud=cloud, pools=pools, **changes), cloud, plans, OutsidePlan(), owner=owner)

    return RecordingEngine().run(program)


def spec(engine: RecordingEngine) -> dict[str, Any]:
    return engine.one(DAEMON_SET).inputs["spec"]


def pod(engine: RecordingEngine) -> dict[str, Any]:
    return spec(engine)["template"]["spec"]


def test_every_image_of_the_pools_models_is_fetched_once_and_its_container_ends_at_once() -> None:
    engine = installed(TAINTED)
    found = pod(engine)["initContainers"]
    used = {each.inputs["spec"]["template"]["spec"]["containers"][0]["image"] for each in servers(engine)}
    assert len(used) == 2
    assert sorted(each["image"] for each in found) == sorted(used)
    assert all(each["command"] == ["true"] for each in found)
    (kept,) = pod(engine)["containers"]
    assert (kept["image"], kept["command"]) == (HYDRATION_IMAGE, ["sleep", "infinity"])


def servers(engine: RecordingEngine) -> list[Any]:
    return engine.all("kubernetes:apps/v1:Deployment")


def test_it_runs_on_the_nodes_of_its_pool_alone_whatever_their_taints() -> None:
    found = pod(installed(TAINTED))
    assert found["nodeSelector"] == {"llmplatform.dev/pool": "gpu"}
    assert {each["key"] for each in found["tolerations"]} == {"nvidia.com/gpu", "team"}


def test_it_takes_no_gpu_and_has_no_privilege() -> None:
    engine = installed(TAINTED)
    found = pod(engine)
    assert found["automountServiceAccountToken"] is False
    assert (found["securityContext"]["runAsNonRoot"], "volumes" in found) == (True, False)
    for container in (*found["initContainers"], *found["containers"]):
        assert set(container["resources"]["limits"]) == {"memory"}, "GPUs are for models"
        assert {"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"} in container["env"], "its image asks for all"
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert engine.one(DAEMON_SET).inputs["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}


def test_the_api_server_takes_it() -> None:
    kubernetes_validate.validate(installed(TAINTED).one(DAEMON_SET).inputs, "1.35", strict=True)


def test_images_come_from_the_mirror_with_the_login() -> None:
    found = pod(installed(TAINTED, mirrors=MIRRORED, secrets={"registry_password": PASSWORD}))
    assert all(
        each["image"].startswith("registry.example.org/") for each in (*found["initContainers"], *found["containers"])
    )
    assert len(found["imagePullSecrets"]) == 1


def test_two_stacks_that_share_a_pool_have_one_each() -> None:
    names = {
        installed(TAINTED, owner=owner).one(DAEMON_SET).inputs["metadata"]["name"]
        for owner in (("llmplatform", "one"), ("llmplatform", "two"))
    }
    assert len(names) == 2


def test_without_the_setting_there_is_none_and_the_plan_says_what_it_saves() -> None:
    assert not installed(SPOT_FIRST | {"taints": TAINTED["taints"]}).all(DAEMON_SET)
    plans = {
        each: plan_models(settings := stack({"gpu": TAINTED | {"prepull": each}}, MODELS), plan_pools(settings))[0]
        for each in (True, False)
    }
    image = plans[False].start.phases[1].seconds
    both = plans[False].start.new_node_seconds + image
    assert plans[True].start.new_node_seconds == both, "a new node fetches the other image, too"
    assert plans[True].start.ready_node_seconds == plans[False].start.ready_node_seconds - image

"""The foundation of a platform as another team's program wires it: two functions, and a provider between them."""

from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest
from support import alicloud_platform, aws_platform

from llmplatform.alicloud import foundation as ack
from llmplatform.aws import foundation as eks
from llmplatform.base.contracts import Grant
from llmplatform.base.foundation import CloudServices
from llmplatform.base.policies import Statement
from llmplatform.planning.pools import plan_pools
from llmplatform.testing import RecordingEngine

READ = {
    "aws": Statement(sid="Read", actions=("s3:GetObject",), resources=("arn:aws:s3:::weights/*",)),
    "alicloud": Statement(actions=("oss:GetObject",), resources=("acs:oss:*:*:weights/*",)),
}
RIGHTS = {
    "aws": "aws:iam/rolePolicy:RolePolicy",
    "alicloud": "alicloud:ram/rolePolicyAttachment:RolePolicyAttachment",
}


def foundation(cloud: str) -> CloudServices:
    none = pulumi.ResourceOptions()
    if cloud == "aws":
        stack = aws_platform.stack()
        made = eks.cluster(stack, plan_pools(stack), none)
        return eks.services(made, k8s.Provider("inside", kubeconfig=made.kubeconfig))
    other = alicloud_platform.stack()
    there = ack.cluster(other, plan_pools(other), none)
    return ack.services(there, k8s.Provider("inside", kubeconfig=there.kubeconfig))


@pytest.mark.parametrize("cloud", ["aws", "alicloud"])
def test_a_program_of_another_team_gets_a_cluster_with_storage_in_two_calls(cloud: str) -> None:
    def program() -> dict[str, Any]:
        made = foundation(cloud)
        return {
            "class": made.shared_class,
            "pools": sorted(made.pools),
            "none": list(made.nodes_of("theirs")),
            "redirected": made.modelscope_region == made.region,
        }

    engine = RecordingEngine().run(program)
    assert engine.result["pools"] == sorted(aws_platform.POOLS if cloud == "aws" else alicloud_platform.POOLS)
    assert engine.result["none"] == [], "nodes of another stack's pool are not made here"
    assert engine.result["redirected"] == (cloud == "alicloud"), "ModelScope knows no regions of other clouds"
    shared = engine.named(f"storage-{engine.result['class']}")
    assert shared.provider.startswith(engine.named("inside").urn), "a storage class is an object in the cluster"


@pytest.mark.parametrize("cloud", ["aws", "alicloud"])
def test_a_workload_that_uses_its_identity_starts_with_all_its_rights_and_no_others(cloud: str) -> None:
    class Pod(pulumi.CustomResource):
        def __init__(self, role: pulumi.Input[str]) -> None:
            super().__init__("test:index:Pod", "pod", {"role": role})

    def program() -> Any:
        made = foundation(cloud)
        assert made.identity
        granted = [Grant(name="weights", statements=[READ[cloud]])]
        identity = made.identity("reader", namespace="models", service_account="reader", grants=granted)
        return Pod(identity.role_name).urn

    engine = RecordingEngine().run(program)
    rights = [each for each in engine.all(RIGHTS[cloud]) if each.name.startswith("reader-")]
    assert [each.name for each in rights] == ["reader-weights"]
    assert engine.waits_for(engine.named("pod"), rights[0])

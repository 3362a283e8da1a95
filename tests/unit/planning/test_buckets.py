"""What follows from weights in a bucket."""

from support.program import ROOT

from llmplatform.checks import parse, warnings
from llmplatform.checks.files import read
from llmplatform.planning.hydration import beside, buckets, folder
from llmplatform.planning.models import plan_models
from llmplatform.planning.pools import plan_pools
from llmplatform.serving.weights import _buckets
from llmplatform.specs.lora import Adapter
from llmplatform.specs.stack import Stack


def stack(name: str, source: str) -> Stack:
    raw = read(ROOT / f"Pulumi.{name}.yaml")
    for model in raw["models"].values():
        model.pop("revision", None)
        model["weights"] = {"source": source}
    return parse(raw)


def test_tokens_of_alibaba_cloud_come_from_within_the_network() -> None:
    """`GetSTSEndpoint` of kubernetes-sigs/alibaba-cloud-csi-driver has the same address."""
    near = stack("dev-ack", "oss://acme/qwen")
    (plan,) = plan_models(near, plan_pools(near))
    assert plan.buckets
    assert plan.buckets.sts == "https://sts-vpc.cn-hangzhou.aliyuncs.com"
    words = _buckets(plan)
    assert words[-2:] == ("--sts", plan.buckets.sts)
    far = stack("dev", "s3://acme/qwen")
    (model,) = far.models.values()
    found = buckets(model, far.cloud)
    assert found
    assert found.sts is None


def test_folders_have_no_sign_that_ends_a_name_on_a_command_line() -> None:
    found = stack("dev", "s3://acme/stage=prod/qwen@1+a")
    (model,) = found.models.values()
    assert folder(model, found.mirrors) == "s3/acme/stage%3Dprod%2Fqwen@1+a/main"
    assert "=" not in beside(Adapter(source="s3://acme/stage=prod/lora", rank=8))


def test_an_existing_cluster_of_alibaba_cloud_gives_identities_in_namespaces_with_a_label() -> None:
    raw = read(ROOT / "examples/engines/Pulumi.sglang-ack.yaml")
    for model in raw["models"].values():
        model.pop("revision", None)
        model["weights"] = {"source": "oss://acme/qwen"}
    found = next(str(each) for each in warnings(parse(raw)) if each.path.endswith(".weights"))
    assert 'has the label pod-identity.alibabacloud.com/injection: "on"' in found

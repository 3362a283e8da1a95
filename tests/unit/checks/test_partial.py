"""What is read of a wrong file: what is right in it, and nothing in place of what is not."""

import pytest
from support.stack_settings import dev

from llmplatform.checks.partial import Unread, partial
from llmplatform.checks.rules import problems_of_partial
from llmplatform.specs.cluster import NewEksCluster
from llmplatform.specs.stack import AwsStack


def test_a_rule_that_asks_for_a_faulty_setting_is_told_that_it_could_not_be_read() -> None:
    found = partial(AwsStack, dev(), [("cluster", "kubernetes_version")])
    assert isinstance(found.cluster, NewEksCluster), "rules look at the class"
    assert found.cluster.service_cidr == "172.20.0.0/16", "what is right beside it is read"
    with pytest.raises(Unread):
        _ = found.cluster.kubernetes_version


def test_a_default_does_not_stand_for_a_value_whose_key_is_misspelt() -> None:
    raw = dev()
    raw["pools"]["gpu"]["disk_gbi"] = 20
    raw["pools"]["gpu"].pop("disk_gib", None)
    with pytest.raises(Unread):
        _ = partial(AwsStack, raw, [("pools", "gpu", "disk_gbi")]).pools["gpu"].disk_gib


def test_a_name_that_is_no_setting_is_a_mistake_of_ours() -> None:
    found = partial(AwsStack, dev(), [("cluster", "kubernetes_version")])
    with pytest.raises(AttributeError):
        _ = found.cluster.version


def test_a_pool_that_cannot_be_read_does_not_silence_the_others() -> None:
    raw = dev()
    raw["pools"]["gpu"]["instance_types"] = "g5.2xlarge"
    raw["pools"]["system"]["instance_types"] = ["m7i.xlrge"]
    [problem] = problems_of_partial(AwsStack, raw, [("pools", "gpu", "instance_types")])
    assert problem.path == "pools.system.instance_types[0]"

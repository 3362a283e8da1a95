"""The fake engine that all component tests stand on."""

import pulumi
import pulumi_aws as aws
import pytest

from llmplatform.testing import RecordingEngine


def _vpc(name: str = "vpc", **inputs: object) -> aws.ec2.Vpc:
    return aws.ec2.Vpc(name, cidr_block="10.0.0.0/16", **inputs)  # type: ignore[arg-type]


def test_what_the_program_returns_is_resolved() -> None:
    engine = RecordingEngine().run(lambda: {"id": _vpc().id})
    assert engine.result == {"id": "vpc-id"}, "outputs are awaited, so that a test can compare plain values"


def test_a_lookup_is_refused() -> None:
    with pytest.raises(AssertionError, match="unexpected lookup aws:index/getCallerIdentity:getCallerIdentity"):
        RecordingEngine().run(lambda: aws.get_caller_identity_output().account_id)


def test_an_error_of_the_program_reaches_the_test() -> None:
    def program() -> None:
        _vpc()
        raise ValueError("the program's own words")

    with pytest.raises(ValueError, match="the program's own words"):
        RecordingEngine().run(program)


def test_an_error_in_an_output_reaches_the_test() -> None:
    def program() -> None:
        nothing: dict[str, str] = {}
        _vpc().id.apply(lambda id_: nothing[id_])

    with pytest.raises(KeyError, match="vpc-id"):
        RecordingEngine().run(program)


def test_two_resources_with_one_name_are_refused() -> None:
    def program() -> None:
        _vpc()
        _vpc()

    with pytest.raises(AssertionError, match="two resources have the URN"):
        RecordingEngine().run(program)


def test_a_deprecated_resource_is_refused() -> None:
    with pytest.raises(AssertionError, match="a user would be warned"):
        RecordingEngine().run(lambda: aws.ec2.EncryptionControl("old", vpc_id="vpc-1", mode="monitor"))


def test_secrets_are_told_apart_from_plain_values() -> None:
    engine = RecordingEngine().run(lambda: _vpc(tags={"password": pulumi.Output.secret("hidden")}))
    vpc = engine.one("aws:ec2/vpc:Vpc")
    assert vpc.secrets == {"tags"}
    assert vpc.inputs["tags"] == {"password": "hidden"}, "tests see the value, an engine encrypts it"


def test_data_flow_is_recorded_as_order() -> None:
    def program() -> None:
        vpc = _vpc()
        subnet = aws.ec2.Subnet("subnet", vpc_id=vpc.id)
        aws.ec2.RouteTableAssociation("far", route_table_id="rtb-1", subnet_id=subnet.id)

    engine = RecordingEngine().run(program)
    assert engine.waits_for(engine.named("far"), engine.named("vpc")), "order is transitive"
    assert not engine.waits_for(engine.named("vpc"), engine.named("far"))


def test_in_a_preview_what_the_cloud_computes_is_unknown() -> None:
    def program() -> None:
        aws.ec2.Subnet("subnet", vpc_id=_vpc().id)

    subnet = RecordingEngine(preview=True).run(program).named("subnet")
    assert subnet.inputs["vpcId"] != "vpc-id", "a preview has no ids yet"

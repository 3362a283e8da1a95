"""The scan's bookkeeping: findings need a reason, reasons need a finding; and the forms that scanners read."""

from typing import Any

import pytest
import scan
import stack_objects as objects

from llmplatform.testing import Registered


def registered(token: str, name: str, **inputs: Any) -> Registered:
    return Registered(
        type=token,
        name=name,
        urn=f"urn:{name}",
        parent="",
        inputs=inputs,
        secrets=frozenset(),
        custom=True,
        dependencies=frozenset(),
        protect=False,
        ignore_changes=(),
        retain_on_delete=False,
        deleted_with="",
        delete_before_replace=False,
        provider="",
    )


def report(*findings: tuple[str, str]) -> Any:
    found = tuple(scan.Finding(check=check, object=place, says="wrong") for check, place in findings)
    return scan.Report(stack="dev", tool="checkov", findings=found, checks=len(found))


ENTRY = scan.Accepted(check="CKV_1", objects=("Deployment.models.*",), reason="it is right because the tests say so")


def test_a_finding_with_a_reason_passes() -> None:
    assert not scan.faults([report(("CKV_1", "Deployment.models.chat"))], [ENTRY])


def test_a_finding_without_a_reason_fails() -> None:
    fault = scan.faults([report(("CKV_1", "Deployment.models.chat"), ("CKV_2", "Secret.models.key"))], [ENTRY])
    assert fault == ["dev: Secret.models.key: CKV_2: wrong; mend it, or say why it stands"]


def test_a_reason_covers_only_the_objects_that_it_names() -> None:
    fault = scan.faults([report(("CKV_1", "Deployment.models.chat"), ("CKV_1", "Deployment.web.page"))], [ENTRY])
    assert fault == ["dev: Deployment.web.page: CKV_1: wrong; mend it, or say why it stands"]


def test_a_reason_for_nothing_fails() -> None:
    assert scan.faults([report()], [ENTRY]) == [
        "accepted-findings.yaml: CKV_1: nothing is found any more; delete the entry"
    ]


def test_the_tracked_reasons_can_be_read() -> None:
    known = scan.accepted()
    assert known
    named = [(entry.check, each) for entry in known for each in entry.objects]
    assert len({*named}) == len(named), "two entries for one check at the same objects: which of them holds?"


@pytest.mark.parametrize(
    ("token", "name"),
    [
        ("aws:ec2/vpc:Vpc", "aws_vpc"),
        ("aws:eks/nodeGroup:NodeGroup", "aws_eks_node_group"),
        ("aws:autoscaling/tag:Tag", "aws_autoscaling_group_tag"),
        ("alicloud:cs/managedKubernetes:ManagedKubernetes", "alicloud_cs_managed_kubernetes"),
        ("alicloud:vpc/switch:Switch", "alicloud_vswitch"),
    ],
)
def test_types_are_named_as_terraform_does(token: str, name: str) -> None:
    assert objects.terraform_type(token) == name


def test_an_answered_identifier_becomes_a_reference() -> None:
    written = objects.terraform(
        [
            registered("aws:ec2/vpc:Vpc", "core-vpc", cidrBlock="10.0.0.0/16", tags={"a.b": "${x}"}),
            registered(
                "aws:ec2/flowLog:FlowLog", "core-flow", vpcId="core-vpc-id", destinationOptions={"fileFormat": "p"}
            ),
        ]
    )
    assert "vpc_id = aws_vpc.core-vpc.id" in written, "a scanner could not tell that the network is logged"
    assert "destination_options {\n    file_format" in written, "an object is a block"
    assert 'tags = {"a.b" = "$${x}"}' in written, "a map is no block, and a dollar no expression"
